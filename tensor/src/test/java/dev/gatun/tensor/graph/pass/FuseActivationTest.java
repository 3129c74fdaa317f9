package dev.gatun.tensor.graph.pass;

import static dev.gatun.tensor.testing.GraphRunner.check;
import static dev.gatun.tensor.testing.GraphRunner.kinds;
import static dev.gatun.tensor.testing.GraphRunner.weight;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.graph.Conv;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Sizes;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.BinaryOp;
import dev.gatun.tensor.op.EltwiseOp;
import dev.gatun.tensor.op.Window;
import dev.gatun.tensor.testing.Reference;
import java.lang.foreign.Arena;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FuseActivationTest {
    private static final EltwiseOp RELU = new EltwiseOp(Activation.RELU);
    private static final Sizes SEVEN = Sizes.of("n", 7);

    private static Linear linear(Arena arena, String name) {
        return new Linear(weight(arena, name, 9, 9), weight(arena, name + ".bias", 9));
    }

    private static Conv conv(Arena arena, String name) {
        return new Conv(weight(arena, name, 16, 16, 3, 3), weight(arena, name + ".bias", 16), Window.square(1, 1));
    }

    @ParameterizedTest
    @EnumSource(value = Activation.class, mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void ofProductsAndConvolutions(Activation activation) {
        try (Arena arena = Arena.ofShared()) {
            GraphBuilder g = new GraphBuilder("rows");
            Port x = g.input("x", Spec.of(DataType.F32, "n", 9));
            x = g.add("act", new EltwiseOp(activation), g.add("fc1", linear(arena, "fc1"), x));
            g.output("y", g.add("fc2", linear(arena, "fc2"), x));
            assertEquals(List.of("fc1 Linear", "fc2 Linear"),
                    kinds(check(new FuseActivation(), g.build(), SEVEN, arena, 8 * Reference.tolerance(9))));
            GraphBuilder p = new GraphBuilder("pictures");
            Port picture = p.input("x", Spec.of(DataType.F32, "n", 16, 5, 7));
            p.output("y", p.add("act", new EltwiseOp(activation), p.add("conv", conv(arena, "conv"), picture)));
            assertEquals(List.of("conv Conv"),
                    kinds(check(new FuseActivation(), p.build(), SEVEN, arena, 4 * Reference.tolerance(16 * 9))));
        }
    }

    @Test
    void anOutputMayBeTheActivation() {
        try (Arena arena = Arena.ofShared()) {
            GraphBuilder g = new GraphBuilder("features");
            Port x = g.input("x", Spec.of(DataType.F32, "n", 9));
            Port features = g.add("relu", RELU, g.add("fc1", linear(arena, "fc1"), x));
            g.output("features", features);
            g.output("logits", g.add("fc2", linear(arena, "fc2"), features));
            Graph fused = check(new FuseActivation(), g.build(), SEVEN, arena, 8 * Reference.tolerance(9));
            assertEquals(List.of("fc1 Linear", "fc2 Linear"), kinds(fused));
        }
    }

    @Test
    void afterAConvolutionsResidual() {
        try (Arena arena = Arena.ofShared()) {
            GraphBuilder g = new GraphBuilder("block");
            Port x = g.input("x", Spec.of(DataType.F32, "n", 16, 5, 7));
            Port y = g.add("stem", conv(arena, "stem"), x);
            Port sum = g.add("add", new BinaryOp(BinaryOp.Operator.ADD), g.add("conv", conv(arena, "conv"), x), y);
            g.output("y", g.add("relu", RELU, sum));
            Graph residual = new FuseResidual().run(g.build(), dev.gatun.tensor.testing.GraphRunner.TARGET, arena);
            Graph fused = check(new FuseActivation(), residual, SEVEN, arena, 4 * Reference.tolerance(16 * 9));
            assertEquals(List.of("stem Conv", "conv Conv"), kinds(fused));
            assertEquals(Activation.RELU, ((Conv) fused.nodes().getLast().layer()).activation());
        }
    }

    @Test
    void notWhereTheResultIsReadOtherwiseOrHasOneOrAResidualOfRows() {
        try (Arena arena = Arena.ofShared()) {
            GraphBuilder g = new GraphBuilder("stay");
            Port x = g.input("x", Spec.of(DataType.F32, "n", 9));
            Port shown = g.add("shown", linear(arena, "shown"), x);
            g.output("shown", shown);
            g.output("a", g.add("relu.shown", RELU, shown));
            Port twice = g.add("twice", linear(arena, "twice"), x);
            g.output("b", g.add("relu.twice", RELU, twice));
            g.output("c", g.add("tanh.twice", new EltwiseOp(Activation.TANH), twice));
            Port has = g.add("has", linear(arena, "has").withActivation(Activation.TANH), x);
            g.output("d", g.add("relu.has", RELU, has));
            Port residual = g.add("residual", linear(arena, "residual").withResidual(), x, x);
            g.output("e", g.add("relu.residual", RELU, residual));
            g.output("f", g.add("relu.input", RELU, x));
            Graph before = g.build();
            assertEquals(kinds(before), kinds(check(new FuseActivation(), before, SEVEN, arena, 1e-6)));
        }
    }

    @Test
    void ofTwoInARowTheFirst() {
        try (Arena arena = Arena.ofShared()) {
            GraphBuilder g = new GraphBuilder("two");
            Port x = g.input("x", Spec.of(DataType.F32, "n", 9));
            g.output("y", g.add("tanh", new EltwiseOp(Activation.TANH), g.add("relu", RELU, g.add("fc", linear(arena, "fc"), x))));
            assertEquals(List.of("fc Linear", "tanh Eltwise"),
                    kinds(check(new FuseActivation(), g.build(), SEVEN, arena, Reference.tolerance(9))));
        }
    }
}
