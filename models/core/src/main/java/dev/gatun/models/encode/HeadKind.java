package dev.gatun.models.encode;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.Uses;
import dev.gatun.models.checkpoint.WeightException;
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
     * Refuses, for embeddings, a checkpoint whose head is what it was made for: its hidden states are no embeddings. A masked language
     * model is none of these, nor is a folder of sentence-transformers that says how vectors are pooled.
     *
     * @param pooled whether the caller says how they are pooled: then only what is no encoder and a head is refused
     * @throws WeightException names the architecture and the task that serves it
     */
    public static void requireNone(Checkpoint checkpoint, boolean pooled) {
        if (checkpoint.modules().stream().anyMatch(m -> m.type().equals("Pooling"))) {
            return;
        }
        for (String said : checkpoint.architectures()) {
            boolean colbert = said.equals("HF_ColBERT");
            if (colbert || !pooled && find(said).filter(kind -> kind != MASKED).isPresent()) {
                throw new WeightException(checkpoint.configFile(), "architectures says " + said
                        + (colbert ? ", whose vector for each token is not served" : what(said))
                        + "; expected an encoder without a head" + (colbert ? "" : ", or a pooling for the hidden states of this one's"));
            }
        }
    }

    private static Optional<HeadKind> find(String architecture) {
        return Arrays.stream(values()).filter(kind -> kind.isOf(architecture)).findFirst();
    }

    private static String what(String architecture) {
        return find(architecture).map(kind -> ", which " + kind.does + ": use " + kind.tasks).orElse(", which has no head that is served");
    }
}
