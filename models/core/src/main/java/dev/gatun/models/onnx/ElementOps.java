package dev.gatun.models.onnx;

import java.util.function.DoublePredicate;
import java.util.function.DoubleUnaryOperator;
import java.util.function.LongUnaryOperator;

/** Functions of one element: arithmetic, trigonometry, rounding, tests. */
final class ElementOps {
    private ElementOps() {
    }

    /** The kernel of this family, or null. */
    static Kernel find(String op) {
        return switch (op) {
            case "Abs" -> both(Math::abs, Math::abs);
            case "Neg" -> both(x -> -x, x -> -x);
            case "Sign" -> both(Math::signum, Long::signum);
            case "Acos" -> real(Math::acos);
            case "Acosh" -> real(x -> Math.log(x + Math.sqrt(x * x - 1)));
            case "Asin" -> real(Math::asin);
            case "Asinh" -> real(x -> Math.copySign(Math.log1p(Math.abs(x) + x * x / (1 + Math.sqrt(x * x + 1))), x));
            case "Atan" -> real(Math::atan);
            case "Atanh" -> real(x -> 0.5 * Math.log1p(2 * x / (1 - x)));
            case "Ceil" -> real(Math::ceil);
            case "Cos" -> real(Math::cos);
            case "Cosh" -> real(Math::cosh);
            case "Erf" -> real(ElementOps::erf);
            case "Exp" -> real(Math::exp);
            case "Floor" -> real(Math::floor);
            case "Log" -> real(Math::log);
            case "Reciprocal" -> real(x -> 1 / x);
            case "Round" -> real(Math::rint);
            case "Sin" -> real(Math::sin);
            case "Sinh" -> real(Math::sinh);
            case "Sqrt" -> real(Math::sqrt);
            case "Tan" -> real(Math::tan);
            case "Tanh" -> real(Math::tanh);
            case "IsNaN" -> test(Double::isNaN);
            case "IsInf" -> Operators.one(c -> {
                boolean negative = c.i("detect_negative", 1) != 0;
                boolean positive = c.i("detect_positive", 1) != 0;
                return test(c, x -> Double.isInfinite(x) && (x > 0 ? positive : negative));
            });
            case "Not" -> Operators.one(c -> whole(c, c.in(0), x -> x == 0 ? 1 : 0));
            case "BitwiseNot" -> Operators.one(c -> whole(c, c.in(0), x -> ~x));
            case "Clip" -> Operators.one(ElementOps::clip);
            case "Shrink" -> Operators.one(c -> {
                double lambda = c.f("lambd", 0.5);
                double bias = c.f("bias", 0);
                return real(c, c.in(0), x -> x < -lambda ? x + bias : x > lambda ? x - bias : 0);
            });
            default -> null;
        };
    }

    private static Kernel real(DoubleUnaryOperator f) {
        return Operators.one(c -> real(c, c.in(0), f));
    }

    private static Kernel both(DoubleUnaryOperator f, LongUnaryOperator g) {
        return Operators.one(c -> c.in(0).type().isReal() ? real(c, c.in(0), f) : whole(c, c.in(0), g));
    }

    private static Kernel test(DoublePredicate f) {
        return Operators.one(c -> test(c, f));
    }

    private static OnnxTensor test(Call c, DoublePredicate f) {
        OnnxTensor x = c.in(0);
        OnnxTensor y = c.make(OnnxType.BOOL, x.dims());
        Elements e = c.elements();
        for (long from = 0; from < x.size(); from += Elements.SIZE) {
            int count = Elements.count(x.size() - from);
            e.read(x, from, 1, e.a, count);
            for (int i = 0; i < count; i++) {
                e.p[i] = f.test(e.a[i]) ? 1 : 0;
            }
            e.write(y, from, 1, e.p, count);
        }
        return y;
    }

    /** y = f(x), of x's type and shape. */
    static OnnxTensor real(Call c, OnnxTensor x, DoubleUnaryOperator f) {
        OnnxTensor y = c.make(x.type(), x.dims());
        Elements e = c.elements();
        for (long from = 0; from < x.size(); from += Elements.SIZE) {
            int count = Elements.count(x.size() - from);
            e.read(x, from, 1, e.a, count);
            Elements.over(f, e.a, count);
            e.write(y, from, 1, e.a, count);
        }
        return y;
    }

    static OnnxTensor whole(Call c, OnnxTensor x, LongUnaryOperator f) {
        OnnxTensor y = c.make(x.type(), x.dims());
        Elements e = c.elements();
        for (long from = 0; from < x.size(); from += Elements.SIZE) {
            int count = Elements.count(x.size() - from);
            e.read(x, from, 1, e.p, count);
            Elements.over(f, e.p, count);
            e.write(y, from, 1, e.p, count);
        }
        return y;
    }

    private static OnnxTensor clip(Call c) {
        OnnxTensor x = c.in(0);
        if (x.type().isReal()) {
            double low = c.has(1) ? c.in(1).real(0) : c.f("min", Double.NEGATIVE_INFINITY);
            double high = c.has(2) ? c.in(2).real(0) : c.f("max", Double.POSITIVE_INFINITY);
            return real(c, x, v -> v < low ? Math.min(low, high) : v > high ? high : v);
        }
        long low = c.has(1) ? c.in(1).whole(0) : x.type() == OnnxType.UINT64 ? 0 : Long.MIN_VALUE;
        long high = c.has(2) ? c.in(2).whole(0) : x.type() == OnnxType.UINT64 ? -1 : Long.MAX_VALUE;
        boolean unsigned = x.type() == OnnxType.UINT64;
        return whole(c, x, v -> {
            long raised = BinaryOps.compare(v, low, unsigned) < 0 ? low : v;
            return BinaryOps.compare(raised, high, unsigned) > 0 ? high : raised;
        });
    }

    /** The error function: a series of positive terms for small arguments, a continued fraction for large ones. */
    static double erf(double x) {
        double a = Math.abs(x);
        if (Double.isNaN(x)) {
            return x;
        }
        if (a > 6) {
            return Math.signum(x);
        }
        double square = a * a;
        if (a < 2.5) {
            double term = a;
            double sum = a;
            for (int n = 1; term > sum * 1e-17; n++) {
                term *= 2 * square / (2 * n + 1);
                sum += term;
            }
            return Math.copySign(2 / Math.sqrt(Math.PI) * Math.exp(-square) * sum, x);
        }
        double fraction = 0;
        for (int n = 40; n > 0; n--) {
            fraction = n / 2.0 / (a + fraction);
        }
        return Math.copySign(1 - Math.exp(-square) / Math.sqrt(Math.PI) / (a + fraction), x);
    }
}
