package dev.gatun.tensor.graph.pass;

import static dev.gatun.tensor.testing.GraphRunner.check;
import static dev.gatun.tensor.testing.GraphRunner.kinds;
import static dev.gatun.tensor.testing.GraphRunner.run;
import static dev.gatun.tensor.testing.GraphRunner.weight;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.graph.Conv;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Sizes;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.AdaptivePoolOp;
import dev.gatun.tensor.op.BinaryOp;
import dev.gatun.tensor.op.EltwiseOp;
import dev.gatun.tensor.op.FlattenOp;
import dev.gatun.tensor.op.Window;
import dev.gatun.tensor.testing.Reference;
import java.lang.foreign.Arena;
import java.util.List;
import org.junit.jupiter.api.Test;

class FuseResidualTest {
    private static final BinaryOp ADD = new BinaryOp(BinaryOp.Operator.ADD);
    private static final Sizes THREE = Sizes.of("n", 3);
    private static final double TOLERANCE = 8 * Reference.tolerance(16 * 9);

    /** A graph over pictures of 16 channels. */
    private static final class Pictures {
        private final Arena arena;
        private final GraphBuilder graph = new GraphBuilder("residual");
        private final Port in;

        private Pictures(Arena arena) {
            this.arena = arena;
            this.in = graph.input("x", Spec.of(DataType.F32, "n", 16, 7, 5));
        }

        private Port conv(String name, Port x) {
            return graph.add(name, new Conv(weight(arena, name, 16, 16, 3, 3), weight(arena, name + ".bias", 16), Window.square(1, 1)), x);
        }

        private Port add(String name, Port a, Port b) {
            return graph.add(name, ADD, a, b);
        }

        private Graph fuse() {
            return check(new FuseResidual(), graph.build(), THREE, arena, TOLERANCE);
        }

        private void staysAsItIs() {
            Graph before = graph.build();
            assertEquals(kinds(before), kinds(check(new FuseResidual(), before, THREE, arena, TOLERANCE)));
        }
    }

    private static long residuals(Graph graph) {
        return graph.nodes().stream().filter(node -> node.layer() instanceof Conv conv && conv.residual()
                || node.layer() instanceof Linear linear && linear.residual()).count();
    }

    @Test
    void aBlockAsOfAResNet() {
        try (Arena arena = Arena.ofShared()) {
            Pictures p = new Pictures(arena);
            Port x = p.conv("stem", p.in);
            for (String block : List.of("a.", "b.")) {
                Port y = p.conv(block + "conv2", p.graph.add(block + "relu", new EltwiseOp(Activation.RELU), p.conv(block + "conv1", x)));
                Port shortcut = block.equals("a.") ? p.conv(block + "downsample", x) : x;
                // Whichever side the product is on.
                Port sum = block.equals("a.") ? p.add(block + "add", y, shortcut) : p.add(block + "add", shortcut, y);
                x = p.graph.add(block + "relu", new EltwiseOp(Activation.RELU), sum);
            }
            p.graph.output("y", x);
            Graph fused = p.fuse();
            assertEquals(List.of("stem Conv", "a.conv1 Conv", "a.relu Eltwise", "a.downsample Conv", "a.conv2 Conv", "a.relu.2 Eltwise",
                    "b.conv1 Conv", "b.relu Eltwise", "b.conv2 Conv", "b.relu.2 Eltwise"), kinds(fused));
            assertEquals(2, residuals(fused));
        }
    }

