package dev.gatun.models.checkpoint.sentence;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.checkpoint.JsonFiles;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.encode.Pooling;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a sentence-transformers folder says of how texts become vectors; of another folder, what sentence-transformers would do with it, but
 * normalized. Every field that changes numbers is here, or refused by name.
 *
 * @param poolings      kinds whose vectors lie side by side, in sentence-transformers' order
 * @param includePrompt whether the prompt's tokens are pooled too
 * @param before        what is computed of tokens before they are pooled
 * @param steps         what follows the pooling
 * @param maxTokens     {@code max_seq_length}, 0 if the folder says nothing
 * @param lowerCase     whether texts are lower-cased before they are tokenized
 * @param prompts       by name
 * @param defaultPrompt name of the prompt that every text gets, or null
 * @param dimension     {@code truncate_dim}, 0 for the whole vector
 * @param similarity    {@code similarity_fn_name}: cosine, dot, euclidean or manhattan
 */
public record SentenceFolder(List<Pooling> poolings, boolean includePrompt, List<Step> before, List<Step> steps, int maxTokens,
        boolean lowerCase,
        Map<String, String> prompts, String defaultPrompt, int dimension, String similarity) {
    /** In the order in which sentence-transformers lays them side by side. */
    private static final Map<String, Pooling> FLAGS = new LinkedHashMap<>();
    /** Of sentence-transformers, which takes the first that is there. */
    private static final List<String> CONFIGS = List.of("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet");

    static {
        FLAGS.put("pooling_mode_cls_token", Pooling.CLS);
        FLAGS.put("pooling_mode_max_tokens", Pooling.MAX);
        FLAGS.put("pooling_mode_mean_tokens", Pooling.MEAN);
        FLAGS.put("pooling_mode_mean_sqrt_len_tokens", Pooling.MEAN_SQRT_LEN);
        FLAGS.put("pooling_mode_weightedmean_tokens", Pooling.WEIGHTEDMEAN);
        FLAGS.put("pooling_mode_lasttoken", Pooling.LASTTOKEN);
    }

    private static final Map<String, Pooling> NAMES =
            Map.of("cls", Pooling.CLS, "max", Pooling.MAX, "mean", Pooling.MEAN, "mean_sqrt_len_tokens",
            Pooling.MEAN_SQRT_LEN, "weightedmean", Pooling.WEIGHTEDMEAN, "lasttoken", Pooling.LASTTOKEN);

    private static final Map<String, String> SIMILARITIES =
            Map.of("cosine", "cosine", "dot", "dot", "dot_score", "dot", "euclidean", "euclidean",
            "manhattan", "manhattan");

    /** What is computed of pooled vectors. */
    public sealed interface Step {
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
    public SentenceFolder {
        poolings = List.copyOf(poolings);
        before = List.copyOf(before);
        steps = List.copyOf(steps);
    }

    /** Whether vectors have Euclidean length 1 as long as nothing is cut off them: nothing follows their normalization. */
    public boolean normalizes() {
        return !steps.isEmpty() && steps.getLast() instanceof Step.Normalize;
    }

    /** Whether there are prompts whose tokens are not pooled. */
    public boolean skipsPrompts() {
        return !includePrompt && prompts.values().stream().anyMatch(text -> !text.isEmpty());
    }

    /** Reads a checkpoint's folder. */
    public static SentenceFolder read(Checkpoint checkpoint) {
        ConfigFields sentence = transformer(checkpoint.folder());
        ConfigFields root = fields(checkpoint.root().resolve("config_sentence_transformers.json"));
        root.require("model_type", "SentenceTransformer");
        int maxTokens = sentence.integer("max_seq_length", 1, Integer.MAX_VALUE, 0);
        boolean lowerCase = sentence.flag("do_lower_case", false);
        Map<String, String> prompts = prompts(root);
        String defaultPrompt = root.text("default_prompt_name", null);
        if (defaultPrompt != null && !prompts.containsKey(defaultPrompt)) {
            throw root.error("default_prompt_name", "one of the prompts " + prompts.keySet());
        }
        int dimension = root.integer("truncate_dim", 1, Integer.MAX_VALUE, 0);
        String similarity = root.choice("similarity_fn_name", "cosine", SIMILARITIES);
        boolean towers = checkpoint.modules().stream().anyMatch(module -> module.type().equals(Checkpoint.CLIP_MODULE));
        if (checkpoint.modules().isEmpty() || towers && checkpoint.modules().size() == 1) {
            List<String> architectures = checkpoint.architectures();
            boolean last = !architectures.isEmpty() && architectures.getFirst().endsWith("ForCausalLM")
                    && checkpoint.fields().flag("is_causal", true);
            return new SentenceFolder(List.of(last ? Pooling.LASTTOKEN : Pooling.MEAN), true, List.of(),
                    towers ? List.of() : List.of(new Step.Normalize()), maxTokens,
                    lowerCase, prompts,
                    defaultPrompt,
                    dimension, similarity);
        }
        Modules modules = new Modules();
        checkpoint.modules().forEach(modules::add);
        if (modules.poolings.isEmpty()) {
            throw new WeightException(checkpoint.root().resolve("modules.json"), "has no Pooling; expected one after the Transformer");
        }
        return new SentenceFolder(modules.poolings, modules.includePrompt, modules.before, modules.steps, maxTokens, lowerCase,
                prompts, defaultPrompt,
                dimension,
                similarity);
    }

    /** Reads what stands beside the encoder, and refuses what would make another encoder of it. */
    private static ConfigFields transformer(Path folder) {
        Path file = CONFIGS.stream().map(name -> folder.resolve("sentence_" + name + "_config.json")).filter(JsonFiles::present)
                .findFirst()
                .orElse(folder.resolve("sentence_bert_config.json"));
        ConfigFields config = fields(file);
        config.require("transformer_task", "feature-extraction");
        config.require("module_output_name", "token_embeddings");
        for (String name : List.of("query_length", "document_length", "query_expansion", "tokenizer_name_or_path")) {
            config.require(name);
        }
        for (String name : List.of("model_args", "model_kwargs", "tokenizer_args", "processor_kwargs", "config_args", "config_kwargs",
                "processing_kwargs")) {
            ConfigFields arguments = config.object(name);
            if (name.startsWith("model_")) {
                arguments.ignore("attn_implementation", "low_cpu_mem_usage");
                arguments.require("torch_dtype", "float32", "auto");
                arguments.require("dtype", "float32", "auto");
            }
            if (!arguments.unread().isEmpty()) {
                throw config.error(name, "none");
            }
        }
        ConfigFields text = config.object("modality_config").object("text");
        text.require("method", "forward");
        text.require("method_output_name", "last_hidden_state");
        return config;
    }

    private static Map<String, String> prompts(ConfigFields root) {
        Map<String, String> prompts = new TreeMap<>();
        if (root.has("prompts")) {
            ConfigFields object = root.object("prompts");
            object.unread().forEach(name -> prompts.put(name.substring("prompts.".length()),
                    object.text(name.substring("prompts.".length()))));
        }
        return prompts;
    }

    private static ConfigFields fields(Path file) {
        return ConfigFields.of(file, JsonFiles.optional(file));
    }

    /** Reads the modules in their order. */
    private static final class Modules {
        private final List<Pooling> poolings = new ArrayList<>();
        private final List<Step> before = new ArrayList<>();
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
                case Checkpoint.STATIC_MODULE -> {
                    if (!poolings.isEmpty()) {
                        throw new WeightException(module.folder(), "is a " + module.type() + " behind another; expected one, in front");
                    }
                    poolings.add(Pooling.MEAN);
                }
                case "Pooling" -> pooling(config);
                case "Dense" -> step(config, new Step.Dense(module.folder(), config));
                case "LayerNorm" -> step(config, new Step.Norm(module.folder(), config));
                case "Normalize" -> step(config, new Step.Normalize());
                // Without effect when a model is used.
                case "Dropout" -> { }
                default -> throw new WeightException(module.folder(), "is a " + module.type()
                        + " of sentence-transformers; expected Transformer, Pooling, Dense, LayerNorm, Normalize or Dropout");
            }
        }

        private void step(ConfigFields config, Step step) {
            boolean tokens = poolings.isEmpty() && config.text("module_input_name", "").equals("token_embeddings");
            String of = tokens ? "token_embeddings" : "sentence_embedding";
            config.require("module_input_name", of);
            config.require("module_output_name", of);
            if (poolings.isEmpty() && (!tokens || step instanceof Step.Norm)) {
                throw new WeightException(config.file(), "belongs to a module before the Pooling; expected it behind");
            }
            (tokens ? before : steps).add(step);
        }

        private static List<String> modes(ConfigFields config) {
            return !config.has("pooling_mode") ? null : config.isText("pooling_mode") ? List.of(config.text("pooling_mode"))
                    : config.texts("pooling_mode");
        }

        private void pooling(ConfigFields config) {
            if (!poolings.isEmpty()) {
                throw new WeightException(config.file(), "is a second Pooling; expected one");
            }
            List<String> list = modes(config);
            if (list != null) {
                for (String mode : list) {
                    if (!NAMES.containsKey(mode)) {
                        throw config.error("pooling_mode", "one or several of " + NAMES.keySet());
                    }
                    poolings.add(NAMES.get(mode));
                }
            } else {
                FLAGS.forEach((flag, kind) -> {
                    if (config.flag(flag, false)) {
                        poolings.add(kind);
                    }
                });
            }
            if (poolings.isEmpty()) {
                poolings.add(Pooling.MEAN);
            }
            includePrompt = config.flag("include_prompt", true);
        }
    }
}
