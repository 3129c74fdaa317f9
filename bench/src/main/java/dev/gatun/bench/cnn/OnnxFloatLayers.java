package dev.gatun.bench.cnn;

import dev.gatun.bench.onnx.OnnxGraphWriter;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.graph.Conv;
import dev.gatun.tensor.graph.Layer;
import dev.gatun.tensor.graph.Linear;
import java.util.List;
import java.util.Map;

/** Nodes as PyTorch's exporter writes them for a network in eval mode: batch norms folded into convolutions. */
final class OnnxFloatLayers implements Network.Layers<String> {
    private final OnnxGraphWriter graph;
    private final Map<String, Layer> layers;

    OnnxFloatLayers(OnnxGraphWriter graph, Map<String, Layer> layers) {
        this.graph = graph;
        this.layers = layers;
    }

    private String constant(Tensor tensor) {
        return graph.floats(tensor.toFloats(), tensor.shape().dims());
    }

    static Map<String, Object> convAttributes(long kernel, long stride, long pad) {
        return Map.of("kernel_shape", new long[] {kernel, kernel}, "strides", new long[] {stride, stride},
                "pads", new long[] {pad, pad, pad, pad});
    }

    @Override
    public String conv(String name, String x, int stride, int pad, boolean relu) {
        Conv source = (Conv) layers.get(name);
        String y = graph.node("Conv", List.of(x, constant(source.weight().tensor()), constant(source.bias().tensor())),
                convAttributes(source.weight().shape().dim(2), stride, pad));
        return relu ? graph.node("Relu", y) : y;
    }

    @Override
    public String convSum(String name, String x, String residual) {
        return graph.node("Relu", graph.node("Add", conv(name, x, 1, 0, false), residual));
    }

    @Override
    public String maxPool(String x, int window, int stride, int pad) {
        return graph.node("MaxPool", List.of(x), convAttributes(window, stride, pad));
    }

    @Override
    public String globalAverage(String x) {
        return flatten(graph.node("GlobalAveragePool", x));
    }

    @Override
    public String flatten(String x) {
        return graph.node("Flatten", List.of(x), Map.of("axis", 1L));
    }

    @Override
    public String linear(String name, String x, boolean relu) {
        Linear.Part source = ((Linear) layers.get(name)).parts().getFirst();
        String y = graph.node("Gemm", List.of(x, constant(source.weight().tensor()), constant(source.bias().tensor())),
                Map.of("transB", 1L));
        return relu ? graph.node("Relu", y) : y;
    }
}
