package dev.gatun.models.onnx;

import java.util.Arrays;
import java.util.function.DoubleBinaryOperator;
import java.util.function.LongBinaryOperator;

/** Reductions over axes, ArgMax and its like, running sums and products. */
final class ReduceOps {
    private ReduceOps() {
    }

    /** The last step: of what was gathered, and of how many. */
    @FunctionalInterface
    private interface Finish {
        double of(double gathered, double count);
    }

    /** The kernel of this family, or null. */
    static Kernel find(String op) {
        return switch (op) {
            case "ReduceSum" -> reduce(0, Double::sum, (a, n) -> a, 0, Long::sum);
            case "ReduceMean" -> reduce(0, Double::sum, (a, n) -> a / n, 0, null);
            case "ReduceMax" -> reduce(Double.NEGATIVE_INFINITY, Math::max, (a, n) -> a, Long.MIN_VALUE, Math::max);
            case "ReduceMin" -> reduce(Double.POSITIVE_INFINITY, Math::min, (a, n) -> a, Long.MAX_VALUE, Math::min);
            case "ReduceProd" -> reduce(1, (a, x) -> a * x, (a, n) -> a, 1, (a, x) -> a * x);
            case "ReduceL1" -> reduce(0, (a, x) -> a + Math.abs(x), (a, n) -> a, 0, (a, x) -> a + Math.abs(x));
            case "ReduceL2" -> reduce(0, (a, x) -> a + x * x, (a, n) -> Math.sqrt(a), 0, null);
            case "ReduceSumSquare" -> reduce(0, (a, x) -> a + x * x, (a, n) -> a, 0, (a, x) -> a + x * x);
            case "ReduceLogSum" -> reduce(0, Double::sum, (a, n) -> Math.log(a), 0, null);
            case "ReduceLogSumExp" -> Operators.one(ReduceOps::logSumExp);
            case "ArgMax" -> Operators.one(c -> arg(c, 1));
            case "ArgMin" -> Operators.one(c -> arg(c, -1));
            case "CumSum" -> Operators.one(c -> running(c, 0, Double::sum, Long::sum));
            case "CumProd" -> Operators.one(c -> running(c, 1, (a, b) -> a * b, (a, b) -> a * b));
            default -> null;
        };
    }

    private static Kernel reduce(double zero, DoubleBinaryOperator step, Finish finish, long wholeZero,
            LongBinaryOperator wholeStep) {
        return Operators.one(c -> {
            OnnxTensor x = c.in(0);
            boolean[] axes = axes(c, x.rank());
            if (x.type().isReal() || wholeStep == null) {
                return real(c, x, axes, zero, step, finish);
            }
            return whole(c, x, axes, limited(wholeZero, x.type()), wholeStep);
        });
    }

    private static long limited(long zero, OnnxType type) {
        return zero == Long.MIN_VALUE ? type == OnnxType.BOOL ? 0 : type.min() : zero == Long.MAX_VALUE ? type == OnnxType.BOOL ? 1
                : type.max() : zero;
    }

    /** Which axes go: none if they are empty and that means none; what is done to each element is done then, too. */
    static boolean[] axes(Call c, int rank) {
        long[] wanted = c.ints("axes", 1);
        boolean[] axes = new boolean[rank];
        if (wanted == null || wanted.length == 0) {
            Arrays.fill(axes, !c.flag("noop_with_empty_axes"));
            return axes;
        }
        for (long axis : wanted) {
            axes[Call.axis(axis, rank)] = true;
        }
        return axes;
    }

    /** Called for each result with its place and the offset of the first of its elements. */
    @FunctionalInterface
    interface Group {
        void at(long result, long start);
    }

    /** Splits dims into those that stay and those that go. */
    static long[] pick(long[] values, boolean[] axes, boolean gone) {
        int count = 0;
        long[] picked = new long[values.length];
        for (int i = 0; i < values.length; i++) {
            if (axes[i] == gone) {
                picked[count++] = values[i];
            }
        }
        return Arrays.copyOf(picked, count);
    }

    static void groups(long[] dims, boolean[] axes, Group group) {
        long[] kept = pick(dims, axes, false);
        Walk.rows(kept, new long[][] {Walk.dense(kept), pick(Walk.dense(dims), axes, false)}, new long[2], (at, step, n) -> {
            for (long i = 0; i < n; i++) {
                group.at(at[0] + i * step[0], at[1] + i * step[1]);
            }
        });
    }

    static long[] resultDims(Call c, long[] dims, boolean[] axes) {
        boolean keep = c.i("keepdims", 1) != 0;
        long[] result = dims.clone();
        for (int i = 0; i < dims.length; i++) {
            result[i] = axes[i] ? 1 : dims[i];
        }
        return keep ? result : pick(dims, axes, false);
    }

    private static OnnxTensor real(Call c, OnnxTensor x, boolean[] axes, double zero, DoubleBinaryOperator step, Finish finish) {
        long[] dims = x.dims();
        OnnxTensor y = c.make(x.type(), resultDims(c, dims, axes));
        long[] inner = pick(dims, axes, true);
        long[] strides = pick(Walk.dense(dims), axes, true);
        double count = Call.product(inner, 0, inner.length);
        Elements e = c.elements();
        groups(dims, axes, (result, start) -> y.put(result, finish.of(fold(e, x, inner, strides, start, zero, step), count)));
        return y;
    }

    private static double fold(Elements e, OnnxTensor x, long[] dims, long[] strides, long start, double zero, DoubleBinaryOperator step) {
        double[] sum = {zero};
        Walk.rows(dims, new long[][] {strides}, new long[] {start}, (at, by, n) -> {
            for (long i = 0; i < n; i += Elements.SIZE) {
                int count = Elements.count(n - i);
                e.read(x, at[0] + i * by[0], by[0], e.a, count);
                sum[0] = Elements.fold(step, sum[0], e.a, count);
            }
        });
        return sum[0];
    }

