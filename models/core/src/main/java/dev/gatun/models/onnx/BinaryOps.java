package dev.gatun.models.onnx;

import java.lang.foreign.MemorySegment;
import java.util.function.DoubleBinaryOperator;
import java.util.function.LongBinaryOperator;

/** Functions of two or more elements that are repeated to each other's shapes by numpy's rule: arithmetic, comparisons, logic, Where. */
final class BinaryOps {
    private BinaryOps() {
    }

    /** The kernel of this family, or null. */
    static Kernel find(String op) {
        return switch (op) {
            case "Add" -> arithmetic(Double::sum, Long::sum);
            case "Sub" -> arithmetic((a, b) -> a - b, (a, b) -> a - b);
            case "Mul" -> arithmetic((a, b) -> a * b, (a, b) -> a * b);
            case "Div" -> Operators.one(c -> c.in(0).type() == OnnxType.UINT64 ? whole(c, c.in(0), c.in(1), Long::divideUnsigned)
                    : arithmetic(c, (a, b) -> a / b, (a, b) -> a / b));
            case "Pow" -> Operators.one(BinaryOps::pow);
            case "Mod" -> Operators.one(BinaryOps::mod);
            case "Equal" -> comparison(r -> r == 0);
            case "Greater" -> comparison(r -> r == 1);
            case "Less" -> comparison(r -> r == -1);
            case "GreaterOrEqual" -> comparison(r -> r == 0 || r == 1);
            case "LessOrEqual" -> comparison(r -> r == 0 || r == -1);
            case "And" -> bits((a, b) -> a & b);
            case "Or" -> bits((a, b) -> a | b);
            case "Xor" -> bits((a, b) -> a ^ b);
            case "BitwiseAnd" -> bits((a, b) -> a & b);
            case "BitwiseOr" -> bits((a, b) -> a | b);
            case "BitwiseXor" -> bits((a, b) -> a ^ b);
            case "BitShift" -> Operators.one(c -> {
                boolean left = c.s("direction", "").equals("LEFT");
                boolean signed = c.in(0).type().kind() == OnnxType.Kind.SIGNED;
                return whole(c, c.in(0), c.in(1), (a, b) -> b >= 64 || b < 0 ? left || !signed ? 0 : a >> 63 : left ? a << b
                        : signed ? a >> b : a >>> b);
            });
            case "Max" -> folded(BinaryOps::max, (a, b) -> Math.max(a, b));
            case "Min" -> folded(BinaryOps::min, (a, b) -> Math.min(a, b));
            case "Sum" -> folded(Double::sum, Long::sum);
            case "Mean" -> Operators.one(c -> {
                OnnxTensor sum = fold(c, Double::sum, Long::sum);
                return ElementOps.real(c, sum, x -> x / c.inputCount());
            });
            case "Where" -> Operators.one(BinaryOps::where);
            default -> null;
        };
    }

    private static Kernel arithmetic(DoubleBinaryOperator f, LongBinaryOperator g) {
        return Operators.one(c -> arithmetic(c, f, g));
    }

    private static OnnxTensor arithmetic(Call c, DoubleBinaryOperator f, LongBinaryOperator g) {
        OnnxTensor a = c.in(0);
        OnnxTensor b = c.in(1);
        c.require(a.type() == b.type(), "both operands must have one type");
        return a.type().isReal() ? real(c, a, b, f) : whole(c, a, b, g);
    }

    private static Kernel bits(LongBinaryOperator f) {
        return Operators.one(c -> whole(c, c.in(0), c.in(1), f));
    }

    static double max(double a, double b) {
        return Math.max(a, b);
    }

    static double min(double a, double b) {
        return Math.min(a, b);
    }

    private static Kernel folded(DoubleBinaryOperator f, LongBinaryOperator g) {
        return Operators.one(c -> {
            boolean unsigned = c.in(0).type() == OnnxType.UINT64;
            long flip = unsigned ? Long.MIN_VALUE : 0;
            return fold(c, f, (a, b) -> g.applyAsLong(a ^ flip, b ^ flip) ^ flip);
        });
    }

