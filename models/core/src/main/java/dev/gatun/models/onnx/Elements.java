package dev.gatun.models.onnx;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import java.util.function.LongBinaryOperator;
import java.util.function.LongUnaryOperator;

/**
 * Elements of any type, some hundred at a time, as doubles or longs. What chooses by type stands outside of loops: a loop that switches
 * over all types compiles for half a second, and again and again as other types come. Belongs to a {@link Memory}; one thread.
 */
final class Elements {
    /** Elements of a block. */
    static final int SIZE = 512;
    private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED;
    private static final ValueLayout.OfDouble F64 = ValueLayout.JAVA_DOUBLE_UNALIGNED;
    private static final ValueLayout.OfLong S64 = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final ValueLayout.OfInt S32 = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfShort S16 = ValueLayout.JAVA_SHORT_UNALIGNED;

    /** Blocks that kernels use as they like until they call another kernel. */
    final double[] a = new double[SIZE];
    final double[] b = new double[SIZE];
    final long[] p = new long[SIZE];
    final long[] q = new long[SIZE];
    final long[] r = new long[SIZE];
    private final long[] spare = new long[SIZE];

    /** Elements of the next block, of so many that are left. */
    static int count(long left) {
        return (int) Math.min(SIZE, left);
    }

    /** As {@link OnnxTensor#real}: n elements from {@code at} on, {@code step} apart. */
    void read(OnnxTensor x, long at, long step, double[] to, int n) {
        MemorySegment s = x.segment();
        OnnxType type = x.type();
        if (n == 1 || step == 0) {
            Arrays.fill(to, 0, n, n == 0 ? 0 : x.real(at));
        } else if (type == OnnxType.FLOAT) {
            floats(s, at, step, to, n);
        } else if (type == OnnxType.DOUBLE) {
            doubles(s, at, step, to, n);
        } else if (type == OnnxType.FLOAT16 || type == OnnxType.BFLOAT16) {
            halves(s, at, step, to, n, type == OnnxType.FLOAT16);
        } else if (type.isReal() || type == OnnxType.UINT64 || type.kind() == OnnxType.Kind.COMPLEX) {
            for (int i = 0; i < n; i++) {
                to[i] = x.real(at + i * step);
            }
        } else {
            read(x, at, step, spare, n);
            for (int i = 0; i < n; i++) {
                to[i] = spare[i];
            }
        }
    }

    private static void floats(MemorySegment s, long at, long step, double[] to, int n) {
        if (step == 1) {
            for (int i = 0; i < n; i++) {
                to[i] = s.getAtIndex(F32, at + i);
            }
            return;
        }
        for (int i = 0; i < n; i++, at += step) {
            to[i] = s.getAtIndex(F32, at);
        }
    }

    private static void doubles(MemorySegment s, long at, long step, double[] to, int n) {
        for (int i = 0; i < n; i++, at += step) {
            to[i] = s.getAtIndex(F64, at);
        }
    }

    private static void halves(MemorySegment s, long at, long step, double[] to, int n, boolean half) {
        for (int i = 0; i < n; i++, at += step) {
            short bits = s.getAtIndex(S16, at);
            to[i] = half ? Float.float16ToFloat(bits) : Float.intBitsToFloat(bits << 16);
        }
    }

    /** As {@link OnnxTensor#whole}: n elements from {@code at} on, {@code step} apart. */
    void read(OnnxTensor x, long at, long step, long[] to, int n) {
        OnnxType.Kind kind = x.type().kind();
        if (n == 1 || step == 0) {
            Arrays.fill(to, 0, n, n == 0 ? 0 : x.whole(at));
        } else if (kind == OnnxType.Kind.REAL || kind == OnnxType.Kind.COMPLEX) {
            for (int i = 0; i < n; i++) {
                to[i] = x.whole(at + i * step);
            }
        } else {
            bits(x, at, step, to, n);
            if (kind != OnnxType.Kind.SIGNED && x.type().byteSize() < 8) {
                long mask = (1L << 8 * x.type().byteSize()) - 1;
                for (int i = 0; i < n; i++) {
                    to[i] &= mask;
                }
            }
        }
    }

    /** Elements of up to 8 bytes as they are in memory, signed. */
    void bits(OnnxTensor x, long at, long step, long[] to, int n) {
        MemorySegment s = x.segment();
        switch (x.type().byteSize()) {
            case 8 -> {
                for (int i = 0; i < n; i++, at += step) {
                    to[i] = s.getAtIndex(S64, at);
                }
            }
            case 4 -> ints(s, at, step, to, n);
            case 2 -> {
                for (int i = 0; i < n; i++, at += step) {
                    to[i] = s.getAtIndex(S16, at);
                }
            }
            default -> bytes(s, at, step, to, n);
        }
    }

