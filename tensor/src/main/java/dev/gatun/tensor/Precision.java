package dev.gatun.tensor;

import dev.gatun.bindings.kernels.NarrowKernels;

/**
 * In what the weights of linear and recurrent layers are kept and multiplied; everything else is F32. It is chosen when a model is
 * loaded, needs no calibration, and small layers stay F32.
 */
public enum Precision {
    /** As F32, whatever the file has. */
    F32("f32"),
    /** The upper half of an F32: half the bytes, 8 bits of each weight; the arithmetic is F32's. */
    BF16("bf16"),
    /** IEEE 754 binary16: half the bytes, 11 bits of each weight; the arithmetic is F32's. */
    F16("f16"),
    /**
     * A quarter of the bytes and whole-number arithmetic: weights of 8 bits with a scale for each output, activations rounded with a scale
     * for each row while they are read. A layer that loses too much by it stays F32.
     */
    INT8("int8"),
    /** Layer by layer the narrowest that keeps the numbers of the file: F16 and BF16 where it has them, else F32. */
    AUTO("auto");

    private final String text;

    Precision(String text) {
        this.text = text;
    }

    /**
     * By its name.
     *
     * @throws IllegalArgumentException if there is none
     */
    public static Precision of(String name) {
        for (Precision each : values()) {
            if (each.text.equals(name)) {
                return each;
            }
        }
        throw new IllegalArgumentException("precision " + name + " is none of f32, bf16, f16, int8, auto");
    }

    /**
     * The number that our own kernels know this by; 0 is F32.
     *
     * @throws IllegalArgumentException of auto, which is a choice that a pass makes
     */
    public int kernelCode() {
        return switch (this) {
            case F32 -> 0;
            case F16 -> NarrowKernels.F16;
            case BF16 -> NarrowKernels.BF16;
            case INT8 -> NarrowKernels.INT8;
            case AUTO -> throw new IllegalArgumentException("precision auto is a choice that a pass makes");
        };
    }

    /** As in {@code f32}. */
    @Override
    public String toString() {
        return text;
    }
}