    private static OnnxTensor fold(Call c, DoubleBinaryOperator f, LongBinaryOperator g) {
        OnnxTensor result = c.in(0);
        for (int i = 1; i < c.inputCount(); i++) {
            OnnxTensor next = result.type().isReal() ? real(c, result, c.in(i), f) : whole(c, result, c.in(i), g);
            if (i > 1) {
                c.memory().drop(result);
            }
            result = next;
        }
        return result;
    }

    /** Result of a's type, of the common shape. */
    static OnnxTensor real(Call c, OnnxTensor a, OnnxTensor b, DoubleBinaryOperator f) {
        OnnxTensor y = c.make(a.type(), Walk.broadcast(a.dims(), b.dims()));
        Elements e = c.elements();
        walk(y, a, b, (at, step, n) -> {
            for (long from = 0; from < n; from += Elements.SIZE) {
                int count = Elements.count(n - from);
                e.read(a, at[1] + from * step[1], step[1], e.a, count);
                e.read(b, at[2] + from * step[2], step[2], e.b, count);
                Elements.over(f, e.a, e.b, count);
                e.write(y, at[0] + from, 1, e.a, count);
            }
        });
        return y;
    }

    static OnnxTensor whole(Call c, OnnxTensor a, OnnxTensor b, LongBinaryOperator f) {
        OnnxTensor y = c.make(a.type(), Walk.broadcast(a.dims(), b.dims()));
        Elements e = c.elements();
        walk(y, a, b, (at, step, n) -> {
            for (long from = 0; from < n; from += Elements.SIZE) {
                int count = Elements.count(n - from);
                e.read(a, at[1] + from * step[1], step[1], e.p, count);
                e.read(b, at[2] + from * step[2], step[2], e.q, count);
                Elements.over(f, e.p, e.q, count);
                e.write(y, at[0] + from, 1, e.p, count);
            }
        });
        return y;
    }

    static void walk(OnnxTensor y, OnnxTensor a, OnnxTensor b, Walk.Row row) {
        long[] dims = y.dims();
        Walk.rows(dims, new long[][] {Walk.dense(dims), Walk.strides(a.dims(), dims), Walk.strides(b.dims(), dims)}, new long[3], row);
    }

    @FunctionalInterface
    private interface Verdict {
        /** @param order -1, 0, 1, or 2 if the two cannot be compared */
        boolean of(int order);
    }

    static int compare(long a, long b, boolean unsigned) {
        return unsigned ? Long.compareUnsigned(a, b) : Long.compare(a, b);
    }

    private static Kernel comparison(Verdict verdict) {
        return Operators.one(c -> {
            OnnxTensor a = c.in(0);
            OnnxTensor b = c.in(1);
            OnnxTensor y = c.make(OnnxType.BOOL, Walk.broadcast(a.dims(), b.dims()));
            Elements e = c.elements();
            walk(y, a, b, (at, step, n) -> {
                for (long from = 0; from < n; from += Elements.SIZE) {
                    int count = Elements.count(n - from);
                    orders(e, a, at[1] + from * step[1], step[1], b, at[2] + from * step[2], step[2], count);
                    for (int i = 0; i < count; i++) {
                        e.p[i] = verdict.of((int) e.p[i]) ? 1 : 0;
                    }
                    e.write(y, at[0] + from, 1, e.p, count);
                }
            });
            return y;
        });
    }

    /** How elements of two tensors compare, to {@code e.p}. */
    private static void orders(Elements e, OnnxTensor a, long aAt, long aStep, OnnxTensor b, long bAt, long bStep, int n) {
        switch (a.type().kind()) {
            case REAL -> {
                e.read(a, aAt, aStep, e.a, n);
                e.read(b, bAt, bStep, e.b, n);
                for (int i = 0; i < n; i++) {
                    e.p[i] = order(e.a[i], e.b[i]);
                }
            }
            case STRING -> {
                for (int i = 0; i < n; i++) {
                    e.p[i] = Integer.signum(a.text(aAt + i * aStep).compareTo(b.text(bAt + i * bStep)));
                }
            }
            default -> {
                boolean unsigned = a.type() == OnnxType.UINT64;
                e.read(a, aAt, aStep, e.p, n);
                e.read(b, bAt, bStep, e.q, n);
                for (int i = 0; i < n; i++) {
                    e.p[i] = Integer.signum(compare(e.p[i], e.q[i], unsigned));
                }
            }
        }
    }

