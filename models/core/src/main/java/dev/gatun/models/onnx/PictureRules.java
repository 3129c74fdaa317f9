package dev.gatun.models.onnx;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.graph.Conv;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.AdaptivePoolOp;
import dev.gatun.tensor.op.BinaryOp;
import dev.gatun.tensor.op.ConcatOp;
import dev.gatun.tensor.op.PoolOp;
import dev.gatun.tensor.op.ResampleOp;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** How convolutions, poolings, joins and resizes are described in Gatun's operations. */
final class PictureRules {
    /** Elements around a value that are kept rather than made in each run. */
    private static final long LARGEST_PAD = 1 << 20;

    private PictureRules() {
    }

    static void register() {
        Rules.one("Conv", PictureRules::conv);
        Rules.one("MaxPool", PictureRules::maxPool);
        Rules.one("AveragePool", s -> pool(s, s.x(0), s.call().flag("count_include_pad") ? PoolOp.Kind.AVERAGE_WITH_PADDING
                : PoolOp.Kind.AVERAGE));
        Rules.one("GlobalAveragePool", s -> s.worth(0) != null ? QuantRules.mean(s, s.any(0)) : global(s, s.x(0), false));
        Rules.one("GlobalMaxPool", s -> global(s, s.x(0), true));
        Rules.one("ReduceMean", PictureRules::mean);
        Rules.one("Concat", PictureRules::concat);
        Rules.one("Pad", PictureRules::pad);
        Rules.one("Resize", PictureRules::resize);
    }

    private static Val conv(Site s) {
        Call c = s.call();
        Val x = s.x(0);
        OnnxTensor w = s.constant(1);
        if (w == null || x.dims.length < 3 || x.dims.length > 4 || w.rank() != x.dims.length) {
            return null;
        }
        Spatial spatial = Spatial.of(c, x.dims, Arrays.copyOfRange(w.dims(), 2, w.rank()));
        long groups = c.i("group", 1);
        Weight bias = s.weight(2, w.dim(0));
        long[] out = spatial.output(x.dims, false);
        if (!spatial.isNative() || s.has(2) && bias == null || groups < 1 || x.dim(1) != w.dim(1) * groups || w.dim(0) % groups != 0
                || Arrays.stream(out).anyMatch(o -> o < 1)) {
            return null;
        }
        Conv conv = new Conv(s.region().weight(w, w.dims()), bias, groups, spatial.window(), Activation.NONE, false, false,
                MemoryFormat.ANY);
        long[] dims = x.dims.clone();
        dims[1] = w.dim(0);
        System.arraycopy(out, 0, dims, 2, out.length);
        long work = Call.product(dims, 0, dims.length) * (w.size() / w.dim(0));
        Val y = Val.dense(s.region().add("conv", conv, work, s.region().port(x)), dims);
        if (s.has(3)) {
            Val residual = s.x(3);
            if (!Arrays.equals(Walk.broadcast(dims, residual.dims), dims)) {
                return null;
            }
            y = Rules.binary(s.region(), BinaryOp.Operator.ADD, y, residual);
        }
        return Rules.function(s.region(), y, (Activation) c.step().attributes().getOrDefault("activation", Activation.NONE));
    }

    /** The largest of bytes is that of what they are worth. */
    private static Val maxPool(Site s) {
        if (s.call().wants(1)) {
            return null;
        }
        Val.Worth worth = s.worth(0);
        if (worth == null) {
            return pool(s, s.region().type(s.any(0)) == DataType.F32 ? s.x(0) : s.any(0), PoolOp.Kind.MAX);
        }
        Val y = pool(s, worth.bytes(), PoolOp.Kind.MAX);
        return y == null ? null : QuantRules.worth(s.region(), y, new QuantRules.Scale(worth.scale(), worth.type(), worth.zero()));
    }

    private static Val pool(Site s, Val x, PoolOp.Kind kind) {
        if (x.dims.length < 3 || x.dims.length > 4) {
            return null;
        }
        Spatial spatial = Spatial.of(s.call(), x.dims, s.call().ints("kernel_shape"));
        boolean ceil = s.call().flag("ceil_mode");
        boolean fits = spatial.isNative() && (!ceil || kind == PoolOp.Kind.MAX);
        for (int i = 0; fits && i < spatial.rank(); i++) {
            fits = Math.max(spatial.begin()[i], spatial.end()[i]) <= spatial.kernel()[i] / 2
                    && (kind == PoolOp.Kind.MAX || spatial.dilations()[i] == 1);
        }
        long[] out = spatial.output(x.dims, ceil);
        boolean whole = kind != PoolOp.Kind.MAX;
        for (int i = 0; whole && i < out.length; i++) {
            boolean counted = kind == PoolOp.Kind.AVERAGE_WITH_PADDING && spatial.end()[i] > 0;
            whole = out[i] == 1 && spatial.begin()[i] == 0 && !counted && spatial.dilations()[i] == 1
                    && spatial.kernel()[i] >= x.dims[2 + i];
        }
        if (whole) {
            return global(s, x, false);
        }
        if (!fits || Arrays.stream(out).anyMatch(o -> o < 1)) {
            return null;
        }
        long[] dims = x.dims.clone();
        System.arraycopy(out, 0, dims, 2, out.length);
        return Val.dense(Rules.apply(s.region(), "pool", new PoolOp(kind, spatial.kernel(), spatial.window(), ceil), x), dims);
    }

    private static Val global(Site s, Val x, boolean maximum) {
        if (x.dims.length < 3 || x.dims.length > 4) {
            return null;
        }
        long[] ones = new long[x.dims.length - 2];
        Arrays.fill(ones, 1);
        Port y = Rules.apply(s.region(), "pool", new AdaptivePoolOp(maximum, ones), x);
        return Val.dense(y, s.region().dims(y));
    }