    private static void ints(MemorySegment s, long at, long step, long[] to, int n) {
        for (int i = 0; i < n; i++, at += step) {
            to[i] = s.getAtIndex(S32, at);
        }
    }

    private static void bytes(MemorySegment s, long at, long step, long[] to, int n) {
        for (int i = 0; i < n; i++, at += step) {
            to[i] = s.get(ValueLayout.JAVA_BYTE, at);
        }
    }

    /** As {@link OnnxTensor#put}: n elements from {@code at} on, {@code step} apart. */
    void write(OnnxTensor y, long at, long step, double[] from, int n) {
        MemorySegment s = y.segment();
        OnnxType type = y.type();
        if (type == OnnxType.FLOAT) {
            for (int i = 0; i < n; i++, at += step) {
                s.setAtIndex(F32, at, (float) from[i]);
            }
        } else if (type == OnnxType.DOUBLE) {
            for (int i = 0; i < n; i++, at += step) {
                s.setAtIndex(F64, at, from[i]);
            }
        } else if (type == OnnxType.FLOAT16 || type == OnnxType.BFLOAT16) {
            for (int i = 0; i < n; i++, at += step) {
                s.setAtIndex(S16, at, type == OnnxType.FLOAT16 ? OnnxTensor.half(from[i]) : OnnxTensor.brain((float) from[i]));
            }
        } else if (type.isReal() || type == OnnxType.UINT64 || type.kind() == OnnxType.Kind.BOOL || type.kind() == OnnxType.Kind.COMPLEX) {
            for (int i = 0; i < n; i++) {
                y.put(at + i * step, from[i]);
            }
        } else {
            for (int i = 0; i < n; i++) {
                spare[i] = (long) from[i];
            }
            write(y, at, step, spare, n);
        }
    }

    /** As {@link OnnxTensor#putWhole}: n elements from {@code at} on, {@code step} apart. */
    void write(OnnxTensor y, long at, long step, long[] from, int n) {
        if (y.type() == OnnxType.BOOL) {
            for (int i = 0; i < n; i++) {
                from[i] = from[i] != 0 ? 1 : 0;
            }
        }
        if (y.type().isReal() || y.type().bits() < 8 || y.type().kind() == OnnxType.Kind.COMPLEX) {
            for (int i = 0; i < n; i++) {
                y.putWhole(at + i * step, from[i]);
            }
        } else {
            putBits(y, at, step, from, n);
        }
    }

    /** Elements of up to 8 bytes as they shall be in memory; what is above is cut off. */
    static void putBits(OnnxTensor y, long at, long step, long[] from, int n) {
        MemorySegment s = y.segment();
        switch (y.type().byteSize()) {
            case 8 -> {
                for (int i = 0; i < n; i++, at += step) {
                    s.setAtIndex(S64, at, from[i]);
                }
            }
            case 4 -> {
                for (int i = 0; i < n; i++, at += step) {
                    s.setAtIndex(S32, at, (int) from[i]);
                }
            }
            case 2 -> {
                for (int i = 0; i < n; i++, at += step) {
                    s.setAtIndex(S16, at, (short) from[i]);
                }
            }
            default -> {
                for (int i = 0; i < n; i++, at += step) {
                    s.set(ValueLayout.JAVA_BYTE, at, (byte) from[i]);
                }
            }
        }
    }

    /** x[i] = f(x[i], y[i]). */
    static void over(DoubleBinaryOperator f, double[] x, double[] y, int n) {
        for (int i = 0; i < n; i++) {
            x[i] = f.applyAsDouble(x[i], y[i]);
        }
    }

    /** x[i] = f(x[i], y[i]). */
    static void over(LongBinaryOperator f, long[] x, long[] y, int n) {
        for (int i = 0; i < n; i++) {
            x[i] = f.applyAsLong(x[i], y[i]);
        }
    }

    /** x[i] = f(x[i]). */
    static void over(DoubleUnaryOperator f, double[] x, int n) {
        for (int i = 0; i < n; i++) {
            x[i] = f.applyAsDouble(x[i]);
        }
    }

    /** x[i] = f(x[i]). */
    static void over(LongUnaryOperator f, long[] x, int n) {
        for (int i = 0; i < n; i++) {
            x[i] = f.applyAsLong(x[i]);
        }
    }

    /** f(... f(f(start, x[0]), x[1]) ..., x[n - 1]). */
    static double fold(DoubleBinaryOperator f, double start, double[] x, int n) {
        double value = start;
        for (int i = 0; i < n; i++) {
            value = f.applyAsDouble(value, x[i]);
        }
        return value;
    }

    /** f(... f(f(start, x[0]), x[1]) ..., x[n - 1]). */
    static long fold(LongBinaryOperator f, long start, long[] x, int n) {
        long value = start;
        for (int i = 0; i < n; i++) {
            value = f.applyAsLong(value, x[i]);
        }
        return value;
    }
}
