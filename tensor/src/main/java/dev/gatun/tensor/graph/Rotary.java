package dev.gatun.tensor.graph;

import dev.gatun.tensor.Shape;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.RotaryOp;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * Heads of queries and keys before attention: a norm of their own, the rotation by their position, or both. Operands and result are
 * {@link RotaryOp}'s.
 *
 * @param heads     sizes
 * @param table     [positions, rotaryDim], see {@link #table}; or null
 * @param queryNorm [headDim], or null
 * @param keyNorm   [headDim], or null
 * @param epsilon   of the norms
 */
public record Rotary(RotaryOp.Heads heads, Weight table, Weight queryNorm, Weight keyNorm, float epsilon) implements Layer {

    /** Checks the shapes. */
    public Rotary {
        heads.require(shape(table), shape(queryNorm), shape(keyNorm));
    }

    /** A rotation without norms. */
    public Rotary(RotaryOp.Heads heads, Weight table) {
        this(heads, table, null, null, 0f);
    }

    private static Shape shape(Weight weight) {
        return weight == null ? null : weight.shape();
    }

    /** base^(-2i / rotaryDim) for i from 0 to rotaryDim / 2, in the steps of float arithmetic that checkpoints were trained with. */
    public static float[] frequencies(double base, int rotaryDim) {
        if (rotaryDim < 2) {
            throw new IllegalArgumentException("Rotary: rotaryDim " + rotaryDim + ", expected 2 or more");
        }
        float[] frequencies = new float[rotaryDim / 2];
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = 1f / (float) Math.pow(base, 2f * i / rotaryDim);
        }
        return frequencies;
    }

    /**
     * Cosines, then sines, of position times frequency, rounded to float as checkpoints were trained with.
     *
     * @param arena       owns the table until the program is loaded
     * @param frequencies one for each pair of elements
     * @param positions   0 to this, exclusive
     * @param factor      of cosines and sines: 1, or what a scaling of positions asks for
     */
    public static Weight table(Arena arena, float[] frequencies, int positions, float factor) {
        int half = frequencies.length;
        if (positions < 0 || 2L * half * positions > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("Rotary: " + positions + " positions of " + half
                    + " frequencies must be 0 or more, and fit an array");
        }
        float[] values = new float[positions * 2 * half];
        for (int p = 0; p < positions; p++) {
            for (int i = 0; i < half; i++) {
                float angle = p * frequencies[i];
                values[p * 2 * half + i] = (float) Math.cos(angle) * factor;
                values[p * 2 * half + half + i] = (float) Math.sin(angle) * factor;
            }
        }
        return new Weight("rotary table", Tensor.ofFloats(arena, values, positions, 2L * half));
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        return List.of(heads.result(operands, table != null));
    }

    @Override
    public List<Weight> weights() {
        return Stream.of(table, queryNorm, keyNorm).filter(Objects::nonNull).toList();
    }

    @Override
    public String attributes() {
        return " " + heads + (queryNorm == null && keyNorm == null ? "" : " eps " + epsilon);
    }
}
