package dev.gatun.tensor.graph.pass;

import static dev.gatun.tensor.testing.GraphRunner.check;
import static dev.gatun.tensor.testing.GraphRunner.kinds;
import static dev.gatun.tensor.testing.GraphRunner.weight;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.graph.Conv;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Sizes;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.PoolOp;
import dev.gatun.tensor.op.Window;
import dev.gatun.tensor.testing.Reference;
import java.lang.foreign.Arena;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FusePoolTest {
    private static final Sizes THREE = Sizes.of("n", 3);

    private static Conv conv(Arena arena, String name, long out, long in) {
        return new Conv(weight(arena, name, out, in, 3, 3), weight(arena, name + ".bias", out), Window.square(1, 1));
    }

    /** Channels of which a kernel pools at once, and such of which none does; sides whose last row or column is left out. */
    @ParameterizedTest
    @CsvSource({"3, 16, 32, 8, 6", "3, 16, 16, 9, 7", "1, 32, 16, 5, 11", "5, 7, 3, 9, 4", "2, 3, 5, 5, 5"})
    void ofTwoByTwo(long in, long between, long out, long height, long width) {
        try (Arena arena = Arena.ofShared()) {
            GraphBuilder g = new GraphBuilder("pool");
            Port x = g.input("x", Spec.of(DataType.F32, "n", in, height, width));
            x = g.add("pool1", PoolOp.max(2), g.add("conv1", conv(arena, "conv1", between, in).withActivation(Activation.RELU), x));
            g.output("y", g.add("pool2", PoolOp.max(2), g.add("conv2", conv(arena, "conv2", out, between), x)));
            Graph fused = check(new FusePool(), g.build(), THREE, arena, 8 * Reference.tolerance(between * 9));
            assertEquals(List.of("conv1 Conv", "conv2 Conv"), kinds(fused));
        }
    }

    @Test
    void notOtherPoolingsNorWhatIsReadOtherwise() {
        try (Arena arena = Arena.ofShared()) {
            GraphBuilder g = new GraphBuilder("stay");
            Port x = g.input("x", Spec.of(DataType.F32, "n", 3, 9, 7));
            int i = 0;
            long[] two = {2, 2};
            for (PoolOp pool : List.of(PoolOp.max(3), new PoolOp(PoolOp.Kind.AVERAGE, two, Window.square(2, 0), false),
                    new PoolOp(PoolOp.Kind.MAX, two, Window.square(1, 0), false),
                    new PoolOp(PoolOp.Kind.MAX, two, Window.square(2, 0), true),
                    new PoolOp(PoolOp.Kind.MAX, two, Window.square(2, 1), false))) {
                i++;
                g.output("y" + i, g.add("pool" + i, pool, g.add("conv" + i, conv(arena, "conv" + i, 16, 3), x)));
            }
            Port shown = g.add("shown", conv(arena, "shown", 16, 3), x);
            g.output("shown", shown);
            g.output("pooled", g.add("pool.shown", PoolOp.max(2), shown));
            Port stem = g.add("stem", conv(arena, "stem", 16, 3), x);
            g.output("z", g.add("pool.residual", PoolOp.max(2), g.add("residual", conv(arena, "residual", 16, 3).withResidual(), x, stem)));
            g.output("w", g.add("pool.input", PoolOp.max(2), x));
            Graph before = g.build();
            assertEquals(kinds(before), kinds(check(new FusePool(), before, THREE, arena, 1e-6)));
        }
    }

    @Test
    void ofTwoInARowTheFirst() {
        try (Arena arena = Arena.ofShared()) {
            GraphBuilder g = new GraphBuilder("two");
            Port x = g.input("x", Spec.of(DataType.F32, "n", 3, 9, 8));
            g.output("y", g.add("pool2", PoolOp.max(2), g.add("pool1", PoolOp.max(2), g.add("conv", conv(arena, "conv", 16, 3), x))));
            assertEquals(List.of("conv Conv", "pool2 Pool"),
                    kinds(check(new FusePool(), g.build(), THREE, arena, 4 * Reference.tolerance(27))));
        }
    }
}
