package dev.gatun.models.classify;

import dev.gatun.models.vision.CheckedWeights;
import dev.gatun.models.vision.Int8Layers;
import dev.gatun.models.vision.LayerWeights;
import dev.gatun.models.vision.NamedLayers;
import dev.gatun.models.vision.VisionNetwork;
import dev.gatun.models.weights.WeightException;
import dev.gatun.models.weights.WeightSource;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.ConvWeights;
import dev.gatun.tensor.op.LinearWeights;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/**
 * Quantized layers in a safetensors file. A layer has {@code weight} I8 and {@code weight_scale} F32 [OC], or {@code weight} F32 if it was kept;
 * {@code bias} F32 [OC]; {@code output} F32 [2] of a convolution and {@code input} F32 [2] where its input is F32: scale, and 1 if bytes are signed.
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
                    bytes ? weights.floats(name + ".weight_scale") : null, bias, range(weights, name + ".input"), range(weights, name + ".output")));
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

    /** Tensors in the order in which they are added. */
    static final class Writer {
        private final StringBuilder header = new StringBuilder("{");
        private final Map<String, ByteBuffer> data = new LinkedHashMap<>();
        private long offset;

        void floats(String name, long[] shape, float... values) {
            ByteBuffer bytes = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
            bytes.asFloatBuffer().put(values);
            add(name, "F32", shape, bytes);
        }

        void bytes(String name, long[] shape, byte[] values) {
            add(name, "I8", shape, ByteBuffer.wrap(values));
        }

        private void add(String name, String type, long[] shape, ByteBuffer bytes) {
            header.append(data.isEmpty() ? "" : ",").append('"').append(name).append("\":{\"dtype\":\"").append(type).append("\",\"shape\":")
                    .append(java.util.Arrays.toString(shape)).append(",\"data_offsets\":[").append(offset).append(',')
                    .append(offset += bytes.remaining()).append("]}");
            data.put(name, bytes);
        }

        void write(Path file) throws IOException {
            // Data begin at a multiple of 8, as the format recommends.
            StringBuilder padded = new StringBuilder(header).append('}');
            while (padded.length() % 8 != 0) {
                padded.append(' ');
            }
            byte[] json = padded.toString().getBytes(StandardCharsets.UTF_8);
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE,
                    StandardOpenOption.TRUNCATE_EXISTING)) {
                writeAll(channel, ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, json.length));
                writeAll(channel, ByteBuffer.wrap(json));
                for (ByteBuffer bytes : data.values()) {
                    writeAll(channel, bytes);
                }
            }
        }

        private static void writeAll(FileChannel channel, ByteBuffer bytes) throws IOException {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        }
    }
}
