package dev.gatun.models.family.bert;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.tokenize.TextTokenizer;
import dev.gatun.models.checkpoint.OnnxBertWeights;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.ShardedSafetensors;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.tensor.op.Activation;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The files of a BERT-family encoder: a Hugging Face folder, or an ONNX export beside its tokenizer.
 *
 * @param folder  where config and tokenizer are
 * @param weights {@code model.safetensors}, {@code model.safetensors.index.json} or an {@code .onnx} file
 */
public record BertCheckpoint(Path folder, Path weights) {
    private static final String FIRST_TENSOR = "embeddings.word_embeddings.weight";
    private static final String[] PREFIXES = {"bert", "model", "module", "0.auto_model"};

    /**
     * Finds the files of a model.
     *
     * @param model a folder, or an ONNX file
     * @throws WeightException if there is no model there
     */
    public static BertCheckpoint find(Path model) {
        if (Files.isRegularFile(model)) {
            return new BertCheckpoint(model.toAbsolutePath().getParent(), model);
        }
        if (!Files.isDirectory(model)) {
            throw new WeightException(model, "does not exist; expected a model's folder or an ONNX file");
        }
        for (String name : List.of("model.safetensors", "model.safetensors.index.json", "model.onnx", "onnx/model.onnx")) {
            if (Files.exists(model.resolve(name))) {
                return new BertCheckpoint(model, model.resolve(name));
            }
        }
        throw new WeightException(model, "has neither model.safetensors nor model.safetensors.index.json nor model.onnx");
    }

    /** Loads config and weights; the files are not needed afterwards. */
    public BertEncoder load() {
        try (Arena files = Arena.ofShared()) {
            WeightSource source = open(files);
            BertConfig config = source instanceof OnnxBertWeights onnx && !Files.exists(configFile())
                    ? fromGraph(onnx) : fromJson(configFile());
            WeightScope scope = WeightScope.locate(source, FIRST_TENSOR, PREFIXES);
            if (scope.child("encoder").child("layer").child(config.numLayers()).child("output").child("dense").has("bias")) {
                throw new WeightException(configFile(), "num_hidden_layers is " + config.numLayers() + ", but " + weights
                        + " has a layer " + config.numLayers());
            }
            return BertEncoder.load(scope, config);
        }
    }

    /** Loads the tokenizer that belongs to it. */
    public TextTokenizer tokenizer(int maxTokens) {
        return TextTokenizer.load(folder.resolve("tokenizer.json"), maxTokens);
    }

    private Path configFile() {
        return folder.resolve("config.json");
    }

    private WeightSource open(Arena arena) {
        String name = weights.getFileName().toString();
        if (name.endsWith(".onnx")) {
            return OnnxBertWeights.open(weights, arena);
        }
        return name.endsWith(".json") ? ShardedSafetensors.open(weights, arena) : SafetensorsFile.open(weights, arena);
    }

    private BertConfig fromJson(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new WeightException(file, "does not exist; the model's sizes are expected there");
        }
        try {
            JsonNode json = new ObjectMapper().readTree(Files.readAllBytes(file));
            JsonNode type = json.path("model_type");
            if (!type.isMissingNode() && !type.asText().equals("bert")) {
                throw new WeightException(file, "model_type " + type.asText() + ", expected bert");
            }
            JsonNode positions = json.path("position_embedding_type");
            if (!positions.isMissingNode() && !positions.asText().equals("absolute")) {
                throw new WeightException(file, "position_embedding_type " + positions.asText() + ", expected absolute");
            }
            return new BertConfig(number(file, json, "vocab_size"), number(file, json, "hidden_size"),
                    number(file, json, "num_hidden_layers"), number(file, json, "num_attention_heads"),
                    number(file, json, "intermediate_size"), number(file, json, "max_position_embeddings"),
                    json.path("type_vocab_size").asInt(2), (float) json.path("layer_norm_eps").asDouble(1e-12),
                    activation(file, json.path("hidden_act").asText("gelu")));
        } catch (JsonProcessingException e) {
            throw new WeightException(file, "is not valid JSON: " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw new WeightException(file, "cannot be read: " + e.getMessage(), e);
        } catch (IllegalArgumentException e) {
            throw new WeightException(file, e.getMessage(), e);
        }
    }

    private static int number(Path file, JsonNode json, String name) {
        JsonNode node = json.path(name);
        if (!node.canConvertToInt() || !node.isIntegralNumber()) {
            throw new WeightException(file, name + " is " + (node.isMissingNode() ? "missing" : node) + ", expected a number");
        }
        return node.asInt();
    }

    private static Activation activation(Path file, String name) {
        return switch (name) {
            case "gelu" -> Activation.GELU_ERF;
            case "gelu_new", "gelu_pytorch_tanh", "gelu_fast" -> Activation.GELU_TANH;
            case "relu" -> Activation.RELU;
            case "silu", "swish" -> Activation.SILU;
            default -> throw new WeightException(file, "hidden_act " + name + ", expected gelu, gelu_new, relu or silu");
        };
    }

    /** An export without config.json: sizes follow from the tensors and the graph. */
    private BertConfig fromGraph(OnnxBertWeights onnx) {
        WeightScope scope = WeightScope.locate(onnx, FIRST_TENSOR, PREFIXES);
        WeightScope embeddings = scope.child("embeddings");
        long d = embeddings.child("word_embeddings").shape("weight").dim(1);
        int layers = 0;
        while (scope.child("encoder").child("layer").child(layers).child("output").child("dense").has("bias")) {
            layers++;
        }
        if (layers == 0) {
            throw new WeightException(weights, "has no encoder layers with the names of a BERT export");
        }
        long headDim = onnx.headDim().orElseThrow(() -> new WeightException(weights,
                "the graph does not show the number of heads; put the model's config.json beside it"));
        if (headDim < 1 || d % headDim != 0) {
            throw new WeightException(weights, "heads of " + headDim + " elements do not divide a hidden size of " + d);
        }
        Activation activation = onnx.hasOperator("Erf") || onnx.hasOperator("Gelu") ? Activation.GELU_ERF
                : onnx.hasOperator("Relu") ? Activation.RELU : Activation.GELU_TANH;
        WeightScope first = scope.child("encoder").child("layer").child(0);
        return new BertConfig((int) embeddings.child("word_embeddings").shape("weight").dim(0), (int) d, layers,
                (int) (d / headDim), (int) first.child("intermediate").child("dense").shape("bias").dim(0),
                (int) embeddings.child("position_embeddings").shape("weight").dim(0),
                (int) embeddings.child("token_type_embeddings").shape("weight").dim(0),
                (float) onnx.layerNormEps().orElse(1e-12), activation);
    }
}
