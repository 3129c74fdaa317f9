package dev.gatun.bench.cnn;

import dev.gatun.bench.onnx.OnnxGraphWriter;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A quantized graph as ONNX Runtime's own quantizer writes it (QDQ format): u8 activations, s8 weights for each output
 * channel, s32 biases; every value that a layer reads or makes passes through QuantizeLinear and DequantizeLinear, which the
 * runtime fuses into QLinearConv, QLinearAdd and their like. Scales and weights are those of our own quantized file; where
 * its bytes are signed, the zero point is 128.
 */
final class OnnxQdqLayers implements Network.Layers<String> {
    private final OnnxGraphWriter graph;
    private final WeightSource source;
    /** Scale and zero point of each dequantized value. */
    private final Map<String, Range> ranges = new HashMap<>();

    private record Range(float scale, int zero) {
    }

    private OnnxQdqLayers(OnnxGraphWriter graph, WeightSource source) {
        this.graph = graph;
        this.source = source;
    }

    static String build(OnnxGraphWriter graph, WeightSource source, Network network, String pictures) {
        OnnxQdqLayers layers = new OnnxQdqLayers(graph, source);
        return network.build(layers, layers.requantize(pictures, layers.range("conv1.input")));
    }

    private Range range(String name) {
        Tensor range = source.floats(name);
        return new Range(range.getFloat(0), range.getFloat(1) != 0 ? 128 : 0);
    }

    private String requantize(String x, Range range) {
        String scale = graph.floats(new float[] {range.scale});
        String zero = graph.constant(OnnxGraphWriter.UINT8, new byte[] {(byte) range.zero});
        String y = graph.node("DequantizeLinear", graph.node("QuantizeLinear", x, scale, zero), scale, zero);
        ranges.put(y, range);
        return y;
    }

    private String weight(String name) {
        WeightSource.Entry entry = source.entry(name + ".weight");
        String bytes = graph.constant(OnnxGraphWriter.INT8, entry.bytes().toArray(ValueLayout.JAVA_BYTE), entry.shape().dims());
        Tensor scales = source.floats(name + ".weight_scale");
        int channels = (int) scales.shape().elementCount();
        String zeros = graph.constant(OnnxGraphWriter.INT8, new byte[channels], channels);
        return graph.node("DequantizeLinear", List.of(bytes, graph.floats(scales.toFloats(), channels), zeros), Map.of("axis", 0L));
    }

    private String bias(String name, Range input) {
        float[] bias = source.floats(name + ".bias").toFloats();
        float[] scales = source.floats(name + ".weight_scale").toFloats();
        ByteBuffer values = ByteBuffer.allocate(bias.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < bias.length; i++) {
            scales[i] *= input.scale;
            values.putInt(Math.round(bias[i] / scales[i]));
        }
        String zeros = graph.constant(OnnxGraphWriter.INT32, new byte[values.capacity()], bias.length);
        return graph.node("DequantizeLinear", List.of(graph.constant(OnnxGraphWriter.INT32, values.array(), bias.length),
                graph.floats(scales, bias.length), zeros), Map.of("axis", 0L));
    }

    private String product(String name, String x, int stride, int pad) {
        return graph.node("Conv", List.of(x, weight(name), bias(name, ranges.get(x))),
                OnnxFloatLayers.convAttributes(source.entry(name + ".weight").shape().dim(2), stride, pad));
    }

    @Override
    public String conv(String name, String x, int stride, int pad, boolean relu) {
        String y = product(name, x, stride, pad);
        return requantize(relu ? graph.node("Relu", y) : y, range(name + ".output"));
    }

    @Override
    public String convSum(String name, String x, String residual) {
        Range sum = range(name + ".output");
        // Ours adds before it rounds; here the product is a value of its own, within about the sum's magnitude and signed.
        String y = requantize(product(name, x, 1, 0), new Range(sum.scale * 255 / 127, 128));
        return requantize(graph.node("Relu", graph.node("Add", y, residual)), sum);
    }

    @Override
    public String maxPool(String x, int window, int stride, int pad) {
        return requantize(graph.node("MaxPool", List.of(x), OnnxFloatLayers.convAttributes(window, stride, pad)), ranges.get(x));
    }

    @Override
    public String globalAverage(String x) {
        return flatten(requantize(graph.node("GlobalAveragePool", x), range("fc.input")));
    }

    @Override
    public String flatten(String x) {
        return requantize(graph.node("Flatten", List.of(x), Map.of("axis", 1L)), ranges.get(x));
    }

    @Override
    public String linear(String name, String x, boolean relu) {
        String y = graph.node("Gemm", List.of(x, weight(name), bias(name, ranges.get(x))), Map.of("transB", 1L));
        return relu ? requantize(graph.node("Relu", y), range("fc2.input")) : y;
    }
}
