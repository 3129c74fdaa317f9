package dev.gatun.bench.encoder;

import dev.gatun.models.checkpoint.OnnxFile;
import dev.gatun.models.checkpoint.WeightSource;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;

/**
 * The weights of a BERT that TorchScript exported, under its checkpoint's names, for contenders that are no runtime of ONNX. Exporters keep
 * the names of biases and embeddings; linear weights are found from the bias to its Add to the MatMul that feeds it, and are [in, out].
 */
final class ExportedBert {
    private final OnnxFile onnx;
    private final Map<String, WeightSource.Entry> entries = new LinkedHashMap<>();
    private final Set<String> transposed = new HashSet<>();
    private final Map<String, OnnxFile.Node> producers = new HashMap<>();

    ExportedBert(Path file, Arena arena) {
        this.onnx = OnnxFile.open(file, arena);
        entries.putAll(onnx.tensors());
        onnx.nodes().forEach(node -> node.outputs().forEach(output -> producers.put(output, node)));
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
        WeightSource.Entry entry = onnx.tensors().get(producer.inputs().get(1));
        String name = bias.substring(0, bias.length() - ".bias".length()) + ".weight";
        if (entry != null && entry.shape().rank() == 2 && onnx.tensors().containsKey(bias)) {
            entries.put(name, entry);
            transposed.add(name);
        }
    }

    Set<String> names() {
        return entries.keySet();
    }

    WeightSource.Entry entry(String name) {
        return entries.get(name);
    }

    float[] floats(String name) {
        return entries.get(name).bytes().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
    }

    /** Whether a weight is [in, out]. */
    boolean inOut(String name) {
        return transposed.contains(name);
    }

    /**
     * Elements of an attention head: the square of the constant that the scores are divided by.
     */
    OptionalLong headDim() {
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
    OptionalDouble layerNormEps() {
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

    private OptionalDouble scalar(String name) {
        WeightSource.Entry entry = onnx.tensors().get(name);
        if (entry == null || entry.shape().elementCount() != 1 || !entry.type().equals("F32")) {
            return OptionalDouble.empty();
        }
        return OptionalDouble.of(floats(name)[0]);
    }
}
