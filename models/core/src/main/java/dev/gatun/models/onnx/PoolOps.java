package dev.gatun.models.onnx;

import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.op.PoolOp;
import java.util.Arrays;
import java.util.List;

/** Poolings: natively where Gatun has the operation, in plain loops otherwise. */
final class PoolOps {
    private PoolOps() {
    }

    /** The kernel of this family, or null. */
    static Kernel find(String op) {
        return switch (op) {
            case "MaxPool" -> Operators.many(PoolOps::max);
            case "AveragePool" -> Operators.one(PoolOps::average);
            case "LpPool" -> Operators.one(PoolOps::lp);
            case "MaxUnpool" -> Operators.one(PoolOps::unpool);
            case "GlobalAveragePool" -> Operators.one(PoolOps::globalAverage);
            case "GlobalMaxPool" -> Operators.one(c -> global(c, values -> Arrays.stream(values).max().orElse(Double.NEGATIVE_INFINITY)));
            case "GlobalLpPool" -> Operators.one(c -> {
                double p = c.i("p", 2);
                return global(c, values -> Math.pow(Arrays.stream(values).map(v -> Math.pow(Math.abs(v), p)).sum(), 1 / p));
            });
            default -> null;
        };
    }

    static OnnxTensor globalAverage(Call c) {
        return global(c, values -> Arrays.stream(values).sum() / values.length);
    }

    private static OnnxTensor global(Call c, java.util.function.ToDoubleFunction<double[]> f) {
        OnnxTensor x = c.in(0);
        c.require(x.rank() >= 2, "expected [N, C, ...]");
        long[] dims = Spatial.all(null, x.rank(), 1);
        dims[0] = x.dim(0);
        dims[1] = x.dim(1);
        OnnxTensor y = c.make(x.type(), dims);
        double[] plane = new double[Math.toIntExact(Call.product(x.dims(), 2, x.rank()))];
        for (long i = 0; i < y.size(); i++) {
            for (int j = 0; j < plane.length; j++) {
                plane[j] = x.real(i * plane.length + j);
            }
            y.put(i, f.applyAsDouble(plane));
        }
        return y;
    }

    /** What becomes of the elements of a window that lie inside; {@code inside} of them, {@code padded} with the padding's. */
    @FunctionalInterface
    private interface Collect {
        void window(long result, long[] places, int inside, long padded);
    }

    private static long[] dims(OnnxTensor x, long[] out) {
        long[] dims = Arrays.copyOf(x.dims(), x.rank());
        System.arraycopy(out, 0, dims, 2, out.length);
        return dims;
    }

    private static void windows(OnnxTensor x, Spatial s, long[] out, Collect collect) {
        int rank = s.rank();
        long[] in = Arrays.copyOfRange(x.dims(), 2, x.rank());
        long plane = Call.product(in, 0, rank);
        long spatial = Call.product(out, 0, rank);
        int kernel = Math.toIntExact(Call.product(s.kernel(), 0, rank));
        long[] at = new long[rank];
        long[] tap = new long[rank];
        long[] places = new long[kernel];
        for (long o = 0; o < spatial; o++) {
            Walk.unravel(o, out, at);
            int inside = 0;
            long padded = 0;
            for (int t = 0; t < kernel; t++) {
                Walk.unravel(t, s.kernel(), tap);
                long from = ConvOps.place(at, tap, s, in);
                if (from >= 0) {
                    places[inside++] = from;
                }
                padded += withinPadding(at, tap, s, in) ? 1 : 0;
            }
            for (long nc = 0; nc < x.dim(0) * x.dim(1); nc++) {
                long[] all = places.clone();
                for (int i = 0; i < inside; i++) {
                    all[i] += nc * plane;
                }
                collect.window(nc * spatial + o, all, inside, padded);
            }
        }
    }

    private static boolean withinPadding(long[] at, long[] tap, Spatial s, long[] dims) {
        for (int d = 0; d < dims.length; d++) {
            if (at[d] * s.strides()[d] - s.begin()[d] + tap[d] * s.dilations()[d] >= dims[d] + s.end()[d]) {
                return false;
            }
        }
        return true;
    }

    private static OnnxTensor natively(Call c, OnnxTensor x, Spatial s, PoolOp.Kind kind, boolean ceil, long[] dims) {
        boolean fits = x.type() == OnnxType.FLOAT && s.isNative() && c.natives().ready()
                && Call.product(dims, 0, dims.length) * s.kernel()[0] >= ProductOps.SMALL;
        for (int i = 0; fits && i < s.rank(); i++) {
            fits = Math.max(s.begin()[i], s.end()[i]) <= s.kernel()[i] / 2 && (kind == PoolOp.Kind.MAX || s.dilations()[i] == 1);
        }
        if (!fits) {
            return null;
        }
        return c.natives().run(c, List.of(c.step(), x.shape()), new Tensor[] {x.tensor(x.dims())},
                (p, in) -> p.add(new PoolOp(kind, s.kernel(), s.window(), ceil), in[0]), dims);
    }

