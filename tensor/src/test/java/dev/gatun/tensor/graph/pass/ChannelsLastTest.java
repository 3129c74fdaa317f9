package dev.gatun.tensor.graph.pass;

import static dev.gatun.tensor.testing.GraphRunner.check;
import static dev.gatun.tensor.testing.GraphRunner.kinds;
import static dev.gatun.tensor.testing.GraphRunner.weight;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.graph.Conv;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Sizes;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.AdaptivePoolOp;
import dev.gatun.tensor.op.EltwiseOp;
import dev.gatun.tensor.op.FlattenOp;
import dev.gatun.tensor.op.PoolOp;
import dev.gatun.tensor.op.SoftmaxOp;
import dev.gatun.tensor.op.Window;
import dev.gatun.tensor.testing.Reference;
import java.lang.foreign.Arena;
import java.util.List;
import org.junit.jupiter.api.Test;

class ChannelsLastTest {
    private static final Sizes THREE = Sizes.of("n", 3);
    private static final double TOLERANCE = 8 * Reference.tolerance(16 * 9);

    private static Conv conv(Arena arena, String name, long out, long in, int stride) {
        return new Conv(weight(arena, name, out, in, 3, 3), weight(arena, name + ".bias", out), Window.square(stride, 1));
    }

    private static void allLast(Graph graph) {
        assertTrue(graph.nodes().stream().allMatch(n -> !(n.layer() instanceof Conv conv) || conv.layout() == MemoryFormat.CHANNELS_LAST));
    }

    /** A first convolution over three planes, odd channels, poolings and residuals: nothing is reordered between. */
    @Test
    void aTrunkIsNotReordered() {
        try (Arena arena = Arena.ofShared()) {
            GraphBuilder g = new GraphBuilder("trunk");
            Port x = g.add("stem", conv(arena, "stem", 16, 3, 2).withActivation(Activation.RELU),
                    g.input("x", Spec.of(DataType.F32, "n", 3, 21, 17)));
            x = g.add("pool", new PoolOp(PoolOp.Kind.MAX, new long[] {3, 3}, Window.square(2, 1), false), x);
            Port y = g.add("conv1", conv(arena, "conv1", 16, 16, 1).withActivation(Activation.RELU), x);
            x = g.add("conv2", conv(arena, "conv2", 16, 16, 1).withResidual(), y, x);
            x = g.add("conv3", conv(arena, "conv3", 7, 16, 2), g.add("silu", new EltwiseOp(Activation.SILU), x));
            g.output("pictures", x);
            g.output("rows", g.add("flatten", new FlattenOp(), g.add("mean", AdaptivePoolOp.globalAverage(), x)));
            Graph before = g.build();
            Graph last = check(new ChannelsLast(), before, THREE, arena, TOLERANCE);
            assertEquals(kinds(before), kinds(last));
            allLast(last);
        }
    }

    /** More planes are reordered once, for both convolutions that read them. */
    @Test
    void picturesOfManyChannelsAreReorderedOnce() {
        try (Arena arena = Arena.ofShared()) {
            GraphBuilder g = new GraphBuilder("wide");
            Port x = g.input("x", Spec.of(DataType.F32, "n", 16, 7, 5));
            Port a = g.add("conv1", conv(arena, "conv1", 16, 16, 1), x);
            g.output("y", g.add("conv2", conv(arena, "conv2", 16, 16, 1).withResidual(), x, a));
            Graph last = check(new ChannelsLast(), g.build(), THREE, arena, TOLERANCE);
            assertEquals(List.of("channels-last.0 Reorder", "conv1 Conv", "conv2 Conv"), kinds(last));
            allLast(last);
        }
    }

    /** What does not keep the layout ends the trunk; a residual from there gets a copy, because it is overwritten. */
    @Test
    void whatComesFromElsewhereIsReordered() {
        try (Arena arena = Arena.ofShared()) {
            GraphBuilder g = new GraphBuilder("between");
            Port x = g.input("x", Spec.of(DataType.F32, "n", 16, 5, 7));
            Port soft = g.add("softmax", new SoftmaxOp(1, false), g.add("conv1", conv(arena, "conv1", 16, 16, 1), x));
            g.output("y", g.add("conv2", conv(arena, "conv2", 16, 16, 1).withResidual(), x, soft));
            Graph last = check(new ChannelsLast(), g.build(), THREE, arena, TOLERANCE);
            assertEquals(List.of("channels-last.0 Reorder", "conv1 Conv", "softmax Softmax", "conv2.residual Reorder",
                    "conv2 Conv"), kinds(last));
        }
    }

    @Test
    void onlyPicturesWhoseLayoutIsFree() {
        try (Arena arena = Arena.ofShared()) {
            GraphBuilder g = new GraphBuilder("stay");
            Port x = g.input("x", Spec.of(DataType.F32, "n", 16, 5, 7));
            g.output("y", g.add("fixed", conv(arena, "fixed", 16, 16, 1).withLayout(MemoryFormat.ROW_MAJOR), x));
            Port line = g.input("line", Spec.of(DataType.F32, "n", 16, 11));
            g.output("z", g.add("line", new Conv(weight(arena, "line", 5, 16, 3), null,
                    new Window(new long[] {1}, new long[] {1}, new long[] {1}, new long[] {1})), line));
            Graph before = g.build();
            assertEquals(before.toString(), check(new ChannelsLast(), before, THREE, arena, 1e-6).toString());
        }
    }
}
