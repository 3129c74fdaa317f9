package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.util.List;

/**
 * dst = src after some steps, one after the other, element by element: F32, over the source's memory where nothing reads it later.
 *
 * @param steps at least one
 */
public record FunctionOp(List<Step> steps) implements Op {
    /** What a step computes. */
    public enum Kind {
        /** min(max(x, alpha), beta). */
        CLIP,
        /** x if x is above 0, else alpha * (exp(x) - 1). */
        ELU,
        /** alpha * x + beta, rounded once. */
        LINEAR,
        /** x if x is above 0, else alpha * x. */
        LEAKY,
        /** The square root. */
        SQRT
    }

    /**
     * A step.
     *
     * @param kind  which function
     * @param alpha its first number
     * @param beta  its second
     */
    public record Step(Kind kind, float alpha, float beta) {
    }

    /** 1.5 * 2^23: what is added to it loses its fraction, to the nearest whole number, of two the even one. */
    private static final float WHOLE = 12_582_912f;

    /** Copies the steps. */
    public FunctionOp {
        steps = List.copyOf(steps);
        if (steps.isEmpty()) {
            throw new IllegalArgumentException("Function: no steps");
        }
    }

    /** One step. */
    public FunctionOp(Kind kind, float alpha, float beta) {
        this(List.of(new Step(kind, alpha, beta)));
    }

    /**
     * To the nearest multiple of a scale and back to what it is worth: scale * min(max(round(x / scale), low), high).
     *
     * @param scale above 0
     * @param low   smallest multiple, at most 2^21 from 0, as high
     */
    public static FunctionOp rounding(float scale, float low, float high) {
        if (!Int8ConvOp.isScale(scale) || !Int8ConvOp.isScale(1 / scale) || Math.max(-low, high) > 1 << 21) {
            throw new IllegalArgumentException("Function: rounding to multiples " + low + " to " + high + " of " + scale);
        }
        // What is far outside is cut off first, so that the sum has no fraction.
        return new FunctionOp(List.of(new Step(Kind.CLIP, (low - 1) * scale, (high + 1) * scale), new Step(Kind.LINEAR, 1 / scale, WHOLE),
                new Step(Kind.LINEAR, 1, -WHOLE), new Step(Kind.CLIP, low, high), new Step(Kind.LINEAR, scale, 0)));
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        TensorDesc src = Operands.one("Function", operands);
        if (src.type() != DataType.F32) {
            throw new ShapeException("Function", "src " + src + " must be F32", src.shape());
        }
        return List.of(TensorDesc.of(src.type(), src.shape().dims()));
    }
}
