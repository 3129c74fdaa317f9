package dev.gatun.models.family.recurrent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gatun.bindings.kernels.NarrowKernels;
import dev.gatun.models.runtime.Program;
import dev.gatun.models.runtime.Session;
import dev.gatun.tensor.Cell;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Precision;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Narrowing;
import dev.gatun.tensor.graph.Recurrent;
import dev.gatun.tensor.graph.Recurrent.Direction;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.graph.Target;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.RecurrentOp.States;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Recurrent layers with narrow weights against the F32 layer with weights that plain Java has rounded. */
class NarrowRecurrentTest {
    private static final int INPUT = 19;
    private static final int ROWS = 17;
    private static final int[] SEQUENCES = {4, 0, 5, 6, 14, 17};

    private static Weight weight(Arena arena, Random random, long... dims) {
        float[] values = new float[(int) (dims.length == 1 ? dims[0] : dims[0] * dims[1])];
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextFloat(-0.2f, 0.2f);
        }
        return new Weight("w" + random.nextInt(), Tensor.ofFloats(arena, values, dims));
    }

    private static Recurrent layer(Arena arena, Cell cell, int hidden, int projected) {
        Random random = new Random(hidden);
        long gates = (long) cell.gates() * hidden;
        int width = projected == 0 ? hidden : projected;
        return new Recurrent(cell, List.of(false, true).stream().map(reverse -> new Direction(weight(arena, random, gates, INPUT),
                weight(arena, random, gates, width), weight(arena, random, gates), weight(arena, random, gates),
                projected == 0 ? null : weight(arena, random, projected, hidden), reverse)).toList(), States.NONE);
    }

    private static float rounded(float x, Precision precision, float unit) {
        return switch (precision) {
            case F16 -> Float.float16ToFloat(Float.floatToFloat16(x));
            case BF16 -> {
                int bits = Float.floatToRawIntBits(x);
                yield Float.intBitsToFloat(bits + 0x7fff + (bits >>> 16 & 1) & 0xffff0000);
            }
            case INT8 -> (float) Math.rint(x / unit) * unit;
            case F32, AUTO -> x;
        };
    }

    /** Of an output's weights in int8; where products are added in 16 bits four of a sign must fit. */
    private static float unit(float[] weights) {
        double[] sums = new double[weights.length / 8 * 4 + 4];
        double largest = 0;
        for (int i = 0; i < weights.length; i++) {
            sums[i / 8 * 4 + i / 2 % 2 * 2 + (weights[i] > 0 ? 1 : 0)] += Math.abs(weights[i]);
            largest = Math.max(largest, Math.abs(weights[i]));
        }
        return (float) (NarrowKernels.pairs() ? Arrays.stream(sums).max().getAsDouble() / 126 : largest / 127);
    }

    private static Weight rounded(Arena arena, Weight weight, Precision precision) {
        if (weight == null) {
            return null;
        }
        float[] values = weight.tensor().toFloats();
        int columns = (int) weight.shape().dim(1);
        for (int row = 0; row < values.length / columns; row++) {
            float unit = unit(Arrays.copyOfRange(values, row * columns, (row + 1) * columns));
            for (int i = 0; i < columns; i++) {
                values[row * columns + i] = rounded(values[row * columns + i], precision, unit);
            }
        }
        return new Weight(weight.name(), Tensor.ofFloats(arena, values, weight.shape().dims()));
    }

    private static Recurrent rounded(Arena arena, Recurrent layer, Precision precision) {
        return new Recurrent(layer.cell(), layer.directions().stream().map(d -> new Direction(rounded(arena, d.input(), precision),
                rounded(arena, d.state(), precision), d.inputBias(), d.stateBias(), rounded(arena, d.projection(), precision),
                d.reverse())).toList(), States.NONE);
    }

    private static float[] run(Arena arena, Recurrent layer, Precision precision, Precision taken) {
        GraphBuilder g = new GraphBuilder("g");
        g.output("out", g.addAll("layer", layer, g.input("x", Spec.of(DataType.F32, "rows", INPUT)),
                g.input("sequences", Spec.of(DataType.S32, "sequences"))).getFirst());
        Program.Part part = new Program.Part(g.build(), Target.ofRows(16).withPrecision(precision));
        try (Program program = Program.load(part); Session session = program.newSession(2)) {
            assertEquals(precision == Precision.F32 ? List.of() : List.of(taken),
                    program.narrowings("g").stream().map(Narrowing::taken).toList());
            return session.run(Map.of("x", weight(arena, new Random(3), ROWS, INPUT).tensor(), "sequences",
                    Tensor.ofInts(arena, SEQUENCES, SEQUENCES.length))).get("out").toFloats();
        }
    }

    private static double distance(float[] a, float[] b) {
        assertEquals(a.length, b.length);
        double most = 0;
        for (int i = 0; i < a.length; i++) {
            most = Math.max(most, Math.abs(a[i] - b[i]));
        }
        return most;
    }

    @Test
    void narrowWeightsGiveWhatRoundedWeightsGive() {
        for (Cell cell : Cell.values()) {
            for (int hidden : new int[] {17, 130}) {
                for (int projected : cell == Cell.LSTM ? new int[] {0, 33} : new int[] {0}) {
                    try (Arena arena = Arena.ofShared()) {
                        Recurrent layer = layer(arena, cell, hidden, projected);
                        for (Precision precision : List.of(Precision.F16, Precision.BF16, Precision.INT8)) {
                            float[] found = run(arena, layer, precision, precision);
                            float[] expected = run(arena, rounded(arena, layer, precision), Precision.F32, Precision.F32);
                            // In int8 rows of states are rounded too, to 8 bits.
                            double most = precision == Precision.INT8 ? 3e-2 : 5e-6;
                            assertEquals(0, distance(expected, found), most, cell + " " + hidden + " " + precision);
                            assertNotEquals(0, distance(run(arena, layer, Precision.F32, Precision.F32), found));
                        }
                    }
                }
            }
        }
    }

    @Test
    void whatIsTooSmallOrLosesTooMuchStaysF32AndAutoTakesWhatTheFileHas() {
        try (Arena arena = Arena.ofShared()) {
            Recurrent small = layer(arena, Cell.GRU, 5, 0);
            assertEquals(0, distance(run(arena, small, Precision.F32, Precision.F32), run(arena, small, Precision.INT8, Precision.F32)));
            Recurrent outliers = layer(arena, Cell.LSTM, 20, 0);
            for (int row = 0; row < 80; row++) {
                outliers.directions().getLast().state().tensor().setFloat(row * 20L, 1e5f);
            }
            assertEquals(0, distance(run(arena, outliers, Precision.F32, Precision.F32), run(arena, outliers, Precision.F16,
                    Precision.F32)));
            run(arena, outliers, Precision.INT8, Precision.F32);
            run(arena, outliers, Precision.AUTO, Precision.F32);
            assertThrows(IllegalArgumentException.class, () -> small.withPrecision(Precision.AUTO));
        }
    }
}
