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

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        TensorDesc src = Operands.one("Function", operands);
        if (src.type() != DataType.F32) {
            throw new ShapeException("Function", "src " + src + " must be F32", src.shape());
        }
        return List.of(TensorDesc.of(src.type(), src.shape().dims()));
    }
}
