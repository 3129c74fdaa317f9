package dev.gatun.models.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gatun.tensor.Shape;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The files of a model: weights, config.json, labels, tokenizer, and what sentence-transformers computes after them. Opening reads the
 * small files only. Immutable and thread-safe.
 *
 * @param origin  what was opened: a folder or a file of weights; names the model in messages
 * @param root    the folder of {@code modules.json}, or the same as folder
 * @param folder  where config and tokenizer are: for sentence-transformers that of its Transformer module
 * @param config  config.json, or a missing node
 * @param weights the file of the weights, or null if there is none that can be read: {@link #source} says why
 * @param modules of sentence-transformers, in order; empty of another model
 */
public record Checkpoint(Path origin, Path root, Path folder, JsonNode config, Path weights, List<Module> modules) {
    private static final List<String> TOKENIZER_FILES = List.of("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
            "added_tokens.json", "vocab.txt", "vocab.json", "merges.txt", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model",
            "source.spm", "target.spm");
    /** The module of sentence-transformers that holds both towers of a CLIP. */
    public static final String CLIP_MODULE = "CLIPModel";
    /** The module that takes the mean of words' vectors, of texts without special tokens. */
    public static final String STATIC_MODULE = "StaticEmbedding";
    private static final List<String> ENCODERS = List.of("Transformer", CLIP_MODULE, STATIC_MODULE);
    private static final List<String> ROUTERS = List.of("Router", "Asym");
    private static final String MODULES = "sentence_transformers.";
    private static final String MODULE_LIST = "modules.json";
    private static final int LONGEST_NAME = 255;
    private static final String OLD_TRANSFORMER = "0_Transformer";

    /**
     * A step of sentence-transformers.
     *
     * @param type   last part of the class, as {@code Pooling}
     * @param folder its own, which need not exist
     */
    public record Module(String type, Path folder) {
    }

    /**
     * What a file's header says of a tensor.
     *
     * @param type     the file's own name of the element type
     * @param shape    dimensions
     * @param byteSize in the file
     */
    public record TensorInfo(String type, Shape shape, long byteSize) {
    }

    /** Copies the list. */
    public Checkpoint {
        modules = List.copyOf(modules);
    }

    /**
     * Looks at a folder, or at a file of weights in one.
     *
     * @param model a path, or the name of a model in the local cache of the Hugging Face hub, as {@code owner/name} or {@code
     *              owner/name@revision}
     * @throws WeightException if there is neither, or a small file is damaged
     */
    public static Checkpoint open(Path model) {
        return open(model, null);
    }

    /**
     * The same by one of the routes of sentence-transformers' Router (once Asym), whose modules stand where the router stands.
     *
     * @param task as {@code query} or {@code document}; null for texts of no task. Without a router it is of no effect
     * @throws WeightException if the router has no route for it, too
     */
    public static Checkpoint open(Path model, String task) {
        return openPath(ModelPath.resolve(model), task);
    }

    private static Checkpoint openPath(Path model, String task) {
        if (!Files.exists(model, LinkOption.NOFOLLOW_LINKS)) {
            throw new WeightException(model, "does not exist; expected a model's folder or a file of weights");
        }
        if (!Files.isDirectory(model)) {
            ModelFile.open(model);
            Path folder = model.toAbsolutePath().getParent();
            if (String.valueOf(folder.getFileName()).equals("onnx") && !ModelFile.present(folder.resolve("config.json"))) {
                folder = folder.getParent();
            }
            return new Checkpoint(model, folder, folder, config(folder), model, List.of());
        }
        List<Module> modules = modules(model, task);
        Path folder = modules.stream().filter(m -> ENCODERS.contains(m.type)).map(Module::folder).findFirst().orElse(
                modules.isEmpty() && Files.isDirectory(model.resolve(OLD_TRANSFORMER)) ? model.resolve(OLD_TRANSFORMER) : model);
        return new Checkpoint(model, model, folder, config(folder), WeightFiles.find(folder), modules);
    }

    private static JsonNode config(Path folder) {
        return JsonFiles.optional(folder.resolve("config.json"));
    }

    private static List<Module> modules(Path root, String task) {
        Path file = root.resolve(MODULE_LIST);
        if (!ModelFile.present(file)) {
            return List.of();
        }
        JsonNode list = JsonFiles.value(file);
        List<Module> modules = new ArrayList<>();
        for (JsonNode node : list) {
            Module module = module(file, root, node.path("type").asText(""), node.path("path").asText(""));
            if (ROUTERS.contains(module.type)) {
                modules.addAll(Routes.of(module.folder, task));
            } else {
                modules.add(module);
            }
        }
        if (!list.isArray() || modules.isEmpty()) {
            throw new WeightException(file, "is not a list of modules");
        }
        return modules;
    }

    /** @param file names it in messages */
    static Module module(Path file, Path root, String type, String path) {
        Path folder = inside(root, path);
        if (type.isEmpty() || type.length() > LONGEST_NAME || folder == null) {
            throw new WeightException(file, "module " + Clip.text(type + " " + path) + " has no type, or a path outside its folder");
        }
        if (!type.startsWith(MODULES)) {
            throw new WeightException(file, "module " + Clip.text(type) + " is code of its authors' own, which is never run; "
                    + "expected one of " + MODULES + "*");
        }
        return new Module(type.substring(type.lastIndexOf('.') + 1), folder);
    }

    /** Whether modules.json has a router, so that texts of other tasks may go another way. */
    public boolean routed() {
        Path file = root.resolve(MODULE_LIST);
        return !modules.isEmpty() && JsonFiles.value(file).valueStream().map(node -> node.path("type").asText(""))
                .anyMatch(type -> ROUTERS.contains(type.substring(type.lastIndexOf('.') + 1)));
    }

    /** A folder below another; null if the path leads out of it, or can be no path. */
    private static Path inside(Path root, String path) {
        for (String part : path.split("/", -1)) {
            if (part.equals("..") || part.length() > LONGEST_NAME || part.indexOf('\0') >= 0 || part.indexOf('\\') >= 0) {
                return null;
            }
        }
        try {
            return path.startsWith("/") ? null : path.isEmpty() ? root : root.resolve(path);
        } catch (InvalidPathException unnamable) {
            return null;
        }
    }

    /** A fresh reader of config.json; of one without fields if there is none. */
    public ConfigFields fields() {
        return ConfigFields.of(configFile(), config);
    }

    /** Where config.json is or would be. */
    public Path configFile() {
        return folder.resolve("config.json");
    }

    /** Whether there is a config.json. */
    public boolean hasConfig() {
        return config.isObject();
    }

    /** config.json's {@code model_type}, or an empty text. */
    public String modelType() {
        return config.path("model_type").asText("");
    }

    /** config.json's {@code architectures}, and its {@code architecture} as timm and Gatun write it. */
    public List<String> architectures() {
        List<String> all = new ArrayList<>();
        config.path("architectures").forEach(node -> all.add(node.asText()));
        if (config.path("architecture").isTextual()) {
            all.add(config.path("architecture").textValue());
        }
        return all;
    }

    /** What config.json calls the model, for messages: as {@code model_type bert, architecture BertModel}; empty if nothing. */
    public String said() {
        return String.join(", ", Stream.concat(Stream.of(modelType()).filter(w -> !w.isEmpty()).map(w -> "model_type " + Clip.text(w)),
                architectures().stream().limit(3).map(w -> "architecture " + Clip.text(w))).toList());
    }

    /**
     * Refuses a folder of sentence-transformers whose first module reads no texts that are served.
     *
     * @throws WeightException names the module
     */
    public void requireEncoder() {
        if (!modules.isEmpty() && !ENCODERS.contains(modules.getFirst().type)) {
            throw new WeightException(root.resolve(MODULE_LIST), "begins with a " + Clip.text(modules.getFirst().type)
                    + ", which is not served; expected one of " + String.join(", ", ENCODERS));
        }
    }

    /** Whether sentence-transformers takes the mean of words' vectors. */
    public boolean isStatic() {
        return !modules.isEmpty() && modules.getFirst().type.equals(STATIC_MODULE);
    }

    /**
     * A file of the folder, or a link to one.
     *
     * @return null if there is nothing of the name; who opens what is there refuses a pipe
     */
    public Path file(String name) {
        Path file = folder.resolve(name);
        return ModelFile.present(file) ? file : null;
    }

    /** Names of the tokenizer's files that are there. */
    public List<String> tokenizerFiles() {
        return TOKENIZER_FILES.stream().filter(name -> Files.isRegularFile(folder.resolve(name))).toList();
    }

    /**
     * Names of the classes: the lines of {@code labels.txt}, else config.json's {@code id2label} if somebody filled it, else timm's
     * {@code label_names}, by its {@code label_descriptions} where there are any.
     *
     * @return null if the model does not say
     * @throws WeightException if labels.txt is damaged
     */
    public List<String> labels() {
        Path file = folder.resolve("labels.txt");
        return ModelFile.present(file) ? Labels.read(file) : Labels.of(configFile(), config);
    }

    /** {@code safetensors}, {@code sharded safetensors}, {@code onnx} or {@code none}. */
    public String format() {
        String name = weights == null ? "" : weights.getFileName().toString().toLowerCase(Locale.ROOT);
        return weights == null ? "none" : name.endsWith(".onnx") ? "onnx" : name.endsWith(".index.json") ? "sharded safetensors"
                : "safetensors";
    }

    /**
     * Opens the weights: reads headers, no tensors.
     *
     * @param arena owns what is read
     * @throws WeightException if there are none, which says what is there instead and what to do; or they are damaged
     */
    public WeightSource source(Arena arena) {
        if (weights == null) {
            throw new WeightException(folder, WeightFiles.problem(folder));
        }
        return WeightFiles.open(weights, arena);
    }

    /**
     * What the headers say of each tensor; reads no tensor.
     *
     * @throws WeightException as {@link #source}
     */
    public Map<String, TensorInfo> tensors() {
        try (Arena arena = Arena.ofConfined()) {
            WeightSource source = source(arena);
            Map<String, TensorInfo> tensors = new LinkedHashMap<>();
            for (String name : source.names()) {
                WeightSource.Entry entry = source.entry(name);
                tensors.put(name, new TensorInfo(entry.type(), entry.shape(), entry.byteSize()));
            }
            return tensors;
        }
    }
}
