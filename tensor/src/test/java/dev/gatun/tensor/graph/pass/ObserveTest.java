package dev.gatun.tensor.graph.pass;

import static dev.gatun.tensor.testing.GraphRunner.TARGET;
import static dev.gatun.tensor.testing.GraphRunner.kinds;
import static dev.gatun.tensor.testing.GraphRunner.run;
import static dev.gatun.tensor.testing.GraphRunner.weight;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.graph.Apply;
import dev.gatun.tensor.graph.Conv;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Node;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Rewrite;
import dev.gatun.tensor.graph.Sizes;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.BinaryOp;
import dev.gatun.tensor.op.EltwiseOp;
import dev.gatun.tensor.op.FlattenOp;
import dev.gatun.tensor.op.PoolOp;
import dev.gatun.tensor.op.ScaledReorderOp;
import dev.gatun.tensor.op.Window;
import dev.gatun.tensor.testing.Reference;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ObserveTest {
    private static final Sizes THREE = Sizes.of("n", 3);
    private static final EltwiseOp RELU = new EltwiseOp(Activation.RELU);

    private static Conv conv(Arena arena, String name, long in) {
        return new Conv(weight(arena, name, 16, in, 3, 3), weight(arena, name + ".bias", 16), Window.square(1, 1));
    }

    /** A network that ends in a linear layer; what passes will put into its layers are outputs if they are to be shown. */
    private static Graph network(Arena arena, boolean show) {
        GraphBuilder g = new GraphBuilder("network");
        Port stem = g.add("relu1", RELU, g.add("stem", conv(arena, "stem", 3), g.input("x", Spec.of(DataType.F32, "n", 3, 7, 5))));
        Port between = g.add("between", conv(arena, "between", 16), stem);
        Port conv = g.add("conv", conv(arena, "conv", 16), between);
        Port sum = g.add("relu2", RELU, g.add("add", new BinaryOp(BinaryOp.Operator.ADD), conv, stem));
        Port last = g.add("last", conv(arena, "last", 16), sum);
        Port rows = g.add("flatten", new FlattenOp(), g.add("pool", PoolOp.max(2), last));
        Port logits = g.add("fc", new Linear(weight(arena, "fc", 5, 16 * 6), null), rows);
        g.output("logits", logits);
        if (show) {
            List.of(Map.entry("stem", stem), Map.entry("between", between), Map.entry("conv", sum), Map.entry("last", last),
                    Map.entry("fc.input", rows), Map.entry("fc", logits))
                    .forEach(e -> g.output(e.getKey(), e.getValue()));
        }
        return g.build();
    }

    @Test
    void aNodeWithoutItsOperandsIsNamed() {
        try (Arena arena = Arena.ofConfined()) {
            GraphBuilder g = new GraphBuilder("net");
            Port x = g.input("x", Spec.of(DataType.F32, "n", 2));
            g.output("y", g.add("fc", new Linear(new Weight("w", Tensor.ofFloats(arena, new float[6], 3, 2)), null), x));
            Graph graph = g.build();
            Node fc = graph.nodes().getFirst();
            for (List<Port> operands : List.of(List.<Port>of(), List.of(x, x), List.of(new Port(9)), List.of(fc.result()))) {
                Rewrite rewrite = new Rewrite(graph);
                rewrite.replace(fc, fc.layer(), operands);
                String said = assertThrows(IllegalArgumentException.class, rewrite::build).getMessage();
                assertTrue(said.startsWith("net: fc: ") && said.contains(operands.size() == 1 ? "reads a value that nothing before it makes"
                        : operands.size() + " operands, expected 1"), said);
            }
            Rewrite twice = new Rewrite(graph);
            twice.replace(new Node("fc", fc.layer(), fc.operands(), List.of(fc.result(), new Port(7))), fc.layer(), fc.operands());
            assertEquals("net: fc: 1 results, expected 2", assertThrows(IllegalArgumentException.class, twice::build).getMessage());
        }
    }

    @Test
    void showsEveryLayerAfterFusionBeforePoolingAndOverwriting() {
        try (Arena arena = Arena.ofShared()) {
            for (String last : List.of("fuse-activation", "fuse-pool")) {
                Graph fused = Passes.runUntil(network(arena, false), TARGET, arena, last);
                Graph observed = new Observe().run(fused, TARGET, arena);
                assertEquals(List.of("logits", "stem", "between", "conv", "last", "fc.input", "fc"),
                        new ArrayList<>(observed.outputs().keySet()));
                for (int threads = 1; threads <= 2; threads++) {
                    Map<String, float[]> expected = run(network(arena, true), THREE, threads);
                    Map<String, float[]> actual = run(observed, THREE, threads);
                    assertEquals(expected.keySet(), actual.keySet());
                    expected.forEach((name, values) -> Reference.assertClose(Reference.widen(values), actual.get(name),
                            64 * Reference.tolerance(16 * 9)));
                    if (last.equals("fuse-activation")) {
                        assertArrayEquals(run(fused, THREE, threads).get("logits"), actual.get("logits"), "observing changes nothing");
                    }
                }
            }
        }
    }

    @Test
    void aConvolutionWhoseResultIsRoundedIsShownRounded() {
        try (Arena arena = Arena.ofShared()) {
            GraphBuilder g = new GraphBuilder("rounded");
            Port x = g.input("x", Spec.of(DataType.F32, "n", 3, 5, 7));
            Port y = g.add("conv", conv(arena, "conv", 3).withActivation(Activation.RELU), x);
            g.output("exact", g.add("copy", RELU, y));
            assertEquals(List.of("conv Conv", "observe.conv Reorder", "copy Eltwise"), kinds(new Observe().run(g.build(), TARGET, arena)));
            GraphBuilder r = new GraphBuilder("rounded");
            float scale = 0.125f;
            x = r.input("x", Spec.of(DataType.F32, "n", 3, 5, 7));
            y = r.add("conv", conv(arena, "conv", 3).withActivation(Activation.RELU), x);
            y = r.add("round", new Apply(ScaledReorderOp.quantize(DataType.U8, MemoryFormat.CHANNELS_LAST, scale)), y);
            r.output("y", r.add("back", new Apply(ScaledReorderOp.dequantize(MemoryFormat.ROW_MAJOR, scale)), y));
            Map<String, float[]> shown = run(new Observe().run(r.build(), TARGET, arena), THREE, 1);
            assertEquals(List.of("y", "conv"), new ArrayList<>(shown.keySet()));
            assertArrayEquals(shown.get("y"), shown.get("conv"));
        }
    }
}
