package dev.gatun.models.task.classify;

import dev.gatun.models.checkpoint.SafetensorsWriter;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.vision.VisionNetwork;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.Conv;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Node;
import dev.gatun.tensor.graph.Range;
import dev.gatun.tensor.graph.Target;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.graph.pass.FuseActivation;
import dev.gatun.tensor.graph.pass.Passes;
import dev.gatun.tensor.graph.pass.Quantize;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Quantized layers in a safetensors file. A layer has {@code weight} I8 and {@code weight_scale} F32 [OC], or {@code weight} F32 if
 * it was kept; {@code bias} F32 [OC]; {@code output} F32 [2] of a convolution and {@code input} F32 [2] where its input is F32: scale,
 * and 1 if bytes are signed.
 */
final class QuantizedFile {
    /** Key of config.json that says that a checkpoint is quantized. */
    static final String CONFIG_KEY = "quantization";
    static final Target TARGET = Target.ofRows(1);

    private QuantizedFile() {
    }

    /**
     * Reads what is known of every layer of a network whose batch norms are folded already, and quantizes it.
     *
     * @param scope     where the layers are
     * @param network   as its family describes it, over the file's bytes
     * @param temporary owns weights that passes make
     * @throws dev.gatun.models.checkpoint.WeightException if a tensor is missing or has another shape
     * @throws IllegalArgumentException                    if a range is missing or makes no sense
     */
    static VisionCheckpoint.Architecture read(WeightScope scope, VisionNetwork network, Arena temporary) {
        Map<String, Quantize.Parameters> layers = new LinkedHashMap<>();
        for (Node node : network.nodes()) {
            switch (node.layer()) {
                case Conv conv -> layers.put(node.name(), parameters(scope.child(node.name()), conv.weight(), conv.bias()));
                case Linear linear -> {
                    Linear.Part part = linear.parts().getFirst();
                    layers.put(node.name(), parameters(scope.child(node.name()), part.weight(), part.bias()));
                }
                default -> { }
            }
        }
        Quantize quantize = new Quantize(layers);
        VisionNetwork quantized = network.rewrite(graph -> quantize.run(fused(graph, temporary), TARGET, temporary));
        return new VisionCheckpoint.Architecture(quantized, layers);
    }

    /** The layers that are quantized: batch norms, sums and activations are part of them, poolings not. */
    static Graph fused(Graph graph, Arena temporary) {
        return Passes.runUntil(graph, TARGET, temporary, new FuseActivation().name());
    }

    private static Quantize.Parameters parameters(WeightScope layer, Weight weight, Weight bias) {
        Range input = range(layer, "input");
        Range output = range(layer, "output");
        if (weight.tensor().type() != DataType.S8) {
            return Quantize.Parameters.kept(output);
        }
        return new Quantize.Parameters(weight, layer.weight("weight_scale", weight.shape().dim(0)), bias, input, output);
    }

    private static Range range(WeightScope layer, String name) {
        if (!layer.has(name)) {
            return null;
        }
        Tensor range = layer.tensor(name, 2);
        return new Range(range.getFloat(0), range.getFloat(1) != 0);
    }

    /** Collects tensors in an arena and writes them. */
    static final class Writer {
        private final Arena arena;
        private final Map<String, Tensor> tensors = new LinkedHashMap<>();

        Writer(Arena arena) {
            this.arena = arena;
        }

        void floats(String name, long[] shape, float... values) {
            tensors.put(name, Tensor.ofFloats(arena, values, shape));
        }

        void bytes(String name, long[] shape, byte[] values) {
            Tensor tensor = Tensor.allocate(arena, TensorDesc.of(DataType.S8, shape));
            tensor.segment().copyFrom(MemorySegment.ofArray(values));
            tensors.put(name, tensor);
        }

        void write(Path file) throws IOException {
            SafetensorsWriter.write(file, tensors, Map.of("format", "gatun-int8"));
        }
    }
}