    /** Over all dimensions of pictures but the first two. */
    private static Val mean(Site s) {
        Val x = s.x(0);
        if (x.dims.length < 3 || x.dims.length > 4 || s.has(1) && s.fixed(1) == null) {
            return null;
        }
        boolean[] axes = ReduceOps.axes(s.call(), x.dims.length);
        for (int i = 0; i < axes.length; i++) {
            if (axes[i] != i > 1) {
                return null;
            }
        }
        Val y = global(s, x, false);
        return s.call().i("keepdims", 1) != 0 ? y : s.region().reshape(y, x.dim(0), x.dim(1));
    }

    private static Val concat(Site s) {
        int count = s.call().step().inputs().size();
        List<Val> all = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            all.add(s.worth(i) == null ? null : s.any(i));
        }
        Val late = all.getFirst() == null ? null : QuantRules.concat(s.region(), s.call().axis("axis", 1, all.getFirst().dims.length), all);
        if (late != null) {
            return late;
        }
        Port[] parts = new Port[count];
        int axis = s.call().axis("axis", 1, s.x(0).dims.length);
        long[] dims = s.x(0).dims.clone();
        dims[axis] = 0;
        for (int i = 0; i < count; i++) {
            Val x = s.x(i);
            if (x.dims.length != dims.length || x.size() == 0) {
                return null;
            }
            dims[axis] += x.dim(axis);
            parts[i] = dims.length <= 4 ? s.region().port(x) : s.region().port(x, Call.product(dims, 0, axis), x.dim(axis),
                    Call.product(dims, axis + 1, dims.length));
        }
        return count == 1 ? s.x(0) : Val.dense(s.region().add("concat", new ConcatOp(dims.length <= 4 ? axis : 1), parts), dims);
    }

    /** Constants beside it; what windows read alone is {@link Padding}'s. */
    private static Val pad(Site s) {
        Val y = s.x(0);
        if (s.has(1) && s.fixed(1) == null || s.has(2) && Float.isNaN(s.number(2)) || s.has(3) && s.fixed(3) == null
                || !s.call().s("mode", "constant").equals("constant")) {
            return null;
        }
        long[][] pads = MoveOps.pads(s.call(), y.dims.length);
        double size = 1;
        for (int i = 0; i < y.dims.length; i++) {
            size *= (double) y.dim(i) + pads[0][i] + pads[1][i];
        }
        if (Arrays.stream(pads).flatMapToLong(Arrays::stream).anyMatch(p -> p < 0) || size - y.size() > LARGEST_PAD) {
            return null;
        }
        float fill = s.has(2) ? s.number(2) : s.call().f("value", 0);
        for (int axis = 0; axis < y.dims.length; axis++) {
            y = joined(s.region(), y, axis, pads[0][axis], pads[1][axis], fill);
        }
        return y;
    }

    private static Val joined(Region r, Val x, int axis, long before, long after, float fill) {
        if (before == 0 && after == 0) {
            return x;
        }
        boolean picture = x.dims.length <= 4;
        long[] seen = picture ? x.dims : new long[] {Call.product(x.dims, 0, axis), x.dim(axis),
                Call.product(x.dims, axis + 1, x.dims.length)};
        int along = picture ? axis : 1;
        List<Port> parts = new ArrayList<>();
        for (long size : new long[] {before, -1, after}) {
            long[] edge = seen.clone();
            edge[along] = size;
            if (size != 0) {
                parts.add(size < 0 ? r.port(x, seen) : r.floats(fill, edge));
            }
        }
        long[] dims = x.dims.clone();
        dims[axis] += before + after;
        return Val.dense(r.add("pad", new ConcatOp(along), parts.toArray(Port[]::new)), dims);
    }

    /** Bilinear with pixel centres at half-integers, and nearest by whole factors; of pictures. */
    private static Val resize(Site s) {
        Call c = s.call();
        Val x = s.x(0);
        if (c.version() < 11 || x.dims.length != 4 || c.hasAttribute("axes") || c.flag("antialias") || s.has(1) && s.fixed(1) == null) {
            return null;
        }
        long[] out = x.dims.clone();
        for (int i = 0; i < 4; i++) {
            boolean bySize = s.fixed(3) != null;
            if (!bySize && s.fixed(2) == null || (bySize ? s.fixed(3) : s.fixed(2)).size() != 4) {
                return null;
            }
            double wanted = bySize ? s.fixed(3).whole(i) : s.fixed(2).real(i) * x.dim(i);
            out[i] = (long) Math.floor(wanted);
            // A factor that does not give the size exactly counts for more than the size.
            if (wanted != out[i] || out[i] < 1 || i < 2 && out[i] != x.dim(i)) {
                return null;
            }
        }
        String mode = c.s("mode", "nearest");
        String where = c.s("coordinate_transformation_mode", "half_pixel");
        boolean whole = out[2] % x.dim(2) == 0 && out[3] % x.dim(3) == 0;
        boolean linear = mode.equals("linear") && (where.equals("half_pixel") || where.equals("pytorch_half_pixel") && out[2] > 1
                && out[3] > 1);
        boolean nearest = mode.equals("nearest") && whole && (where.equals("asymmetric") && c.s("nearest_mode", "").equals("floor")
                || where.equals("half_pixel"));
        if (!c.s("keep_aspect_ratio_policy", "stretch").equals("stretch") || !linear && !nearest) {
            return null;
        }
        ResampleOp op = new ResampleOp(linear ? ResampleOp.Mode.LINEAR : ResampleOp.Mode.NEAREST, new long[] {out[2], out[3]});
        return Val.dense(Rules.apply(s.region(), "resize", op, x), out);
    }
}