    private static OnnxTensor whole(Call c, OnnxTensor x, boolean[] axes, long zero, LongBinaryOperator step) {
        long[] dims = x.dims();
        OnnxTensor y = c.make(x.type(), resultDims(c, dims, axes));
        long[] inner = pick(dims, axes, true);
        long[] strides = pick(Walk.dense(dims), axes, true);
        Elements e = c.elements();
        groups(dims, axes, (result, start) -> {
            long[] sum = {zero};
            Walk.rows(inner, new long[][] {strides}, new long[] {start}, (at, by, n) -> {
                for (long i = 0; i < n; i += Elements.SIZE) {
                    int count = Elements.count(n - i);
                    e.read(x, at[0] + i * by[0], by[0], e.p, count);
                    sum[0] = Elements.fold(step, sum[0], e.p, count);
                }
            });
            y.putWhole(result, sum[0]);
        });
        return y;
    }

    private static OnnxTensor logSumExp(Call c) {
        OnnxTensor x = c.in(0);
        boolean[] axes = axes(c, x.rank());
        long[] dims = x.dims();
        OnnxTensor y = c.make(x.type(), resultDims(c, dims, axes));
        long[] inner = pick(dims, axes, true);
        long[] strides = pick(Walk.dense(dims), axes, true);
        Elements e = c.elements();
        groups(dims, axes, (result, start) -> {
            double max = fold(e, x, inner, strides, start, Double.NEGATIVE_INFINITY, Math::max);
            double shift = Double.isInfinite(max) ? 0 : max;
            y.put(result, shift + Math.log(fold(e, x, inner, strides, start, 0, (a, v) -> a + Math.exp(v - shift))));
        });
        return y;
    }

    /** The place of the largest element, or of the smallest. */
    private static final class Best {
        private final int sign;
        private final boolean last;
        private long at = -1;
        private double real;
        private long whole;

        Best(int sign, boolean last) {
            this.sign = sign;
            this.last = last;
        }

        private boolean takes(int order) {
            return at < 0 || sign * order > 0 || order == 0 && last;
        }

        void of(double[] x, long from, int n) {
            for (int i = 0; i < n; i++) {
                if (takes(Double.compare(x[i], real))) {
                    real = x[i];
                    at = from + i;
                }
            }
        }

        void of(long[] x, long from, int n) {
            for (int i = 0; i < n; i++) {
                if (takes(Long.compare(x[i], whole))) {
                    whole = x[i];
                    at = from + i;
                }
            }
        }
    }

    private static OnnxTensor arg(Call c, int sign) {
        OnnxTensor x = c.in(0);
        boolean[] axes = new boolean[x.rank()];
        int axis = c.axis("axis", 0, x.rank());
        axes[axis] = true;
        boolean last = c.flag("select_last_index");
        long[] dims = x.dims();
        OnnxTensor y = c.make(OnnxType.INT64, resultDims(c, dims, axes));
        long stride = Walk.dense(dims)[axis];
        c.require(dims[axis] > 0, "an empty axis has no largest element");
        boolean real = x.type().isReal();
        Elements e = c.elements();
        Best best = new Best(sign, last);
        groups(dims, axes, (result, start) -> {
            best.at = -1;
            for (long from = 0; from < dims[axis]; from += Elements.SIZE) {
                int count = Elements.count(dims[axis] - from);
                if (real) {
                    e.read(x, start + from * stride, stride, e.a, count);
                    best.of(e.a, from, count);
                } else {
                    e.read(x, start + from * stride, stride, e.p, count);
                    best.of(e.p, from, count);
                }
            }
            y.putWhole(result, best.at);
        });
        return y;
    }

    private static OnnxTensor running(Call c, double zero, DoubleBinaryOperator f, LongBinaryOperator g) {
        OnnxTensor x = c.in(0);
        int axis = Call.axis(c.in(1).whole(0), x.rank());
        boolean exclusive = c.flag("exclusive");
        boolean reverse = c.flag("reverse");
        OnnxTensor y = c.like(x);
        long[] dims = x.dims();
        boolean[] axes = new boolean[dims.length];
        axes[axis] = true;
        long stride = Walk.dense(dims)[axis];
        long step = reverse ? -stride : stride;
        Elements e = c.elements();
        groups(dims, axes, (result, start) -> {
            double sum = zero;
            long whole = (long) zero;
            for (long from = 0; from < dims[axis]; from += Elements.SIZE) {
                int n = Elements.count(dims[axis] - from);
                long at = start + (reverse ? dims[axis] - 1 - from : from) * stride;
                if (x.type().isReal()) {
                    e.read(x, at, step, e.a, n);
                    sum = running(f, sum, e.a, n, exclusive);
                    e.write(y, at, step, e.a, n);
                } else {
                    e.read(x, at, step, e.p, n);
                    whole = running(g, whole, e.p, n, exclusive);
                    e.write(y, at, step, e.p, n);
                }
            }
        });
        return y;
    }

    private static double running(DoubleBinaryOperator f, double start, double[] x, int n, boolean exclusive) {
        double sum = start;
        for (int i = 0; i < n; i++) {
            double before = sum;
            sum = f.applyAsDouble(sum, x[i]);
            x[i] = exclusive ? before : sum;
        }
        return sum;
    }

    private static long running(LongBinaryOperator f, long start, long[] x, int n, boolean exclusive) {
        long sum = start;
        for (int i = 0; i < n; i++) {
            long before = sum;
            sum = f.applyAsLong(sum, x[i]);
            x[i] = exclusive ? before : sum;
        }
        return sum;
    }
}
