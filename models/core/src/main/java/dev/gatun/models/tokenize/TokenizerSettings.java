package dev.gatun.models.tokenize;

import com.fasterxml.jackson.databind.node.MissingNode;
import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.checkpoint.JsonFiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * What {@code tokenizer_config.json} changes of the {@code tokenizer.json} beside it, as transformers' tokenizers of BERT's kind do.
 *
 * @param tokenizerClass  {@code tokenizer_class}, or an empty text
 * @param typed           whether a model is given token types; otherwise all are 0
 * @param modelMaxLength  {@code model_max_length}
 * @param truncatesLeft   {@code truncation_side}
 * @param lowerCase       {@code do_lower_case}, or null
 * @param stripAccents    {@code strip_accents}, or null
 * @param chineseChars    {@code tokenize_chinese_chars}, or null
 */
record TokenizerSettings(String tokenizerClass, boolean typed, int modelMaxLength, boolean truncatesLeft, Boolean lowerCase, Boolean stripAccents,
        Boolean chineseChars) {
    /** Nothing is said. */
    static final TokenizerSettings NONE = new TokenizerSettings("", true, Integer.MAX_VALUE, false, null, null, null);

    /** Reads a folder's; NONE if it has none. */
    static TokenizerSettings read(Path folder) {
        Path file = folder.resolve("tokenizer_config.json");
        ConfigFields config = ConfigFields.of(file, Files.isRegularFile(file) ? JsonFiles.object(file) : MissingNode.getInstance());
        // Written as 1e30 where there is no limit.
        double longest = config.number("model_max_length", Integer.MAX_VALUE);
        String type = config.text("tokenizer_class", "");
        java.util.List<String> inputs = config.texts("model_input_names");
        boolean typed = inputs == null ? type.isEmpty() || type.matches("(Bert|Electra|Deberta|DebertaV2)Tokenizer(Fast)?") : inputs.contains("token_type_ids");
        return new TokenizerSettings(type, typed, longest < 1 || longest > Integer.MAX_VALUE ? Integer.MAX_VALUE : (int) longest,
                config.choice("truncation_side", false, Map.of("left", true, "right", false)), flag(config, "do_lower_case"),
                flag(config, "strip_accents"), flag(config, "tokenize_chinese_chars"));
    }

    private static Boolean flag(ConfigFields config, String name) {
        return config.has(name) ? Boolean.valueOf(config.flag(name, false)) : null;
    }

    /** Whether the tokenizer's class rewrites the normalizer by these settings: BERT's and those made of it. */
    boolean rewritesNormalizer() {
        return tokenizerClass.matches("(Bert|DistilBert|Electra|MobileBert|Funnel|LayoutLM\\w*|Lxmert|ConvBert|Retribert|Squeezebert|MPNet)Tokenizer(Fast)?");
    }
}
