package dev.gatun.models.encode;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.Clip;
import dev.gatun.models.checkpoint.Uses;
import dev.gatun.models.checkpoint.WeightException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** What a checkpoint's head answers, as the ends of {@code architectures} in config.json say. */
public enum HeadKind {
    /** A row of class scores for each text. */
    SEQUENCES("classifies texts", "TextClassifier, Reranker or ZeroShotClassifier (gatun classify-text, rerank, zero-shot)",
            "ForSequenceClassification"),
    /** A row of class scores for each token. */
    TOKENS("classifies tokens", "TokenTagger (gatun tag)", "ForTokenClassification"),
    /** A row of scores of every word of the vocabulary for each token. */
    MASKED("fills masks", "FillMask (gatun fill-mask)", "ForMaskedLM", "ForPreTraining"),
    /** Two scores for each token: that an answer begins there, and that one ends there. */
    SPANS("finds answers in texts", "QuestionAnswerer (gatun answer)", "ForQuestionAnswering");

    private static final List<String> OTHERS = List.of("ForMultipleChoice", "ForNextSentencePrediction");

    private final String does;
    private final String tasks;
    private final List<String> suffixes;

    HeadKind(String does, String tasks, String... suffixes) {
        this.does = does;
        this.tasks = tasks;
        this.suffixes = List.of(suffixes);
    }

    @Override
    public String toString() {
        return does;
    }

    private boolean isOf(String architecture) {
        return suffixes.stream().anyMatch(architecture::endsWith);
    }

    /**
     * Refuses a checkpoint that says it has another head; one that says nothing is judged by its tensors.
     *
     * @throws WeightException names the architecture and the task that serves it
     */
    public void require(Checkpoint checkpoint) {
        List<String> said = checkpoint.architectures();
        if (!said.isEmpty() && said.stream().noneMatch(this::isOf)) {
            throw new WeightException(checkpoint.configFile(), "architectures says " + said.getFirst() + what(said.getFirst())
                    + (find(said.getFirst()).isPresent() ? "" : Uses.hint(said)) + "; expected one that "
                    + does + ": a name that ends in " + suffixes.getFirst());
        }
    }

    /**
     * What embedding leaves out of a checkpoint: the heads that its {@code architectures} say it was made for. A masked language model's
     * counts as none, nor do those of a folder of sentence-transformers that says how vectors are pooled.
     *
     * @return a line for each: the architecture, what its head does and which task runs it
     * @throws WeightException if a vector for each token is what the model makes
     */
    public static List<String> leftOut(Checkpoint checkpoint) {
        List<String> lines = new ArrayList<>();
        if (checkpoint.modules().stream().anyMatch(m -> m.type().equals("Pooling"))) {
            return lines;
        }
        for (String said : checkpoint.architectures()) {
            if (said.equals("HF_ColBERT")) {
                throw new WeightException(checkpoint.configFile(), "architectures says " + said + ", whose vector for each token is not "
                        + "served; expected an encoder whose tokens are pooled");
            }
            Optional<HeadKind> kind = find(said);
            if (kind.isPresent() ? kind.get() != MASKED : OTHERS.stream().anyMatch(said::endsWith)) {
                lines.add("the head of " + Clip.text(said) + " is left out"
                        + kind.map(k -> ": it " + k.does + "; use " + k.tasks + " for that")
                        .orElse(", and nothing here runs it"));
            }
        }
        return lines;
    }

    private static Optional<HeadKind> find(String architecture) {
        return Arrays.stream(values()).filter(kind -> kind.isOf(architecture)).findFirst();
    }

    private static String what(String architecture) {
        return find(architecture).map(kind -> ", which " + kind.does + ": use " + kind.tasks).orElse(", which has no head that is served");
    }
}