    private static OnnxValue[] max(Call c) {
        OnnxTensor x = c.in(0);
        Spatial s = Spatial.of(c, x.dims(), c.ints("kernel_shape"));
        boolean ceil = c.flag("ceil_mode");
        long[] out = s.output(x.dims(), ceil);
        long[] dims = dims(x, out);
        OnnxTensor fast = c.wants(1) ? null : natively(c, x, s, PoolOp.Kind.MAX, ceil, dims);
        if (fast != null) {
            return new OnnxValue[] {fast};
        }
        OnnxTensor y = c.make(x.type(), dims);
        OnnxTensor indices = c.wants(1) ? c.make(OnnxType.INT64, dims) : null;
        boolean columns = c.flag("storage_order");
        long[] in = Arrays.copyOfRange(x.dims(), 2, x.rank());
        long plane = Call.product(in, 0, in.length);
        windows(x, s, out, (result, places, inside, padded) -> {
            double best = Double.NEGATIVE_INFINITY;
            long where = inside > 0 ? places[0] : 0;
            for (int i = 0; i < inside; i++) {
                double v = x.real(places[i]);
                if (v > best || Double.isNaN(v) && !Double.isNaN(best)) {
                    best = v;
                    where = places[i];
                }
            }
            y.put(result, best);
            if (indices != null) {
                indices.putWhole(result, columns ? where / plane * plane + columnMajor(where % plane, in) : where);
            }
        });
        return new OnnxValue[] {y, indices};
    }

    private static long columnMajor(long place, long[] dims) {
        long[] at = new long[dims.length];
        Walk.unravel(place, dims, at);
        long result = 0;
        for (int d = dims.length - 1; d >= 0; d--) {
            result = result * dims[d] + at[d];
        }
        return result;
    }

    static OnnxTensor average(Call c) {
        OnnxTensor x = c.in(0);
        Spatial s = Spatial.of(c, x.dims(), c.ints("kernel_shape"));
        boolean ceil = c.flag("ceil_mode");
        boolean padding = c.flag("count_include_pad");
        long[] out = s.output(x.dims(), ceil);
        OnnxTensor fast = ceil && padding ? null : natively(c, x, s, padding ? PoolOp.Kind.AVERAGE_WITH_PADDING : PoolOp.Kind.AVERAGE, ceil,
                dims(x, out));
        if (fast != null) {
            return fast;
        }
        OnnxTensor y = c.make(x.type(), dims(x, out));
        windows(x, s, out, (result, places, inside, padded) -> {
            double sum = 0;
            for (int i = 0; i < inside; i++) {
                sum += x.real(places[i]);
            }
            y.put(result, sum / (padding ? padded : inside));
        });
        return y;
    }

    private static OnnxTensor lp(Call c) {
        OnnxTensor x = c.in(0);
        Spatial s = Spatial.of(c, x.dims(), c.ints("kernel_shape"));
        long[] out = s.output(x.dims(), c.flag("ceil_mode"));
        double p = c.i("p", 2);
        OnnxTensor y = c.make(x.type(), dims(x, out));
        windows(x, s, out, (result, places, inside, padded) -> {
            double sum = 0;
            for (int i = 0; i < inside; i++) {
                sum += Math.pow(Math.abs(x.real(places[i])), p);
            }
            y.put(result, Math.pow(sum, 1 / p));
        });
        return y;
    }

    private static OnnxTensor unpool(Call c) {
        OnnxTensor x = c.in(0);
        OnnxTensor indices = c.in(1);
        long[] kernel = c.ints("kernel_shape");
        int rank = x.rank() - 2;
        long[] strides = Spatial.all(c.ints("strides"), rank, 1);
        long[] pads = Spatial.all(c.ints("pads"), 2 * rank, 0);
        c.require(kernel != null && kernel.length == rank && indices.size() == x.size(), "indices or the window do not fit");
        long[] dims = x.dims();
        for (int i = 0; i < rank; i++) {
            dims[2 + i] = (x.dim(2 + i) - 1) * strides[i] - pads[i] - pads[rank + i] + kernel[i];
        }
        long[] inner = dims;
        if (c.has(2)) {
            dims = c.in(2).longs();
        }
        OnnxTensor y = c.zeros(x.type(), dims);
        long[] at = new long[dims.length];
        long[] strides2 = Walk.dense(dims);
        long size = Call.product(inner, 0, inner.length);
        for (long i = 0; i < x.size(); i++) {
            long place = GatherOps.index(indices.whole(i), size);
            Walk.unravel(place, inner, at);
            long to = 0;
            for (int d = 0; d < at.length; d++) {
                to += at[d] * strides2[d];
            }
            y.put(GatherOps.index(to, y.size()), x.real(i));
        }
        return y;
    }
}
