package dev.gatun.tensor.graph.pass;

import static dev.gatun.tensor.testing.GraphRunner.TARGET;
import static dev.gatun.tensor.testing.GraphRunner.kinds;
import static dev.gatun.tensor.testing.GraphRunner.run;
import static dev.gatun.tensor.testing.GraphRunner.weight;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.bindings.onednn.OneDnn;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.Conv;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Node;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.QuantizedConv;
import dev.gatun.tensor.graph.Range;
import dev.gatun.tensor.graph.Sizes;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.graph.pass.Quantize.Parameters;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.AdaptivePoolOp;
import dev.gatun.tensor.op.BinaryOp;
import dev.gatun.tensor.op.EltwiseOp;
import dev.gatun.tensor.op.FlattenOp;
import dev.gatun.tensor.op.PoolOp;
import dev.gatun.tensor.op.Window;
import dev.gatun.tensor.testing.Reference;
import dev.gatun.tensor.weights.Int8Weights;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class QuantizeTest {
    private static final Sizes THREE = Sizes.of("n", 3);
    /** 7 bits: exact on every processor. */
    private static final int MOST = 63;
    private static final EltwiseOp RELU = new EltwiseOp(Activation.RELU);

    private static Conv conv(Arena arena, String name, long out, long in, long kernel) {
        return new Conv(weight(arena, name, out, in, kernel, kernel), weight(arena, name + ".bias", out), Window.square(1, kernel / 2));
    }

    /** Stem, pooling, a block with a residual, a mean and two linear layers; activations and sums are fused, a pooling if wanted. */
    private static Graph network(Arena arena, String last) {
        GraphBuilder g = new GraphBuilder("network");
        Port x = g.add("relu1", RELU, g.add("stem", conv(arena, "stem", 16, 3, 3), g.input("x", Spec.of(DataType.F32, "n", 3, 11, 9))));
        x = g.add("pool", PoolOp.max(2), x);
        Port y = g.add("conv2", conv(arena, "conv2", 16, 7, 1), g.add("relu2", RELU, g.add("conv1", conv(arena, "conv1", 7, 16, 3), x)));
        x = g.add("relu3", RELU, g.add("add", new BinaryOp(BinaryOp.Operator.ADD), y, x));
        Port rows = g.add("flatten", new FlattenOp(), g.add("mean", AdaptivePoolOp.globalAverage(), x));
        Port features = g.add("relu4", RELU, g.add("fc1", new Linear(weight(arena, "fc1", 9, 16), weight(arena, "fc1.bias", 9)), rows));
        g.output("pictures", x);
        g.output("logits", g.add("fc2", new Linear(weight(arena, "fc2", 5, 9), null), features));
        return Passes.runUntil(g.build(), TARGET, arena, last);
    }

    private static Range range(float[] values) {
        float min = 0;
        float max = 0;
        for (float value : values) {
            min = Math.min(min, value);
            max = Math.max(max, value);
        }
        return new Range(min < 0 ? Math.max(max, -min) / 127 : max / 255, min < 0);
    }

    private static Parameters parameters(Arena arena, Weight weight, Weight bias, Range input, Range output) {
        return parameters(arena, weight, bias, input, output, 1);
    }

    /** @param step what weights are multiples of */
    private static Parameters parameters(Arena arena, Weight weight, Weight bias, Range input, Range output, int step) {
        long channels = weight.shape().dim(0);
        long each = weight.shape().elementCount() / channels;
        Tensor bytes = Tensor.allocate(arena, TensorDesc.of(DataType.S8, weight.shape().dims()));
        Tensor scales = Tensor.allocate(arena, TensorDesc.of(DataType.F32, channels));
        for (long c = 0; c < channels; c++) {
            float limit = 0;
            for (long i = c * each; i < (c + 1) * each; i++) {
                limit = Math.max(limit, Math.abs(weight.tensor().getFloat(i)));
            }
            scales.setFloat(c, limit / MOST);
            for (long i = c * each; i < (c + 1) * each; i++) {
                bytes.segment().set(ValueLayout.JAVA_BYTE, i, (byte) (step * Math.rint(weight.tensor().getFloat(i) / limit * MOST / step)));
            }
        }
        return new Parameters(new Weight(weight.name(), bytes), new Weight(weight.name() + ".scale", scales), bias, input, output);
    }

    /** Ranges of all layers as they are for the inputs of the test. */
    private static Map<String, Parameters> calibrate(Graph fused, Arena arena, Set<String> kept) {
        Map<String, float[]> seen = run(new Observe().run(fused, TARGET, arena), THREE, 1);
        Map<String, Parameters> layers = new HashMap<>();
        for (Node node : fused.nodes()) {
            String name = node.name();
            if (node.layer() instanceof Conv conv) {
                Range input = name.equals("stem") ? new Range(1f / 127, true) : null;
                layers.put(name, kept.contains(name) ? Parameters.kept(range(seen.get(name)))
                        : parameters(arena, conv.weight(), conv.bias(), input, range(seen.get(name))));
            } else if (node.layer() instanceof Linear linear) {
                Linear.Part part = linear.parts().getFirst();
                layers.put(name, kept.contains(name) ? Parameters.kept(null)
                        : parameters(arena, part.weight(), part.bias(), range(seen.get(name + ".input")), null));
            }
        }
        return layers;
    }

    /** Eight bits through four layers: each value is within some percent of the largest. */
    private static void assertNear(Map<String, float[]> expected, Map<String, float[]> actual) {
        assertEquals(expected.keySet(), actual.keySet());
        expected.forEach((name, values) -> {
            float largest = 0;
            for (float value : values) {
                largest = Math.max(largest, Math.abs(value));
            }
            for (int i = 0; i < values.length; i++) {
                assertEquals(values[i], actual.get(name)[i], 0.04f * largest, name + " element " + i);
            }
        });
    }

    private static Graph check(Graph fused, Arena arena, Set<String> kept) {
        Graph quantized = new Quantize(calibrate(fused, arena, kept)).run(fused, TARGET, arena);
        Map<String, float[]> one = run(quantized, THREE, 1);
        Map<String, float[]> two = run(quantized, THREE, 2);
        assertNear(run(fused, THREE, 1), one);
        one.forEach((name, values) -> assertArrayEquals(values, two.get(name), name));
        return quantized;
    }

    @Test
    void bytesStayBytesUntilAMean() {
        try (Arena arena = Arena.ofShared()) {
            for (String last : List.of("fuse-activation", "fuse-pool")) {
                Graph quantized = check(network(arena, last), arena, Set.of());
                assertEquals(List.of("stem.quantize ScaledReorder", "stem QuantizedConv",
                        last.equals("fuse-pool") ? "stem.pool Pool" : "pool Pool", "conv1 QuantizedConv", "conv2 QuantizedConv",
                        "conv2.dequantize ScaledReorder", "mean AdaptivePool", "flatten Flatten", "fc1.quantize ScaledReorder",
                        "fc1 QuantizedLinear", "fc2.quantize ScaledReorder", "fc2 QuantizedLinear"), kinds(quantized));
            }
        }
    }

    @Test
    void layersThatAreKeptInF32() {
        try (Arena arena = Arena.ofShared()) {
            for (String last : List.of("fuse-activation", "fuse-pool")) {
                Graph quantized = check(network(arena, last), arena, Set.of("stem", "fc2"));
                assertEquals(List.of("stem Conv", "stem.quantize ScaledReorder",
                        last.equals("fuse-pool") ? "stem.pool Pool" : "pool Pool", "conv1 QuantizedConv", "conv2 QuantizedConv",
                        "conv2.dequantize ScaledReorder", "mean AdaptivePool", "flatten Flatten", "fc1.quantize ScaledReorder",
                        "fc1 QuantizedLinear", "fc2 Linear"), kinds(quantized));
            }
            Graph block = check(network(arena, "fuse-activation"), arena, Set.of("conv2", "fc1"));
            assertEquals(List.of("stem.quantize ScaledReorder", "stem QuantizedConv", "pool Pool", "conv1 QuantizedConv",
                    "conv1.dequantize ScaledReorder", "pool.dequantize ScaledReorder", "conv2 Conv", "conv2.quantize ScaledReorder",
                    "conv2.dequantize ScaledReorder", "mean AdaptivePool", "flatten Flatten", "fc1 Linear", "fc2.quantize ScaledReorder",
                    "fc2 QuantizedLinear"), kinds(block));
            Graph none = check(network(arena, "fuse-activation"), arena, Set.of("stem", "conv1", "conv2", "fc1", "fc2"));
            assertTrue(none.nodes().stream().noneMatch(node -> node.layer() instanceof QuantizedConv));
        }
    }

    /**
     * Against the formula: what is rounded is the source, then the result; half-way cases may go either way. Without VNNI oneDNN halves the
     * weights of signed sources and rounds them, so that sums of two products fit in 16 bits (its guide on int8 says so).
     */
    @Test
    void aConvolutionRoundsItsResultOnce() {
        try (Arena arena = Arena.ofShared()) {
            GraphBuilder g = new GraphBuilder("one");
            Conv conv = conv(arena, "conv", 5, 3, 1);
            g.output("y", g.add("relu", RELU, g.add("conv", conv, g.input("x", Spec.of(DataType.F32, "n", 3, 7, 5)))));
            Graph fused = Passes.runUntil(g.build(), TARGET, arena, "fuse-activation");
            Range input = new Range(1f / 127, true);
            Range output = new Range(4f / 255, false);
            // Without VNNI, oneDNN halves the weights of signed sources: only even ones are exact.
            Parameters layer = parameters(arena, conv.weight(), conv.bias(), input, output, Int8Weights.sumsAreExact() ? 1 : 2);
            float[] actual = run(new Quantize(Map.of("conv", layer)).run(fused, TARGET, arena), THREE, 1).get("y");
            float[] x = Reference.random("x".hashCode(), 3 * 3 * 35);
            byte[] w = layer.weight().tensor().segment().toArray(ValueLayout.JAVA_BYTE);
            boolean halved = List.of("sse41", "avx", "avx2", "avx512_core").contains(OneDnn.cpuIsa());
            for (int i = 0; i < 3 * 35; i++) {
                for (int oc = 0; oc < 5; oc++) {
                    double sum = 0;
                    for (int ic = 0; ic < 3; ic++) {
                        double byteOfX = Math.clamp(Math.rint(x[(i / 35 * 3 + ic) * 35 + i % 35] / input.scale()), -128, 127);
                        sum += byteOfX * (halved ? 2 * Math.rint(w[oc * 3 + ic] / 2.0) : w[oc * 3 + ic]);
                    }
                    double scale = (double) input.scale() * layer.scales().tensor().getFloat(oc);
                    double units = Math.clamp((sum * scale + conv.bias().tensor().getFloat(oc)) / output.scale(), 0, 255);
                    float found = actual[(i / 35 * 5 + oc) * 35 + i % 35] / output.scale();
                    assertEquals(units, found, 0.501, "pixel " + i + ", channel " + oc);
                }
            }
        }
    }

    @Test
    void whatIsMissingOrHasNoKernelIsNamed() {
        try (Arena arena = Arena.ofShared()) {
            Graph fused = network(arena, "fuse-activation");
            Map<String, Parameters> layers = calibrate(fused, arena, Set.of());
            refused("has no weights of layer conv1", fused, without(layers, "conv1", null));
            Parameters stem = layers.get("stem");
            refused("has no scale for the input of layer stem", fused,
                    without(layers, "stem", new Parameters(stem.weight(), stem.scales(), stem.bias(), null, stem.output())));
            refused("has no scale for the result of layer stem", fused,
                    without(layers, "stem", new Parameters(stem.weight(), stem.scales(), stem.bias(), stem.input(), null)));
            refused("has no scale for the input of layer conv1", fused, without(layers, "stem", Parameters.kept(null)));
            refused("layer stem is quantized already", new Quantize(layers).run(fused, TARGET, arena), layers);
            assertThrows(IllegalArgumentException.class, () -> new Parameters(stem.weight(), null, null, null, null));
            assertThrows(IllegalArgumentException.class, () -> new Range(Float.NaN, true));
            GraphBuilder g = new GraphBuilder("groups");
            Conv depthwise = new Conv(weight(arena, "stem", 3, 1, 3, 3), null, 3, Window.square(1, 1), Activation.NONE, false, false,
                    MemoryFormat.ANY);
            g.output("y", g.add("stem", depthwise, g.input("x", Spec.of(DataType.F32, "n", 3, 5, 5))));
            refused("layer stem: only pictures are convolved in bytes, and only in one group", g.build(), layers);
            GraphBuilder s = new GraphBuilder("sum");
            Port x = s.input("x", Spec.of(DataType.F32, "n", 9));
            s.output("y", s.add("fc2", new Linear(weight(arena, "fc2", 9, 9), null).withResidual(), x, x));
            refused("layer fc2: only plain linear layers are computed in bytes", s.build(), layers);
        }
    }

    /** The bytes of a weight mean nothing by themselves. */
    @Test
    void layersOverBytesAreRefusedIfTheyWereNotQuantized() {
        try (Arena arena = Arena.ofShared()) {
            Map<String, Parameters> layers = calibrate(network(arena, "fuse-activation"), arena, Set.of());
            GraphBuilder g = new GraphBuilder("bytes");
            g.output("y", g.add("conv", new Conv(layers.get("stem").weight(), null, Window.square(1, 1)),
                    g.input("x", Spec.of(DataType.F32, "n", 3, 5, 5))));
            Graph conv = g.build();
            IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> run(conv, THREE, 1));
            assertTrue(e.getMessage().startsWith("bytes: conv: weight stem S8"), e.getMessage());
            GraphBuilder h = new GraphBuilder("bytes");
            h.output("y", h.add("fc", new Linear(layers.get("fc2").weight(), null), h.input("x", Spec.of(DataType.F32, "n", 9))));
            Graph linear = h.build();
            assertThrows(IllegalArgumentException.class, () -> run(linear, THREE, 1));
        }
    }

    private static Map<String, Parameters> without(Map<String, Parameters> layers, String name, Parameters other) {
        Map<String, Parameters> changed = new HashMap<>(layers);
        changed.remove(name);
        if (other != null) {
            changed.put(name, other);
        }
        return changed;
    }

    private static void refused(String expected, Graph graph, Map<String, Parameters> layers) {
        try (Arena arena = Arena.ofShared()) {
            IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> new Quantize(layers).run(graph, TARGET, arena));
            assertEquals(expected, e.getMessage());
        }
    }
}
