package dev.gatun.models.checkpoint;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;

/**
 * The weights of a BERT encoder inside an ONNX export, under the names of the public checkpoints. Exporters keep
 * the names of biases and embeddings but not those of linear weights: those are found through the graph, from the
 * bias to its Add node to the MatMul that feeds it, and are [in, out].
 */
public final class OnnxBertWeights extends FileTensors {
    private static final Set<String> QUANTIZED = Set.of("DynamicQuantizeLinear", "MatMulInteger", "QLinearMatMul", "QuantizeLinear",
            "DequantizeLinear", "DynamicQuantizeMatMul", "MatMulIntegerToFloat", "QAttention", "QGemm", "MatMulNBits");
    private static final Set<String> FUSED = Set.of("Attention", "MultiHeadAttention", "EmbedLayerNormalization",
            "SkipLayerNormalization", "BiasGelu", "FastGelu", "FusedMatMul");

    private final OnnxFile onnx;
    private final Set<String> transposed = new HashSet<>();
    private final Map<String, OnnxFile.Node> producers = new HashMap<>();

    private OnnxBertWeights(Path file, OnnxFile onnx, Arena arena) {
        super(file, arena);
        this.onnx = onnx;
    }

    /**
     * Reads an export's graph and finds its weights.
     *
     * @param arena owns what is read
     * @throws WeightException if it is not a whole ONNX file
     */
    public static OnnxBertWeights open(Path file, Arena arena) {
        OnnxBertWeights weights = new OnnxBertWeights(file, OnnxFile.open(file, arena), arena);
        weights.collect();
        return weights;
    }

    private void collect() {
        onnx.tensors().forEach(entries::put);
        for (OnnxFile.Node node : onnx.nodes()) {
            node.outputs().forEach(output -> producers.put(output, node));
        }
        for (OnnxFile.Node node : onnx.nodes()) {
            if (node.op().equals("Add") && node.inputs().size() == 2) {
                nameWeight(node.inputs().get(0), node.inputs().get(1));
                nameWeight(node.inputs().get(1), node.inputs().get(0));
            }
        }
    }

    /** If one operand is {@code x.bias} and the other a product with a constant, that constant is {@code x.weight}. */
    private void nameWeight(String bias, String product) {
        OnnxFile.Node producer = producers.get(product);
        if (!bias.endsWith(".bias") || producer == null || !producer.op().equals("MatMul") || producer.inputs().size() != 2) {
            return;
        }
        Entry entry = onnx.tensors().get(producer.inputs().get(1));
        String name = bias.substring(0, bias.length() - ".bias".length()) + ".weight";
        if (entry != null && entry.shape().rank() == 2 && onnx.tensors().containsKey(bias)) {
            entries.put(name, entry);
            transposed.add(name);
        }
    }

    /**
     * Elements of an attention head: the square of the constant that the scores are divided by.
     */
    public OptionalLong headDim() {
        for (OnnxFile.Node node : onnx.nodes()) {
            if (node.op().equals("Softmax") && !node.inputs().isEmpty()) {
                OptionalLong found = scoreDivisor(node.inputs().getFirst());
                if (found.isPresent()) {
                    return found;
                }
            }
        }
        return OptionalLong.empty();
    }

    private OptionalLong scoreDivisor(String value) {
        OnnxFile.Node node = producers.get(value);
        for (int depth = 0; node != null && depth < 4; depth++) {
            if (node.op().equals("Div") || node.op().equals("Mul")) {
                for (String input : node.inputs()) {
                    OptionalDouble scalar = scalar(input);
                    if (scalar.isPresent()) {
                        double root = node.op().equals("Div") ? scalar.getAsDouble() : 1 / scalar.getAsDouble();
                        return OptionalLong.of(Math.round(root * root));
                    }
                }
            }
            node = node.inputs().isEmpty() ? null : node.inputs().stream().map(producers::get)
                    .filter(p -> p != null && List.of("Div", "Mul", "Add", "Where").contains(p.op())).findFirst().orElse(null);
        }
        return OptionalLong.empty();
    }

    /** The epsilon of the layer normalizations, from their attribute or from the constant added to the variance. */
    public OptionalDouble layerNormEps() {
        for (OnnxFile.Node node : onnx.nodes()) {
            if (node.op().equals("LayerNormalization")) {
                return OptionalDouble.of(node.floats().getOrDefault("epsilon", 1e-5f));
            }
            if (node.op().equals("Sqrt") && !node.inputs().isEmpty()) {
                OnnxFile.Node add = producers.get(node.inputs().getFirst());
                if (add != null && add.op().equals("Add")) {
                    for (String input : add.inputs()) {
                        if (scalar(input).isPresent()) {
                            return scalar(input);
                        }
                    }
                }
            }
        }
        return OptionalDouble.empty();
    }

    /** Whether its Gelu operators are the approximation with tanh. */
    public boolean geluIsTanh() {
        return onnx.nodes().stream().anyMatch(node -> node.op().equals("Gelu") && "tanh".equals(node.texts().get("approximate")));
    }

    /** Whether the graph has an operator, as Erf for the exact GELU. */
    public boolean hasOperator(String op) {
        return onnx.nodes().stream().anyMatch(node -> node.op().equals(op));
    }

    /** Exporters and optimizers that replace linear layers by operators of their own leave no weights that names could be given to. */
    @Override
    public String remark() {
        for (OnnxFile.Node node : onnx.nodes()) {
            if (QUANTIZED.contains(node.op())) {
                return "the graph is quantized (" + node.op() + "): export it as float32, without quantizing";
            }
            if (FUSED.contains(node.op())) {
                return "the graph was optimized (" + node.op() + "): export it without optimizing";
            }
        }
        return "";
    }

    private OptionalDouble scalar(String name) {
        Entry entry = onnx.tensors().get(name);
        if (entry == null || entry.shape().elementCount() != 1 || !entry.type().equals("F32")) {
            return OptionalDouble.empty();
        }
        return OptionalDouble.of(Elements.floats(file, name, entry, arena).getFloat(0));
    }

    @Override
    public boolean inOut(String name) {
        return transposed.contains(name);
    }
}
