package dev.gatun.tensor.graph.pass;

import static dev.gatun.tensor.testing.GraphRunner.check;
import static dev.gatun.tensor.testing.GraphRunner.kinds;
import static dev.gatun.tensor.testing.GraphRunner.weight;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.graph.BatchNorm;
import dev.gatun.tensor.graph.Conv;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Sizes;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.EltwiseOp;
import dev.gatun.tensor.op.Window;
import dev.gatun.tensor.testing.Reference;
import java.lang.foreign.Arena;
import java.util.List;
import org.junit.jupiter.api.Test;

class FoldBatchNormTest {
    private static final Sizes THREE = Sizes.of("n", 3);

    private static BatchNorm norm(Arena arena, String name, long channels) {
        return new BatchNorm(weight(arena, name + ".scale", channels), weight(arena, name + ".shift", channels),
                weight(arena, name + ".mean", channels), weight(arena, name + ".variance", channels), 1e-5);
    }

    private static Conv conv(Arena arena, String name, long out, long in, boolean bias) {
        return new Conv(weight(arena, name, out, in, 3, 3), bias ? weight(arena, name + ".bias", out) : null, Window.square(1, 1));
    }

    @Test
    void goesIntoWeightsAndBias() {
        try (Arena arena = Arena.ofShared()) {
            GraphBuilder g = new GraphBuilder("fold");
            Port x = g.input("x", Spec.of(DataType.F32, "n", 3, 7, 9));
            x = g.add("bn1", norm(arena, "bn1", 5), g.add("conv1", conv(arena, "conv1", 5, 3, false), x));
            x = g.add("relu", new EltwiseOp(Activation.RELU), x);
            x = g.add("bn2", norm(arena, "bn2", 16), g.add("conv2", conv(arena, "conv2", 16, 5, true), x));
            Conv depthwise = new Conv(weight(arena, "conv3", 16, 1, 3, 3), null, 16, Window.square(2, 1), Activation.NONE, false, false,
                    MemoryFormat.ANY);
            g.output("y", g.add("bn3", norm(arena, "bn3", 16), g.add("conv3", depthwise, x)));
            Graph folded = check(new FoldBatchNorm(), g.build(), THREE, arena, 4 * Reference.tolerance(16 * 9));
            assertEquals(List.of("conv1 Conv", "relu Eltwise", "conv2 Conv", "conv3 Conv"), kinds(folded));
        }
    }

    @Test
    void aConvolutionOverOneDimension() {
        try (Arena arena = Arena.ofShared()) {
            GraphBuilder g = new GraphBuilder("fold");
            Port x = g.input("x", Spec.of(DataType.F32, "n", 3, 11));
            Conv conv = new Conv(weight(arena, "conv", 5, 3, 3), null,
                    new Window(new long[] {1}, new long[] {1}, new long[] {1}, new long[] {1}));
            g.output("y", g.add("bn", norm(arena, "bn", 5), g.add("conv", conv, x)));
            assertEquals(List.of("conv Conv"), kinds(check(new FoldBatchNorm(), g.build(), THREE, arena, Reference.tolerance(9))));
        }
    }

    @Test
    void staysWhereSomethingElseReadsTheConvolutionOrIsBetween() {
        try (Arena arena = Arena.ofShared()) {
            GraphBuilder g = new GraphBuilder("stay");
            Port x = g.input("x", Spec.of(DataType.F32, "n", 3, 5, 6));
            Port shown = g.add("shown", conv(arena, "shown", 4, 3, true), x);
            g.output("shown", shown);
            g.output("a", g.add("bn.shown", norm(arena, "bn.a", 4), shown));
            Port twice = g.add("twice", conv(arena, "twice", 4, 3, true), x);
            g.output("b", g.add("bn.twice", norm(arena, "bn.b", 4), twice));
            g.output("c", g.add("relu", new EltwiseOp(Activation.RELU), twice));
            Port active = g.add("active", conv(arena, "active", 4, 3, true).withActivation(Activation.RELU), x);
            g.output("d", g.add("bn.active", norm(arena, "bn.d", 4), active));
            Port pooled = g.add("pooled", conv(arena, "pooled", 4, 3, true).withPool(), x);
            g.output("e", g.add("bn.pooled", norm(arena, "bn.e", 4), pooled));
            g.output("f", g.add("bn.input", norm(arena, "bn.f", 3), x));
            Graph graph = g.build();
            assertEquals(kinds(graph), kinds(check(new FoldBatchNorm(), graph, THREE, arena, 1e-6)));
        }
    }

    @Test
    void ofTwoInARowTheFirst() {
        try (Arena arena = Arena.ofShared()) {
            GraphBuilder g = new GraphBuilder("two");
            Port x = g.input("x", Spec.of(DataType.F32, "n", 3, 5, 6));
            x = g.add("bn1", norm(arena, "bn1", 4), g.add("conv", conv(arena, "conv", 4, 3, true), x));
            g.output("y", g.add("bn2", norm(arena, "bn2", 4), x));
            assertEquals(List.of("conv Conv", "bn2 BatchNorm"),
                    kinds(check(new FoldBatchNorm(), g.build(), THREE, arena, 4 * Reference.tolerance(27))));
        }
    }
}