    private static int order(double a, double b) {
        return a < b ? -1 : a > b ? 1 : a == b ? 0 : 2;
    }

    private static OnnxTensor pow(Call c) {
        OnnxTensor a = c.in(0);
        OnnxTensor b = c.in(1);
        if (a.type().isReal()) {
            if (b.size() == 1 && b.real(0) == 2) {
                return real(c, a, b, (x, e) -> x * x);
            }
            return real(c, a, b, Math::pow);
        }
        return b.type().isReal() ? whole(c, a, castReal(c, b), (x, e) -> (long) Math.pow(x, Double.longBitsToDouble(e)))
                : whole(c, a, b, BinaryOps::power);
    }

    /** Doubles as their bits, so that they pass through {@link #whole}. */
    private static OnnxTensor castReal(Call c, OnnxTensor b) {
        OnnxTensor bits = c.make(OnnxType.INT64, b.dims());
        for (long i = 0; i < b.size(); i++) {
            bits.putWhole(i, Double.doubleToRawLongBits(b.real(i)));
        }
        return bits;
    }

    private static long power(long base, long exponent) {
        if (exponent < 0) {
            return base == 1 ? 1 : base == -1 ? (exponent & 1) == 0 ? 1 : -1 : 0;
        }
        long result = 1;
        for (long e = exponent; e > 0; e >>= 1) {
            result *= (e & 1) == 1 ? base : 1;
            base *= base;
        }
        return result;
    }

    private static OnnxTensor mod(Call c) {
        boolean fmod = c.flag("fmod");
        OnnxTensor a = c.in(0);
        OnnxTensor b = c.in(1);
        if (a.type().isReal()) {
            return real(c, a, b, (x, y) -> {
                double r = x % y;
                return fmod || r == 0 || r < 0 == y < 0 ? r : r + y;
            });
        }
        boolean unsigned = a.type() == OnnxType.UINT64;
        return whole(c, a, b, (x, y) -> unsigned ? Long.remainderUnsigned(x, y) : fmod ? x % y : Math.floorMod(x, y));
    }

    static OnnxTensor where(Call c) {
        OnnxTensor condition = c.in(0);
        OnnxTensor x = c.in(1);
        OnnxTensor y = c.in(2);
        c.require(x.type() == y.type(), "both choices must have one type");
        long[] dims = Walk.broadcast(condition.dims(), x.dims(), y.dims());
        if (x.type() == OnnxType.STRING) {
            String[] table = MoveOps.join(x.strings(), y.strings());
            OnnxTensor shifted = ElementOps.whole(c, y, v -> v + x.strings().length);
            return select(c, dims, condition, x, shifted).withStrings(table);
        }
        return select(c, dims, condition, x, y);
    }

    private static OnnxTensor select(Call c, long[] dims, OnnxTensor condition, OnnxTensor x, OnnxTensor y) {
        OnnxTensor out = c.make(x.type(), dims);
        int size = x.type().byteSize();
        long[][] strides = {Walk.dense(dims), Walk.strides(condition.dims(), dims), Walk.strides(x.dims(), dims),
                Walk.strides(y.dims(), dims)};
        Elements e = c.elements();
        Walk.rows(dims, strides, new long[4], (at, step, n) -> {
            for (long from = 0; from < n; from += Elements.SIZE) {
                int count = Elements.count(n - from);
                e.read(condition, at[1] + from * step[1], step[1], e.r, count);
                long first = at[2] + from * step[2];
                long second = at[3] + from * step[3];
                if (size > 8) {
                    for (int i = 0; i < count; i++) {
                        boolean yes = e.r[i] != 0;
                        long place = yes ? first + i * step[2] : second + i * step[3];
                        MemorySegment.copy((yes ? x : y).segment(), place * size, out.segment(), (at[0] + from + i) * size, size);
                    }
                    continue;
                }
                e.bits(x, first, step[2], e.p, count);
                e.bits(y, second, step[3], e.q, count);
                for (int i = 0; i < count; i++) {
                    e.p[i] = e.r[i] != 0 ? e.p[i] : e.q[i];
                }
                Elements.putBits(out, at[0] + from, 1, e.p, count);
            }
        });
        return out;
    }
}
