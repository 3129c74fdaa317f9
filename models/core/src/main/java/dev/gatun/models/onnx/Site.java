package dev.gatun.models.onnx;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.graph.Weight;

/**
 * A step that may become part of a region: its attributes and operands as far as they are known before a run.
 *
 * @param region where it is described
 * @param call   attributes, and operands that are the same in every run
 * @param values operands that are FLOAT or bytes
 */
record Site(Region region, Call call, java.util.function.IntFunction<Val> values) {

    /** Says what computes a step: its results, or null if Gatun's operations do not. */
    @FunctionalInterface
    interface Rule {
        Val[] describe(Site site);
    }

    /** A rule of one result. */
    @FunctionalInterface
    interface One {
        Val describe(Site site);
    }

    /** Operand i, whatever it is. */
    Val any(int i) {
        return values.apply(i);
    }

    /** FLOAT operand i. */
    Val x(int i) {
        Val v = values.apply(i);
        if (region.type(v) != DataType.F32) {
            throw new IllegalArgumentException("operand " + i + " is bytes");
        }
        return v.late == null ? v : Val.dense(region.port(v), v.dims);
    }

    /** FLOAT operand i as it comes from bytes; null if it does not. */
    Val.Late late(int i) {
        return has(i) && fixed(i) == null ? values.apply(i).late : null;
    }

    /** What bytes FLOAT operand i is; null if it is not. */
    Val.Worth worth(int i) {
        Val.Late late = late(i);
        return late == null ? null : late.worth();
    }

    /** Operand i of bytes. */
    Val quantized(int i) {
        Val v = values.apply(i);
        if (region.type(v) == DataType.F32) {
            throw new IllegalArgumentException("operand " + i + " is no bytes");
        }
        return v;
    }

    /** Operand i, if it is a constant of the model: FLOAT and not empty; null otherwise. */
    OnnxTensor constant(int i) {
        OnnxTensor t = fixed(i);
        return t != null && t.type() == OnnxType.FLOAT && t.size() > 0 && region.packed().isConstant(t) ? t : null;
    }

    /** Operand i, if it is a constant of the model: UINT8 or INT8 and not empty; null otherwise. */
    OnnxTensor bytes(int i) {
        OnnxTensor t = fixed(i);
        boolean isByte = t != null && (t.type() == OnnxType.UINT8 || t.type() == OnnxType.INT8);
        return isByte && t.size() > 0 && region.packed().isConstant(t) ? t : null;
    }

    /** A constant of the model with the dimensions that a layer wants; null if it is none of such a size, or one for each row. */
    Weight weight(int i, long... dims) {
        OnnxTensor t = constant(i);
        boolean fits = t != null && t.size() == Call.product(dims, 0, dims.length)
                && (dims.length != 1 || t.rank() <= 1 || t.dim(-1) == t.size());
        return fits ? region.weight(t, dims) : null;
    }

    /** Operand i, if it is the same in every run of these sizes; null otherwise. */
    OnnxTensor fixed(int i) {
        return call.has(i) && call.value(i) instanceof OnnxTensor t ? t : null;
    }

    /** The one number that operand i always is; NaN if it is not. */
    float number(int i) {
        OnnxTensor t = fixed(i);
        float number = t != null && t.size() == 1 && t.type() == OnnxType.FLOAT ? (float) t.real(0) : Float.NaN;
        return Float.isFinite(number) ? number : Float.NaN;
    }

    /** Whether the step has an operand i at all. */
    boolean has(int i) {
        return i < call.step().inputs().size() && call.step().inputs().get(i).slot() >= 0;
    }
}