    @Test
    void linearLayersCopyTheirResidualSoThatAnyoneMayReadIt() {
        try (Arena arena = Arena.ofShared()) {
            GraphBuilder g = new GraphBuilder("linear");
            Port x = g.input("x", Spec.of(DataType.F32, "n", 9));
            Port y = g.add("fc1", new Linear(weight(arena, "fc1", 9, 9), weight(arena, "b1", 9)), x);
            Port sum = g.add("sum1", ADD, y, x);
            Port z = g.add("fc2", new Linear(weight(arena, "fc2", 9, 9), null), sum);
            g.output("y", g.add("sum2", ADD, sum, z));
            g.output("sum", sum);
            Graph fused = check(new FuseResidual(), g.build(), Sizes.of("n", 7), arena, 8 * Reference.tolerance(9));
            assertEquals(List.of("fc1 Linear", "fc2 Linear"), kinds(fused));
            assertEquals(2, residuals(fused));
        }
    }

    @Test
    void notIfTheResidualIsReadLater() {
        try (Arena arena = Arena.ofShared()) {
            Pictures p = new Pictures(arena);
            Port x = p.graph.add("relu", new EltwiseOp(Activation.RELU), p.in);
            Port sum = p.add("add", p.conv("conv", x), x);
            p.graph.output("y", p.graph.add("max", new BinaryOp(BinaryOp.Operator.MAX), sum, x));
            p.staysAsItIs();
        }
    }

    @Test
    void notIfTheResidualIsAnInput() {
        try (Arena arena = Arena.ofShared()) {
            Pictures p = new Pictures(arena);
            p.graph.output("y", p.add("add", p.conv("conv", p.in), p.in));
            p.staysAsItIs();
        }
    }

    @Test
    void notIfTheResidualIsAnOutput() {
        try (Arena arena = Arena.ofShared()) {
            Pictures p = new Pictures(arena);
            Port x = p.graph.add("relu", new EltwiseOp(Activation.RELU), p.in);
            p.graph.output("x", x);
            p.graph.output("y", p.add("add", p.conv("conv", x), x));
            p.staysAsItIs();
        }
    }

    @Test
    void notIfTheConvolutionReadsTheResidualItself() {
        try (Arena arena = Arena.ofShared()) {
            Pictures p = new Pictures(arena);
            Port x = p.graph.add("relu", new EltwiseOp(Activation.RELU), p.in);
            p.graph.output("y", p.graph.add("tanh", new EltwiseOp(Activation.TANH), p.add("add", p.conv("conv", x), x)));
            p.staysAsItIs();
            Pictures q = new Pictures(arena);
            Port y = q.graph.add("relu", new EltwiseOp(Activation.RELU), q.in);
            Conv conv = new Conv(weight(arena, "conv", 16, 16, 3, 3), null, Window.square(1, 1));
            q.graph.output("y", q.graph.add("conv", conv.withResidual(), y, y));
            Graph wrong = q.graph.build();
            IllegalStateException e = assertThrows(IllegalStateException.class, () -> run(wrong, THREE, 1));
            assertTrue(e.getMessage().contains("(conv) overwrites its input 1, which is another input too"), e.getMessage());
        }
    }

    @Test
    void aLinearLayersSourceMayBeItsResidual() {
        try (Arena arena = Arena.ofShared()) {
            GraphBuilder g = new GraphBuilder("linear");
            Port x = g.add("relu", new EltwiseOp(Activation.RELU), g.input("x", Spec.of(DataType.F32, "n", 150)));
            Port sum = g.add("sum", ADD, g.add("fc", new Linear(weight(arena, "fc", 150, 150), null), x), x);
            g.output("y", g.add("tanh", new EltwiseOp(Activation.TANH), sum));
            Graph fused = check(new FuseResidual(), g.build(), Sizes.of("n", 7), arena, 8 * Reference.tolerance(150));
            assertEquals(List.of("relu Eltwise", "fc Linear", "tanh Eltwise"), kinds(fused));
        }
    }

