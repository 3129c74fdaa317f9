package dev.gatun.models.task.embed;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.checkpoint.JsonFiles;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.encode.Pooling;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a sentence-transformers folder says of how texts become vectors; of another folder, what sentence-transformers would do with it, but
 * normalized. Every field that changes numbers is here, or refused by name.
 *
 * @param poolings      kinds whose vectors lie side by side, in sentence-transformers' order
 * @param includePrompt whether the prompt's tokens are pooled too
 * @param steps         what follows the pooling
 * @param maxTokens     {@code max_seq_length}, 0 if the folder says nothing
 * @param lowerCase     whether texts are lower-cased before they are tokenized
 * @param prompts       by name
 * @param defaultPrompt name of the prompt that every text gets, or null
 * @param dimension     {@code truncate_dim}, 0 for the whole vector
 * @param similarity    {@code similarity_fn_name}: cosine, dot, euclidean or manhattan
 */
record SentenceFolder(List<Pooling> poolings, boolean includePrompt, List<Step> steps, int maxTokens, boolean lowerCase,
        Map<String, String> prompts, String defaultPrompt, int dimension, String similarity) {
    /** In the order in which sentence-transformers lays them side by side. */
    private static final Map<String, Pooling> FLAGS = new java.util.LinkedHashMap<>();

    static {
        FLAGS.put("pooling_mode_cls_token", Pooling.CLS);
        FLAGS.put("pooling_mode_max_tokens", Pooling.MAX);
        FLAGS.put("pooling_mode_mean_tokens", Pooling.MEAN);
        FLAGS.put("pooling_mode_mean_sqrt_len_tokens", Pooling.MEAN_SQRT_LEN);
        FLAGS.put("pooling_mode_weightedmean_tokens", Pooling.WEIGHTEDMEAN);
        FLAGS.put("pooling_mode_lasttoken", Pooling.LASTTOKEN);
    }

    private static final Map<String, Pooling> NAMES = Map.of("cls", Pooling.CLS, "max", Pooling.MAX, "mean", Pooling.MEAN, "mean_sqrt_len_tokens",
            Pooling.MEAN_SQRT_LEN, "weightedmean", Pooling.WEIGHTEDMEAN, "lasttoken", Pooling.LASTTOKEN);

    /** What is computed of pooled vectors. */
    sealed interface Step {
        /** A linear layer with an activation. */
        record Dense(Path folder, ConfigFields config) implements Step {
        }

        /** A layer norm. */
        record Norm(Path folder, ConfigFields config) implements Step {
        }

        /** Euclidean length 1. */
        record Normalize() implements Step {
        }
    }

    /** Copies the lists. */
    SentenceFolder {
        poolings = List.copyOf(poolings);
        steps = List.copyOf(steps);
    }

    /** Reads a checkpoint's folder. */
    static SentenceFolder read(Checkpoint checkpoint) {
        ConfigFields sentence = fields(checkpoint.folder().resolve("sentence_bert_config.json"));
        ConfigFields root = fields(checkpoint.root().resolve("config_sentence_transformers.json"));
        sentence.require("model_args");
        int maxTokens = sentence.integer("max_seq_length", 1, Integer.MAX_VALUE, 0);
        boolean lowerCase = sentence.flag("do_lower_case", false);
        Map<String, String> prompts = prompts(root);
        String defaultPrompt = root.text("default_prompt_name", null);
        if (defaultPrompt != null && !prompts.containsKey(defaultPrompt)) {
            throw root.error("default_prompt_name", "one of the prompts " + prompts.keySet());
        }
        int dimension = root.integer("truncate_dim", 1, Integer.MAX_VALUE, 0);
        String similarity = root.text("similarity_fn_name", "cosine");
        if (checkpoint.modules().isEmpty()) {
            return new SentenceFolder(List.of(Pooling.MEAN), true, List.of(new Step.Normalize()), maxTokens, lowerCase, prompts, defaultPrompt,
                    dimension, similarity);
        }
        Modules modules = new Modules();
        checkpoint.modules().forEach(modules::add);
        if (modules.poolings.isEmpty()) {
            throw new WeightException(checkpoint.root().resolve("modules.json"), "has no Pooling; expected one after the Transformer");
        }
        return new SentenceFolder(modules.poolings, modules.includePrompt, modules.steps, maxTokens, lowerCase, prompts, defaultPrompt, dimension,
                similarity);
    }

    private static Map<String, String> prompts(ConfigFields root) {
        Map<String, String> prompts = new TreeMap<>();
        if (root.has("prompts")) {
            ConfigFields object = root.object("prompts");
            object.unread().forEach(name -> prompts.put(name.substring("prompts.".length()), object.text(name.substring("prompts.".length()))));
        }
        return prompts;
    }

    private static ConfigFields fields(Path file) {
        return ConfigFields.of(file, Files.isRegularFile(file) ? JsonFiles.object(file) : com.fasterxml.jackson.databind.node.MissingNode.getInstance());
    }

    /** Reads the modules in their order. */
    private static final class Modules {
        private final List<Pooling> poolings = new ArrayList<>();
        private final List<Step> steps = new ArrayList<>();
        private boolean includePrompt = true;

        private void add(Checkpoint.Module module) {
            ConfigFields config = fields(module.folder().resolve("config.json"));
            switch (module.type()) {
                case "Transformer" -> {
                    if (!poolings.isEmpty()) {
                        throw new WeightException(module.folder(), "is a second Transformer; expected one, before the Pooling");
                    }
                }
                case "Pooling" -> pooling(config);
                case "Dense" -> steps.add(new Step.Dense(module.folder(), config));
                case "LayerNorm" -> steps.add(new Step.Norm(module.folder(), config));
                case "Normalize" -> steps.add(new Step.Normalize());
                // Without effect when a model is used.
                case "Dropout" -> { }
                default -> throw new WeightException(module.folder(), "is a " + module.type()
                        + " of sentence-transformers; expected Transformer, Pooling, Dense, LayerNorm, Normalize or Dropout");
            }
        }

        private void pooling(ConfigFields config) {
            if (!poolings.isEmpty()) {
                throw new WeightException(config.file(), "is a second Pooling; expected one");
            }
            if (config.has("pooling_mode")) {
                poolings.add(config.choice("pooling_mode", NAMES));
            } else {
                FLAGS.forEach((flag, kind) -> {
                    if (config.flag(flag, kind == Pooling.MEAN && FLAGS.keySet().stream().noneMatch(config::has))) {
                        poolings.add(kind);
                    }
                });
            }
            if (poolings.isEmpty()) {
                throw new WeightException(config.file(), "names no pooling_mode");
            }
            includePrompt = config.flag("include_prompt", true);
        }
    }
}
