package dev.gatun.tensor.op;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.bindings.kernels.Kernels;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.op.AttentionOp.MaskKind;
import dev.gatun.tensor.op.AttentionOp.Scores;
import dev.gatun.tensor.op.AttentionOp.Source;
import dev.gatun.tensor.testing.OpRunner;
import dev.gatun.tensor.testing.Reference;
import dev.gatun.tensor.weights.LayerNormWeights;
import java.lang.foreign.Arena;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What families of encoders need beside BERT's operations, against plain loops in double precision. */
class EncoderOpsTest {
    private static final int[] LENGTHS = {1, 0, 17, 33, 5, 70};
    private static final int ROWS = Arrays.stream(LENGTHS).sum();

    @AfterEach
    void everyInstructionSetAgain() {
        Kernels.limitIsa(2);
    }

    private static Tensor sequences(Arena arena, int... lengths) {
        int[] values = new int[lengths.length + 2];
        values[0] = lengths.length;
        for (int i = 0; i < lengths.length; i++) {
            values[i + 2] = values[i + 1] + lengths[i];
        }
        return Tensor.ofInts(arena, values, values.length);
    }

    @ParameterizedTest
    @CsvSource({"0, 0, 1, 0, 3, false", "9, 0, 0.3, 0, 3, false", "1, 5, 1, 2, 1, true", "17, 40, 0.2, 0, 3, true",
            "0, 12, 1, 30, 1, false",
        "33, 0, 0.25, 1.5, 3, false", "65, 64, 0.7, 50, 1, true"})
    void windowsDistancesAndCaps(int window, int reach, float scale, float softcap, int kvHeads, boolean causal) {
        int heads = 3;
        int headDim = 10;
        int columns = (heads + 2 * kvHeads) * headDim;
        float[] x = Reference.random(1, (long) ROWS * columns);
        float[] table = Reference.random(2, heads * (2L * reach + 1));
        for (int isa = 0; isa <= 2; isa++) {
            Kernels.limitIsa(isa);
            try (Arena arena = Arena.ofShared()) {
                AttentionOp op = new AttentionOp(Source.PACKED, heads, kvHeads, headDim, causal, MaskKind.NONE, false)
                        .withScores(new Scores(scale, softcap, window));
                op = reach == 0 ? op : op.withDistances(Tensor.ofFloats(arena, table, heads, 2 * reach + 1));
                float[] actual = OpRunner.run(arena, 2, op, Tensor.ofFloats(arena, x, ROWS, columns), sequences(arena, LENGTHS)).toFloats();
                double[] expected = new double[ROWS * heads * headDim];
                for (int s = 0, first = 0; s < LENGTHS.length; first += LENGTHS[s++]) {
                    for (int h = 0; h < heads; h++) {
                        int key = (heads + h / (heads / kvHeads)) * headDim;
                        attend(expected, x, columns, first, LENGTHS[s], h, key, key + kvHeads * headDim, headDim, op, table);
                    }
                }
                Reference.assertClose(expected, actual, 3e-6);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"0, false, ZERO", "3, false, ZERO", "0, true, ZERO", "0, false, NAN", "3, true, NAN", "0, false, HIDDEN_IS_ZERO"})
    void rowsThatSoftmaxDoesNotDefineGiveWhatIsAskedFor(int window, boolean causal, AttentionOp.Undefined undefined) {
        int heads = 2;
        int headDim = 11;
        int columns = 3 * heads * headDim;
        float[] x = Reference.random(4, (long) ROWS * columns);
        for (int row : new int[] {0, 5, ROWS / 2, ROWS - 1}) {
            x[row * columns + headDim + 2] = row == 5 ? Float.POSITIVE_INFINITY : Float.NaN;
        }
        x[(ROWS / 3) * columns + heads * headDim] = Float.NEGATIVE_INFINITY; // a key: a score of it is infinite, or hides it
        for (int isa = 0; isa <= 2; isa++) {
            Kernels.limitIsa(isa);
            try (Arena arena = Arena.ofShared()) {
                AttentionOp op = new AttentionOp(Source.PACKED, heads, heads, headDim, causal, MaskKind.NONE, false)
                        .withScores(new Scores(0.3f, 0, window, undefined));
                float[] actual = OpRunner.run(arena, 2, op, Tensor.ofFloats(arena, x, ROWS, columns), sequences(arena, LENGTHS)).toFloats();
                double[] expected = new double[ROWS * heads * headDim];
                for (int s = 0, first = 0; s < LENGTHS.length; first += LENGTHS[s++]) {
                    for (int h = 0; h < heads; h++) {
                        attend(expected, x, columns, first, LENGTHS[s], h, (heads + h) * headDim, (2 * heads + h) * headDim, headDim, op,
                                null);
                    }
                }
                Reference.assertClose(expected, actual, 3e-6);
            }
        }
    }

    private static void attend(double[] out, float[] x, int columns, int first, int length, int h, int key, int value, int headDim,
            AttentionOp op, float[] table) {
        int reach = op.distances() == null ? 0 : (int) op.distances().shape().dim(1) / 2;
        for (int i = 0; i < length; i++) {
            double[] scores = new double[length];
            for (int j = 0; j < length; j++) {
                double dot = 0;
                for (int d = 0; d < headDim; d++) {
                    dot += (double) x[(first + i) * columns + h * headDim + d] * x[(first + j) * columns + key + d];
                    dot += position(op, h * headDim + d, j - i, x[(first + i) * columns + h * headDim + d],
                            x[(first + j) * columns + key + d]);
                }
                double score = dot * op.scores().scale();
                double cap = op.scores().softcap();
                score = cap == 0 ? score : cap * Math.tanh(score / cap);
                score += op.distances() == null ? 0 : table[h * (2 * reach + 1) + Math.clamp(j - i, -reach, reach) + reach];
                boolean hidden = op.causal() && j > i || op.scores().window() > 0 && Math.abs(j - i) >= op.scores().window();
                scores[j] = hidden ? Double.NEGATIVE_INFINITY : score;
            }
            double[] weights = Reference.softmax(scores, length);
            if (op.scores().undefined() == AttentionOp.Undefined.ZERO && Arrays.stream(weights).anyMatch(Double::isNaN)) {
                Arrays.fill(weights, 0);
            }
            if (op.scores().undefined() == AttentionOp.Undefined.NAN
                    && Arrays.stream(scores).allMatch(v -> v == Double.NEGATIVE_INFINITY)) {
                Arrays.fill(weights, Double.NaN);
            }
            for (int d = 0; d < headDim; d++) {
                for (int j = 0; j < length; j++) {
                    out[((first + i) * op.numHeads() + h) * headDim + d] += weights[j] * x[(first + j) * columns + value + d];
                }
            }
        }
    }

    /** What one element of a head adds to a product. */
    private static double position(AttentionOp op, int column, int distance, float q, float k) {
        AttentionOp.Positions positions = op.positions();
        if (positions == null) {
            return 0;
        }
        int reach = (int) positions.rows().shape().dim(0) / 2;
        long at = positions.rows().getInt(reach + Math.clamp(distance, -reach, reach)) * (long) op.numHeads() * op.headDim() + column;
        return (positions.keys() == null ? 0 : (double) q * positions.keys().getFloat(at))
                + (positions.queries() == null ? 0 : (double) k * positions.queries().getFloat(at));
    }

    @ParameterizedTest
    @CsvSource({"8, 3, true, true", "40, 69, true, false", "5, 12, false, true", "1, 0, true, true"})
    void queriesAndKeysMeetRowsOfPositions(int count, int reach, boolean keys, boolean queries) {
        int heads = 2;
        int headDim = 9;
        int columns = 3 * heads * headDim;
        float[] x = Reference.random(9, (long) ROWS * columns);
        float[] tables = Reference.random(10, 2L * count * heads * headDim);
        int[] rows = new int[2 * reach + 1];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = Math.clamp((reach - i) / 2 + count / 2, 0, count - 1);
        }
        int half = tables.length / 2;
        for (int isa = 0; isa <= 2; isa++) {
            Kernels.limitIsa(isa);
            try (Arena arena = Arena.ofShared()) {
                AttentionOp op = AttentionOp.packedSelf(heads, headDim).withScores(new Scores(0.2f, 0f, 0))
                        .withPositions(new AttentionOp.Positions(
                        keys ? Tensor.ofFloats(arena, Arrays.copyOf(tables, half), count, heads * headDim) : null,
                        queries ? Tensor.ofFloats(arena, Arrays.copyOfRange(tables, half, 2 * half), count, heads * headDim) : null,
                        Tensor.ofInts(arena, rows, rows.length)));
                float[] actual = OpRunner.run(arena, 2, op, Tensor.ofFloats(arena, x, ROWS, columns), sequences(arena, LENGTHS)).toFloats();
                double[] expected = new double[ROWS * heads * headDim];
                for (int s = 0, first = 0; s < LENGTHS.length; first += LENGTHS[s++]) {
                    for (int h = 0; h < heads; h++) {
                        attend(expected, x, columns, first, LENGTHS[s], h, (heads + h) * headDim, (2 * heads + h) * headDim, headDim, op,
                                null);
                    }
                }
                Reference.assertClose(expected, actual, 3e-6);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"2, 1, 10, 10, 7, false, true, false", "3, 3, 34, 12, 0, true, false, false", "4, 0, 7, 6, 0, false, false, true",
        "1, 1, 64, 64, 64, true, true, true", "2, 2, 9, 0, 3, false, true, false", "12, 4, 64, 32, 256, false, true, false"})
    void headsAreNormalizedAndRotated(int queryHeads, int keyHeads, int headDim, int rotaryDim, int rest, boolean interleaved,
            boolean norms,
            boolean positions) {
        int columns = (queryHeads + keyHeads) * headDim + rest;
        int[] behind = Arrays.copyOf(LENGTHS, LENGTHS.length);
        behind[5] -= 2; // two rows behind the last sequence
        float[] x = Reference.random(3, (long) ROWS * columns);
        float[] table = Reference.random(4, 70L * rotaryDim);
        float[] gammas = Reference.random(5, 2L * headDim);
        int[] places = new int[ROWS];
        for (int s = 0, row = 0; s < behind.length; s++) {
            for (int i = 0; i < behind[s]; i++) {
                places[row++] = positions ? (i * 31 + s) % 70 : i;
            }
        }
        for (int isa = 0; isa <= 2; isa++) {
            Kernels.limitIsa(isa);
            try (Arena arena = Arena.ofShared()) {
                RotaryOp op = new RotaryOp(new RotaryOp.Heads(queryHeads, keyHeads, headDim, interleaved, positions),
                        rotaryDim == 0 ? null : Tensor.ofFloats(arena, table, 70, rotaryDim),
                        norms ? Tensor.ofFloats(arena, Arrays.copyOf(gammas, headDim), headDim) : null,
                        norms ? Tensor.ofFloats(arena, Arrays.copyOfRange(gammas, headDim, 2 * headDim), headDim) : null, 1e-6f);
                Tensor source = Tensor.ofFloats(arena, x, ROWS, columns);
                Tensor where = positions ? Tensor.ofInts(arena, places, ROWS) : sequences(arena, behind);
                float[] actual = (rotaryDim == 0 ? OpRunner.run(arena, 2, op, source) : OpRunner.run(arena, 2, op, source, where))
                        .toFloats();
                double[] expected = Reference.widen(x);
                int rows = positions || rotaryDim == 0 ? ROWS : ROWS - 2;
                for (int row = 0; row < rows; row++) {
                    for (int h = 0; h < queryHeads + keyHeads; h++) {
                        int at = row * columns + h * headDim;
                        int gamma = h < queryHeads ? 0 : headDim;
                        if (norms) {
                            double squares = 0;
                            for (int d = 0; d < headDim; d++) {
                                squares += expected[at + d] * expected[at + d] / headDim;
                            }
                            for (int d = 0; d < headDim; d++) {
                                expected[at + d] *= gammas[gamma + d] / Math.sqrt(squares + 1e-6);
                            }
                        }
                        int half = rotaryDim / 2;
                        for (int i = 0; i < half; i++) {
                            double c = table[places[row] * rotaryDim + i];
                            double s = table[places[row] * rotaryDim + rotaryDim / 2 + i];
                            int a = at + (interleaved ? 2 * i : i);
                            int b = interleaved ? a + 1 : a + half;
                            double first = expected[a];
                            expected[a] = first * c - expected[b] * s;
                            expected[b] = expected[b] * c + first * s;
                        }
                    }
                }
                Reference.assertClose(expected, actual, norms ? 5e-6 : 1e-6);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void gatedUnitsOfBothOrders(Activation activation) {
        for (int isa = 0; isa <= 2; isa++) {
            Kernels.limitIsa(isa);
            for (boolean last : new boolean[] {false, true}) {
                try (Arena arena = Arena.ofShared()) {
                    int n = 37;
                    float[] x = Reference.random(6, 5L * 2 * n);
                    double[] expected = new double[5 * n];
                    for (int i = 0; i < expected.length; i++) {
                        int at = i / n * 2 * n + i % n;
                        expected[i] = Reference.activation(activation.name(), x[last ? at + n : at]) * x[last ? at : at + n];
                    }
                    Reference.assertClose(expected,
                            OpRunner.run(arena, new GatedOp(activation, last), Tensor.ofFloats(arena, x, 5, 2 * n)).toFloats(), 1e-6);
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"1, false", "7, true", "40, true", "385, false"})
    void normsWithoutMeanAndWithoutBeta(int d, boolean rms) {
        try (Arena arena = Arena.ofShared()) {
            float[] x = Reference.random(7, 9L * d);
            float[] gamma = Reference.random(8, d);
            LayerNormWeights weights = new LayerNormWeights(Tensor.ofFloats(arena, gamma, d), null, 1e-5f, rms);
            double[] expected = Reference.widen(x);
            for (int row = 0; row < 9; row++) {
                double mean = 0;
                double squares = 0;
                for (int j = 0; j < d && !rms; j++) {
                    mean += expected[row * d + j] / d;
                }
                for (int j = 0; j < d; j++) {
                    squares += Math.pow(expected[row * d + j] - mean, 2) / d;
                }
                for (int j = 0; j < d; j++) {
                    expected[row * d + j] = (expected[row * d + j] - mean) / Math.sqrt(squares + 1e-5f) * gamma[j];
                }
            }
            Reference.assertClose(expected, OpRunner.run(arena, new LayerNormOp(weights), Tensor.ofFloats(arena, x, 9, d)).toFloats(),
                    5e-6);
            assertTrue(weights.nativeByteSize() == 4L * d);
        }
    }

    @Test
    void whatDoesNotFitIsRefused() {
        try (Arena arena = Arena.ofShared()) {
            Tensor even = Tensor.ofFloats(arena, new float[8], 2, 4);
            assertThrows(ShapeException.class, () -> AttentionOp.packedSelf(2, 4).withDistances(even));
            assertThrows(ShapeException.class, () -> AttentionOp.packedSelf(3, 4)
                    .withDistances(Tensor.ofFloats(arena, new float[10], 2, 5)));
            assertThrows(IllegalArgumentException.class, () -> new Scores(Float.NaN, 0, 0));
            assertThrows(IllegalArgumentException.class, () -> new Scores(1, -1, 0));
            assertThrows(IllegalArgumentException.class, () -> new Scores(1, 0, -1));
            for (int bad : new int[] {2, -1}) {
                assertThrows(IllegalArgumentException.class, () ->
                        new AttentionOp.Positions(even, null, Tensor.ofInts(arena, new int[] {0, bad, 1}, 3)));
            }
            AttentionOp.Positions narrow = new AttentionOp.Positions(even, even, Tensor.ofInts(arena, new int[] {0, 1, 1}, 3));
            assertThrows(ShapeException.class, () -> AttentionOp.packedSelf(2, 4).withPositions(narrow));
            RotaryOp.Heads heads = new RotaryOp.Heads(1, 0, 4, false, false);
            assertThrows(IllegalArgumentException.class, () -> new RotaryOp(heads, null, null, null, 0));
            assertThrows(ShapeException.class, () -> new RotaryOp(heads, Tensor.ofFloats(arena, new float[18], 3, 6), null, null, 0));
            assertThrows(ShapeException.class, () -> new RotaryOp(heads, null, Tensor.ofFloats(arena, new float[3], 3), null, 0));
            RotaryOp op = new RotaryOp(heads, Tensor.ofFloats(arena, new float[8], 2, 4), null, null, 0);
            Tensor x = Tensor.ofFloats(arena, new float[12], 3, 4);
            assertThrows(IllegalArgumentException.class, () -> OpRunner.run(arena, op, x, sequences(arena, 3)), "longer than the table");
            assertThrows(IllegalArgumentException.class, () -> OpRunner.run(arena, op, x, sequences(arena, 2, 2)),
                    "more rows than there are");
            RotaryOp at = new RotaryOp(new RotaryOp.Heads(1, 0, 4, false, true), op.table(), null, null, 0);
            for (int bad : new int[] {2, -1}) {
                assertThrows(IllegalArgumentException.class, () ->
                        OpRunner.run(arena, at, x, Tensor.ofInts(arena, new int[] {0, 1, bad}, 3)));
            }
            assertThrows(ShapeException.class, () -> OpRunner.run(arena, new GatedOp(Activation.SILU, false),
                    Tensor.ofFloats(arena, new float[9], 3, 3)));
        }
    }
}