    /** A convolution that becomes part of a later sum reads its source there, after an earlier sum has written over it. */
    @Test
    void notIfAConvolutionThatReadsTheResidualMovesLater() {
        try (Arena arena = Arena.ofShared()) {
            for (boolean first : new boolean[] {false, true}) {
                Pictures p = new Pictures(arena);
                Port x = p.graph.add("relu", new EltwiseOp(Activation.RELU), p.in);
                Port moves = p.conv("moves", x);
                Port sum = p.add("add1", p.conv("conv", p.in), x);
                p.graph.output("y", first ? p.add("add2", moves, sum) : p.add("add2", sum, moves));
                Graph fused = p.fuse();
                assertEquals(List.of("relu Eltwise", "conv Conv", "add1 Binary", "moves Conv"), kinds(fused));
            }
        }
    }

    /** A flattened picture may be the picture's memory. */
    @Test
    void notIfAViewOfTheResidualIsReadLater() {
        try (Arena arena = Arena.ofShared()) {
            Pictures p = new Pictures(arena);
            Port x = p.graph.add("relu", new EltwiseOp(Activation.RELU), p.in);
            Port rows = p.graph.add("flatten", new FlattenOp(), x);
            p.graph.output("y", p.add("add", p.conv("conv", x), x));
            p.graph.output("z", p.graph.add("fc", new Linear(weight(arena, "fc", 3, 16 * 35), null), rows));
            p.staysAsItIs();
        }
    }

    @Test
    void notIfTheProductIsReadTwiceOrShownOrAddedToItself() {
        try (Arena arena = Arena.ofShared()) {
            Pictures p = new Pictures(arena);
            Port x = p.graph.add("relu", new EltwiseOp(Activation.RELU), p.in);
            Port self = p.conv("self", p.in);
            p.graph.output("a", p.add("add.self", self, self));
            Port shown = p.conv("shown", p.in);
            p.graph.output("shown", shown);
            p.graph.output("b", p.add("add.shown", shown, x));
            p.staysAsItIs();
        }
    }

    @Test
    void notIfSomethingIsBetweenOrTheSumIsNotPlain() {
        try (Arena arena = Arena.ofShared()) {
            Pictures p = new Pictures(arena);
            Port x = p.graph.add("relu", new EltwiseOp(Activation.RELU), p.in);
            Port active = p.graph.add("active", new Conv(weight(arena, "active", 16, 16, 3, 3), null, Window.square(1, 1))
                    .withActivation(Activation.RELU), p.in);
            Port sum = p.add("add.active", active, x);
            Port y = p.graph.add("relu2", new EltwiseOp(Activation.RELU), p.in);
            Port clipped = p.graph.add("add.relu", new BinaryOp(BinaryOp.Operator.ADD, Activation.RELU), p.conv("conv", p.in), y);
            p.graph.output("y", p.graph.add("sub", new BinaryOp(BinaryOp.Operator.SUB), sum, clipped));
            p.staysAsItIs();
        }
    }

    @Test
    void notIfTheResidualIsRepeated() {
        try (Arena arena = Arena.ofShared()) {
            Pictures p = new Pictures(arena);
            Port mean = p.graph.add("mean", AdaptivePoolOp.globalAverage(), p.in);
            p.graph.output("y", p.add("add", p.conv("conv", p.in), mean));
            p.staysAsItIs();
        }
    }

    /** Typically one row, as what is added: for more rows it is repeated. */
    @Test
    void notIfTheShapesAreTheSameForTypicalSizesOnly() {
        try (Arena arena = Arena.ofShared()) {
            GraphBuilder g = new GraphBuilder("typical");
            Port x = g.input("x", Spec.of(DataType.F32, new dev.gatun.tensor.graph.Dim("n", 1), 9));
            Port one = g.add("relu", new EltwiseOp(Activation.RELU), g.input("one", Spec.of(DataType.F32, 1, 9)));
            g.output("y", g.add("sum", ADD, g.add("fc", new Linear(weight(arena, "fc", 9, 9), null), x), one));
            Graph same = check(new FuseResidual(), g.build(), THREE, arena, Reference.tolerance(9));
            assertTrue(kinds(same).contains("sum Binary"));
        }
    }
}
