package dev.gatun.models.task.classify;

import dev.gatun.models.vision.CheckedWeights;
import dev.gatun.models.vision.Int8Layers;
import dev.gatun.models.vision.LayerWeights;
import dev.gatun.models.vision.NamedLayers;
import dev.gatun.models.vision.VisionNetwork;
import dev.gatun.models.checkpoint.SafetensorsWriter;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.ConvWeights;
import dev.gatun.tensor.op.LinearWeights;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/**
 * Quantized layers in a safetensors file. A layer has {@code weight} I8 and {@code weight_scale} F32 [OC], or {@code weight} F32 if
 * it was kept; {@code bias} F32 [OC]; {@code output} F32 [2] of a convolution and {@code input} F32 [2] where its input is F32: scale,
 * and 1 if bytes are signed.
 */
final class QuantizedFile {
    /** Key of config.json that says that a checkpoint is quantized. */
    static final String CONFIG_KEY = "quantization";

    private QuantizedFile() {
    }

    /** Reads every layer; batch norms are folded already. */
    static VisionCheckpoint.Architecture read(CheckedWeights weights, Function<LayerWeights, VisionNetwork> network) {
        NamedLayers kept = new NamedLayers();
        Map<String, Int8Layers.Source> int8 = new LinkedHashMap<>();
        for (String tensor : weights.names()) {
            if (!tensor.endsWith(".weight")) {
                continue;
            }
            String name = tensor.substring(0, tensor.length() - ".weight".length());
            WeightSource.Entry entry = weights.entry(tensor);
            Tensor bias = weights.names().contains(name + ".bias") ? weights.floats(name + ".bias") : null;
            boolean bytes = entry.type().equals("I8");
            if (!bytes && entry.shape().rank() == 2) {
                kept.linears().put(name, new LinearWeights.Source(weights.floats(tensor), false, bias));
            } else if (!bytes) {
                kept.convs().put(name, new ConvWeights.Source(weights.floats(tensor), bias, 1));
            }
            int8.put(name, new Int8Layers.Source(
                    bytes ? Tensor.of(TensorDesc.of(DataType.S8, entry.shape().dims()), entry.bytes()) : null,
                    bytes ? weights.floats(name + ".weight_scale") : null, bias,
                    range(weights, name + ".input"), range(weights, name + ".output")));
        }
        return new VisionCheckpoint.Architecture(kept, int8, network);
    }

    private static Int8Layers.Range range(CheckedWeights weights, String name) {
        if (!weights.names().contains(name)) {
            return null;
        }
        Tensor range = weights.floats(name);
        if (range.shape().elementCount() != 2) {
            throw new WeightException(weights.file(name), "tensor " + name + ": expected [2], found " + range.shape());
        }
        return new Int8Layers.Range(range.getFloat(0), range.getFloat(1) != 0);
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
