package dev.gatun.models.checkpoint;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;

/** Which class and command a model is for, by the words of its config; for messages of those that it is not for. */
public final class Uses {
    private static final Map<Pattern, String> ALL = new LinkedHashMap<>();

    static {
        add("Whisper.*|whisper", "SpeechRecognizer (gatun transcribe)");
        add(".*MTModel|(T5|MT5|UMT5|Bart|MBart|M2M100|Pegasus)ForConditionalGeneration",
                "Translator or Summarizer (gatun translate, summarize)");
        add("seq2seq-transformer", "Translator (gatun translate)");
        add("rnn-language-model", "LanguageModel (gatun generate, perplexity)");
        add("rnn-tagger", "SequenceTagger (gatun tag)");
        add("rnn-forecaster", "Forecaster (gatun forecast)");
        add("(ViT|DeiT|ResNet)ForImageClassification|textbook-cnn|resnet\\d+d?", "ImageClassifier (gatun classify)");
        add("CLIPModel|SiglipModel", "ImageTextModel (gatun classify --labels, embed)");
        add("(Bert|Roberta|XLMRoberta|Camembert|DistilBert|Electra|Albert|MPNet|DebertaV2|T5Encoder|ModernBert|NomicBert)Model",
                "EmbeddingModel (gatun embed, search)");
    }

    private Uses() {
    }

    private static void add(String words, String use) {
        ALL.put(Pattern.compile(words), use);
    }

    /** As {@code ; use Translator (gatun translate)}; empty if nothing is known to serve such a model. */
    public static String hint(Collection<String> architectures) {
        return ALL.entrySet().stream().filter(e -> architectures.stream().anyMatch(word -> e.getKey().matcher(word).matches()))
                .map(e -> "; use " + e.getValue()).findFirst().orElse("");
    }
}
