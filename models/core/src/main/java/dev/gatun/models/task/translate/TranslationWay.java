package dev.gatun.models.task.translate;

import dev.gatun.models.generate.GenerationOptions;
import dev.gatun.models.generate.logits.ForcedBos;
import dev.gatun.models.seq2seq.GenerationDefaults;
import dev.gatun.models.seq2seq.HubModel;
import dev.gatun.models.seq2seq.TextToText;
import dev.gatun.models.tokenize.Languages;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Supplier;

/**
 * From which language to which, as a model is told.
 *
 * @param reader  makes what the encoder reads
 * @param options as the folder says, with the target's language as the first token, where the model wants it there
 * @param locale  whose sentences texts are cut at
 */
record TranslationWay(TextToText.Reader reader, Supplier<GenerationOptions.Builder> options, Locale locale) {

    static TranslationWay of(HubModel model, TranslatorOptions wanted) {
        Languages languages = model.languages();
        int first = -1;
        String source = wanted.source();
        String target = wanted.target();
        String prefix = wanted.prefix() != null ? wanted.prefix() : "";
        if (languages.isEmpty()) {
            // T5 is told in words; a model of one pair of languages needs nothing.
            String task = source != null && target != null ? model.prefix("translation_" + source + "_to_" + target) : "";
            if ((source != null || target != null) && task.isEmpty()) {
                throw new IllegalArgumentException("languages " + source + " to " + target + ": the model has no language codes; give a "
                        + "prefix, or nothing where the model has one pair of languages");
            }
            prefix = wanted.prefix() != null ? prefix : task;
        } else if (!languages.ofTargets()) {
            String from = source == null ? languages.source() : source;
            languages.id("source language", from);
            if (target != null) {
                first = languages.id("target language", target);
            } else if (!knowsTarget(model)) {
                throw new IllegalArgumentException("the model translates to several languages and the folder names none: name the target");
            }
            source = from;
        } else if (target != null) {
            languages.id("target language", target);
        }
        String before = prefix;
        int forced = first;
        String from = languages.isEmpty() ? null : source;
        String to = languages.ofTargets() ? target : null;
        boolean tagged = languages.ofTargets() && target == null && !languages.isEmpty();
        return new TranslationWay(text -> {
            if (tagged && !text.startsWith(">>")) {
                throw new IllegalArgumentException("the model translates to several languages: name one of " + String.join(", ",
                        languages.ids().keySet().stream().sorted().toList()) + ", or begin the text with it, as in >>"
                        + languages.ids().keySet().stream().sorted().findFirst().orElseThrow() + "<< ...");
            }
            return model.tokenizer().encode(before + text, from, to);
        }, () -> options(model, forced), Locale.of(Objects.requireNonNullElse(source, "").replaceAll("[^a-zA-Z].*", "")));
    }

    private static GenerationOptions.Builder options(HubModel model, int first) {
        GenerationOptions.Builder options = GenerationDefaults.read(model.checkpoint(), model.texts().model().tokens());
        return first < 0 ? options : options.forcedBosTokenId(first);
    }

    /** Whether the folder says which language comes out: by a first token that is forced, or by the one that targets begin with. */
    private static boolean knowsTarget(HubModel model) {
        GenerationOptions options = options(model, -1).build();
        int start = options.decoderStartTokenId() < 0 ? model.texts().model().tokens().decoderStart() : options.decoderStartTokenId();
        return options.processor(ForcedBos.class) != null || model.languages().ids().containsValue(start);
    }
}
