package dev.gatun.models.onnx;

import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.op.AttentionOp;
import dev.gatun.tensor.op.BinaryOp;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Products of two values, and the sequence of them that is attention: softmax(scale * Q K^T + mask) V over [B, H, L, D]. */
final class AttentionRule {
    private AttentionRule() {
    }

    static Val product(Site s) {
        Val a = s.x(0);
        Val b = s.x(1);
        int rank = a.dims.length;
        if (rank < 2 || rank != b.dims.length || a.dim(-1) != b.dim(-2)
                || !Arrays.equals(a.dims, 0, rank - 2, b.dims, 0, rank - 2)) {
            return null;
        }
        Val attention = a.scores != null && a.scores.softmax() && a.made == null
                ? attention(s.region(), a.scores, b, AttentionOp.Undefined.NAN) : null;
        if (attention != null) {
            return attention;
        }
        long[] dims = a.dims.clone();
        dims[rank - 1] = b.dim(-1);
        float scale = a.scale * b.scale;
        return Val.product(new Val.Scores(a.unscaled(), b.unscaled(), scale, null, false), dims);
    }

    /** softmax(a) b where that is attention, whose weights are zeros in rows of hidden keys alone and in those with NaN. */
    static Val attend(Site s) {
        Val a = s.x(0);
        Val b = s.x(1);
        int rank = a.dims.length;
        boolean fits = rank == 4 && b.dims.length == 4 && a.dim(-1) == b.dim(-2) && Arrays.equals(a.dims, 0, 2, b.dims, 0, 2)
                && a.scores != null && !a.scores.softmax() && a.made == null;
        return fits ? attention(s.region(), new Val.Scores(a.scores.a(), a.scores.b(), a.scores.scale(), a.scores.mask(), true), b,
                AttentionOp.Undefined.ZERO)
                : null;
    }

    /** A product to which another value, repeated over it, is added; null if the first is no product, or has become something else. */
    static Val masked(Region r, Val product, Val mask) {
        boolean fits = product.scores != null && !product.scores.softmax() && product.made == null && mask.scores == null
                && Arrays.equals(Walk.broadcast(product.dims, mask.dims), product.dims);
        Val.Scores s = product.scores;
        Val all = !fits || s.mask() == null ? mask : sum(r, s.mask(), mask);
        return fits && all != null ? Val.product(new Val.Scores(s.a(), s.b(), s.scale(), all, false), product.dims) : null;
    }

    /** Of two masks: all layers of a model have the same two. */
    private static Val sum(Region r, Val a, Val b) {
        long[] dims = Walk.broadcast(a.dims, b.dims);
        if (dims.length > 4) {
            return null;
        }
        Val first = Arrays.equals(a.dims, dims) ? a : b;
        Val second = first == a ? b : a;
        Val whole = Arrays.equals(first.dims, dims) ? first : null;
        Object key = List.of("masks", r.anyPort(first), Arrays.toString(first.dims), r.anyPort(second), Arrays.toString(second.dims));
        return Val.dense(r.once(key, () -> r.anyPort(Rules.binary(r, BinaryOp.Operator.ADD, whole != null ? whole
                : Rules.repeated(r, first, dims), second))), dims);
    }

    private static Val attention(Region r, Val.Scores s, Val v, AttentionOp.Undefined undefined) {
        Val q = s.a();
        Val k = s.b().swapped();
        if (k == null || v.scores != null || q.scores != null || q.dims.length != 4 || q.dim(3) != v.dim(3) || q.dim(2) == 0
                || q.scale != 1 || k.scale != 1 || v.scale != 1) {
            return null;
        }
        int heads = Math.toIntExact(q.dim(1));
        int headDim = Math.toIntExact(q.dim(3));
        long keys = k.dim(2);
        Port mask = s.mask() == null ? null : mask(r, s.mask(), q.dim(0), heads, q.dim(2), keys);
        if (s.mask() != null && mask == null) {
            return null;
        }
        AttentionOp.MaskKind kind = mask == null ? AttentionOp.MaskKind.NONE : AttentionOp.MaskKind.SEQUENCE_HEAD_QUERY_KEY;
        long d = (long) heads * headDim;
        boolean packed = q.port.equals(k.port) && k.port.equals(v.port) && isRows(r, q, 3 * d, 0) && isRows(r, k, 3 * d, d)
                && isRows(r, v, 3 * d, 2 * d);
        List<Port> operands = new ArrayList<>();
        if (packed) {
            operands.add(r.port(Val.dense(q.port, r.dims(q.port)), q.dim(0) * q.dim(2), 3 * d));
        } else {
            operands.addAll(List.of(rows(r, q), rows(r, k), rows(r, v), r.sequences(q.dim(0), q.dim(2))));
        }
        operands.add(r.sequences(q.dim(0), keys));
        if (mask != null) {
            operands.add(mask);
        }
        AttentionOp op = new AttentionOp(packed ? AttentionOp.Source.PACKED : AttentionOp.Source.SEPARATE, heads, heads, headDim, false,
                kind, false, new AttentionOp.Scores(s.scale(), 0, 0, undefined), null, null);
        Port y = r.add("attention", new dev.gatun.tensor.graph.Apply(op), 2 * q.size() * keys, operands.toArray(Port[]::new));
        return Val.dense(y, q.dim(0), q.dim(2), q.dim(1), q.dim(3)).ordered(0, 2, 1, 3);
    }

    /** Whether [B, H, L, D] are some columns of rows [B * L, width]. */
    private static boolean isRows(Region r, Val x, long width, long column) {
        long[] dims = {x.dim(0), x.dim(2), x.dim(1), x.dim(3)};
        long[] wanted = {x.dim(2) * width, width, x.dim(3), 1};
        long[] found = x.ordered(0, 2, 1, 3).strides;
        boolean fits = x.offset == column && Call.product(r.dims(x.port), 0, r.dims(x.port).length) == x.dim(0) * x.dim(2) * width;
        for (int i = 0; fits && i < 4; i++) {
            fits = dims[i] == 1 || wanted[i] == found[i];
        }
        return fits;
    }

    /** [B, H, L, D] as [B * L, H * D]. */
    private static Port rows(Region r, Val x) {
        return r.port(x.ordered(0, 2, 1, 3), x.dim(0) * x.dim(2), x.dim(1) * x.dim(3));
    }

    /** The mask as attention wants it: repeated over queries and keys; null if it cannot be. */
    private static Port mask(Region r, Val mask, long batch, long heads, long queries, long keys) {
        if (mask.dims.length > 4) {
            return null;
        }
        long[] dims = Region.padded(mask.dims, 4);
        if (dims[0] != 1 && dims[0] != batch || dims[1] != 1 && dims[1] != heads || dims[2] != 1 && dims[2] != queries
                || dims[3] != 1 && dims[3] != keys) {
            return null;
        }
        Port port = r.port(mask, dims);
        if (dims[2] == queries && dims[3] == keys) {
            return port;
        }
        return r.once("mask of " + port + queries + "," + keys, () -> r.add("mask", new BinaryOp(BinaryOp.Operator.ADD),
                r.floats(0, dims[0], dims[1], queries, keys), port));
    }
}
