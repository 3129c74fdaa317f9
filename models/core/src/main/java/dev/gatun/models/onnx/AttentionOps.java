package dev.gatun.models.onnx;

import java.util.Arrays;

/** Attention of opset 23 and later, its linear and flexible kinds, and rotary positions. */
final class AttentionOps {
    private AttentionOps() {
    }

    /** The kernel of this family, or null. */
    static Kernel find(String op) {
        return switch (op) {
            case "Attention" -> Operators.many(AttentionOps::attention);
            case "RotaryEmbedding" -> Operators.one(c -> {
                OnnxTensor x = c.in(0);
                return rotary(c, x, c.in(1), c.in(2), c.opt(3), c.flag("interleaved"), c.i("rotary_embedding_dim", 0), c.i("num_heads", 0));
            });
            case "LinearAttention" -> Operators.many(AttentionOps::linear);
            case "ai.onnx.preview:FlexAttention" -> Operators.one(AttentionOps::flexible);
            default -> null;
        };
    }

    /** [B, L, heads * d] as [B, heads, L, d]. */
    static OnnxTensor heads(Call c, OnnxTensor x, long heads) {
        c.require(x.rank() == 3 && heads > 0 && x.dim(2) % heads == 0, heads + " heads do not divide the last dimension");
        return MoveOps.transpose(c, x.view(x.dim(0), x.dim(1), heads, x.dim(2) / heads), 0, 2, 1, 3);
    }

    static OnnxTensor joined(Call c, OnnxTensor x) {
        return MoveOps.transpose(c, x, 0, 2, 1, 3).view(x.dim(0), x.dim(2), x.dim(1) * x.dim(3));
    }

    /** Keys or values of fewer heads, each as often as queries need it. */
    static OnnxTensor repeated(Call c, OnnxTensor x, long heads) {
        if (x.dim(1) == heads) {
            return x;
        }
        c.require(x.dim(1) > 0 && heads % x.dim(1) == 0, "heads of keys do not divide those of queries");
        long times = heads / x.dim(1);
        long inner = x.dim(2) * x.dim(3);
        return MoveOps.gathered(c, x, new long[] {x.dim(0) * x.dim(1), times, inner}, 0, new long[] {inner, 0, 1})
                .view(x.dim(0), heads, x.dim(2), x.dim(3));
    }

    /** Where a row of scores gets its additive bias; minus infinity hides a key. */
    @FunctionalInterface
    interface Bias {
        double at(long batch, long head, long query, long key);
    }

    /**
     * softmax(cap(scale Q K^T) + bias) V over FLOAT [B, H, L, D]; rows whose keys are all hidden give zeros.
     *
     * @param exposed receives scores: 0 as they are, 1 capped, 2 with bias, 3 after softmax; -1 for none
     * @return result and what was exposed
     */
    static OnnxTensor[] attend(Call c, OnnxTensor q, OnnxTensor k, OnnxTensor v, double scale, double cap, Bias bias, int exposed) {
        OnnxTensor keys = repeated(c, k, q.dim(1));
        OnnxTensor values = repeated(c, v, q.dim(1));
        long heads = q.dim(0) * q.dim(1);
        long queries = q.dim(2);
        long count = keys.dim(2);
        OnnxTensor scores = c.natives().ready() && heads * queries * count * q.dim(3) >= ProductOps.SMALL
                ? ProductOps.batched(c, q.view(heads, queries, q.dim(3)), keys.view(heads, count, q.dim(3)), true, (float) scale, heads,
                        queries, count)
                : ProductOps.matMul(c, q, ProductOps.swapped(c, keys), (float) scale).view(heads, queries, count);
        OnnxTensor shown = exposed >= 0 ? c.like(scores) : null;
        float[] row = new float[Math.toIntExact(count)];
        for (long r = 0; r < heads * queries; r++) {
            softmax(scores, shown, row, r * count, cap, exposed, bias == null ? null
                    : new long[] {r / queries / q.dim(1), r / queries % q.dim(1), r % queries}, bias);
        }
        OnnxTensor y = ProductOps.matMul(c, scores, values.view(heads, count, values.dim(3)), 1);
        return new OnnxTensor[] {y.view(q.dim(0), q.dim(1), queries, values.dim(3)),
                shown == null ? null : shown.view(q.dim(0), q.dim(1), queries, count)};
    }

    private static void softmax(OnnxTensor scores, OnnxTensor shown, float[] row, long start, double cap, int exposed, long[] at,
            Bias bias) {
        float max = Float.NEGATIVE_INFINITY;
        boolean hidden = bias != null;
        for (int i = 0; i < row.length; i++) {
            double s = scores.real(start + i);
            show(shown, exposed, 0, start + i, s);
            s = cap > 0 ? cap * Math.tanh(s / cap) : s;
            show(shown, exposed, 1, start + i, s);
            double b = bias == null ? 0 : bias.at(at[0], at[1], at[2], i);
            hidden &= b == Double.NEGATIVE_INFINITY;
            row[i] = (float) (s + b);
            show(shown, exposed, 2, start + i, row[i]);
            max = Math.max(max, row[i]);
        }
        double sum = 0;
        for (int i = 0; i < row.length; i++) {
            row[i] = hidden || max == Float.NEGATIVE_INFINITY ? 0 : (float) Math.exp(row[i] - max);
            sum += row[i];
        }
        for (int i = 0; i < row.length; i++) {
            double p = sum == 0 ? 0 : row[i] / sum;
            scores.put(start + i, p);
            show(shown, exposed, 3, start + i, p);
        }
    }

    private static void show(OnnxTensor shown, int exposed, int stage, long at, double value) {
        if (exposed == stage) {
            shown.put(at, value);
        }
    }

    /** An additive or boolean mask that is repeated to [B, H, L, S]; keys beyond it are hidden. */
    static Bias masked(OnnxTensor mask, long[] scores) {
        long[] dims = mask.dims();
        long keys = mask.rank() == 0 ? 1 : mask.dim(-1);
        boolean all = keys == 1 && scores[3] != 1;
        long[] strides = new long[4];
        long[] own = Walk.dense(dims);
        for (int i = 0; i < dims.length; i++) {
            int d = 4 - dims.length + i;
            if (d < 0 || dims[i] != 1 && dims[i] != scores[d] && d != 3) {
                throw new IllegalArgumentException("the mask " + mask + " does not fit scores " + Arrays.toString(scores));
            }
            strides[d] = dims[i] == 1 ? 0 : own[i];
        }
        boolean truth = mask.type() == OnnxType.BOOL;
        return (b, h, q, k) -> {
            if (k >= keys && !all) {
                return Double.NEGATIVE_INFINITY;
            }
            double v = mask.real(b * strides[0] + h * strides[1] + q * strides[2] + k * strides[3]);
            return truth ? v != 0 ? 0 : Double.NEGATIVE_INFINITY : v;
        };
    }

    private static OnnxValue[] attention(Call c) {
        OnnxType type = c.in(0).type();
        boolean flat = c.in(0).rank() == 3;
        OnnxTensor q = CastOps.floats(c, flat ? heads(c, c.in(0), c.i("q_num_heads", 0)) : c.in(0));
        OnnxTensor k = flat ? heads(c, c.in(1), c.i("kv_num_heads", 0)) : c.in(1);
        OnnxTensor v = flat ? heads(c, c.in(2), c.i("kv_num_heads", 0)) : c.in(2);
        c.require(q.rank() == 4 && k.rank() == 4 && v.rank() == 4, "expected three or four dimensions");
        OnnxTensor presentKey = c.has(4) ? MoveOps.concat(c, 2, c.in(4), k) : k;
        OnnxTensor presentValue = c.has(5) ? MoveOps.concat(c, 2, c.in(5), v) : v;
        OnnxTensor lengths = c.opt(6);
        long past = c.has(4) ? c.in(4).dim(2) : 0;
        long queries = q.dim(2);
        Bias mask = c.has(3) ? masked(c.in(3), new long[] {q.dim(0), q.dim(1), queries, presentKey.dim(2)}) : null;
        boolean causal = c.flag("is_causal");
        long left = c.i("left_window_size", -1);
        long right = c.i("right_window_size", -1);
        boolean any = mask != null || causal || lengths != null || left >= 0 || right >= 0;
        Bias bias = (b, h, i, j) -> {
            long place = i + (lengths != null && !c.has(4) ? lengths.whole(b) - queries : past);
            boolean hidden = causal && j > place || lengths != null && j >= lengths.whole(b) || left >= 0 && j < place - left
                    || right >= 0 && j > place + right;
            return hidden ? Double.NEGATIVE_INFINITY : mask == null ? 0 : mask.at(b, h, i, j);
        };
        double scale = c.hasAttribute("scale") ? c.f("scale", 1) : 1 / Math.sqrt(q.dim(3));
        int exposed = c.wants(3) ? (int) c.i("qk_matmul_output_mode", 0) : -1;
        OnnxTensor[] y = attend(c, q, CastOps.floats(c, presentKey), CastOps.floats(c, presentValue), scale, c.f("softcap", 0), any ? bias
                : null, exposed);
        OnnxTensor result = CastOps.cast(c, flat ? joined(c, y[0]) : y[0], c.in(2).type());
        return new OnnxValue[] {result, presentKey, presentValue, y[1] == null ? null : CastOps.cast(c, y[1], type)};
    }

    /** @param cos [positions, d / 2], or [B, L, d / 2] without positions */
    static OnnxTensor rotary(Call c, OnnxTensor x, OnnxTensor cos, OnnxTensor sin, OnnxTensor positions, boolean interleaved, long rotated,
            long heads) {
        boolean flat = x.rank() == 3;
        c.require(flat ? heads > 0 && x.dim(2) % heads == 0 : x.rank() == 4, "expected [B, H, L, d], or [B, L, H * d] and num_heads");
        long count = flat ? heads : x.dim(1);
        long length = flat ? x.dim(1) : x.dim(2);
        long size = flat ? x.dim(2) / heads : x.dim(3);
        long half = (rotated == 0 ? size : rotated) / 2;
        c.require(cos.dim(-1) == half && sin.dim(-1) == half, "caches must have " + half + " columns");
        OnnxTensor y = c.like(x);
        y.segment().copyFrom(x.segment());
        for (long row = 0; row < x.dim(0) * length * count; row++) {
            long b = row / (length * count);
            long l = flat ? row / count % length : row % length;
            long at = positions == null ? cos.rank() == 2 ? l : b * length + l
                    : GatherOps.index(positions.size() == 1 ? positions.whole(0) + l : positions.whole(b * length + l), cos.dim(0));
            for (long i = 0; i < half; i++) {
                long first = row * size + (interleaved ? 2 * i : i);
                long second = row * size + (interleaved ? 2 * i + 1 : i + half);
                double co = cos.real(at * half + i);
                double si = sin.real(at * half + i);
                y.put(first, co * x.real(first) - si * x.real(second));
                y.put(second, si * x.real(first) + co * x.real(second));
            }
        }
        return y;
    }

    /** A state of keys by values instead of scores: decayed, corrected, written and read token by token. */
    private static OnnxValue[] linear(Call c) {
        int qHeads = (int) c.i("q_num_heads", 0);
        int heads = (int) c.i("kv_num_heads", 0);
        String rule = c.s("update_rule", "gated_delta");
        boolean gated = rule.startsWith("gated");
        boolean delta = rule.endsWith("delta");
        OnnxTensor q = c.in(0);
        OnnxTensor k = c.in(1);
        OnnxTensor v = c.in(2);
        c.require(q.rank() == 3 && heads > 0 && qHeads > 0 && qHeads % heads == 0 && gated == c.has(4) && delta == c.has(5),
                "heads, decay or beta do not fit the rule " + rule);
        int dk = Math.toIntExact(q.dim(2) / qHeads);
        int dv = Math.toIntExact(v.dim(2) / heads);
        long length = q.dim(1);
        double scale = c.f("scale", 0) == 0 ? 1 / Math.sqrt(dk) : c.f("scale", 0);
        OnnxTensor y = c.make(q.type(), q.dim(0), length, (long) qHeads * dv);
        OnnxTensor present = c.make(c.has(3) ? c.in(3).type() : q.type(), q.dim(0), heads, dk, dv);
        for (long bh = 0; bh < q.dim(0) * heads; bh++) {
            long b = bh / heads;
            long h = bh % heads;
            double[] state = new double[dk * dv];
            for (int i = 0; i < state.length && c.has(3); i++) {
                state[i] = c.in(3).real(bh * state.length + i);
            }
            for (long t = 0; t < length; t++) {
                long token = b * length + t;
                write(c, state, k, v, token, h, new int[] {dk, dv, heads});
                for (int g = 0; g < qHeads / heads; g++) {
                    long qh = h * (qHeads / heads) + g;
                    for (int m = 0; m < dv; m++) {
                        double sum = 0;
                        for (int d = 0; d < dk; d++) {
                            sum += q.real((token * qHeads + qh) * dk + d) * state[d * dv + m];
                        }
                        y.put((token * qHeads + qh) * dv + m, scale * sum);
                    }
                }
            }
            for (int i = 0; i < state.length; i++) {
                present.put(bh * state.length + i, state[i]);
            }
        }
        return new OnnxValue[] {y, present};
    }

    private static void write(Call c, double[] state, OnnxTensor k, OnnxTensor v, long token, long h, int[] sizes) {
        int dk = sizes[0];
        int dv = sizes[1];
        int heads = sizes[2];
        OnnxTensor decay = c.opt(4);
        OnnxTensor beta = c.opt(5);
        for (int d = 0; d < dk && decay != null; d++) {
            boolean perHead = decay.dim(2) == heads;
            double g = Math.exp(decay.real(perHead ? token * heads + h : (token * heads + h) * dk + d));
            for (int m = 0; m < dv; m++) {
                state[d * dv + m] *= g;
            }
        }
        for (int m = 0; m < dv; m++) {
            double value = v.real((token * heads + h) * dv + m);
            if (beta != null) {
                double found = 0;
                for (int d = 0; d < dk; d++) {
                    found += state[d * dv + m] * k.real((token * heads + h) * dk + d);
                }
                value = beta.real(beta.dim(2) == 1 ? token : token * heads + h) * (value - found);
            }
            for (int d = 0; d < dk; d++) {
                state[d * dv + m] += k.real((token * heads + h) * dk + d) * value;
            }
        }
    }

    /** Attention whose scores and probabilities pass through graphs of the node. */
    private static OnnxTensor flexible(Call c) {
        OnnxTensor q = c.in(0);
        OnnxTensor k = repeated(c, c.in(1), q.dim(1));
        OnnxTensor v = repeated(c, c.in(2), q.dim(1));
        double scale = c.hasAttribute("scale") ? c.f("scale", 1) : 1 / Math.sqrt(q.dim(3));
        OnnxType type = c.hasAttribute("softmax_precision") ? OnnxType.ofCode(c.i("softmax_precision", 1))
                : q.type() == OnnxType.DOUBLE ? OnnxType.DOUBLE : OnnxType.FLOAT;
        OnnxTensor scores = CastOps.cast(c, ProductOps.matMul(c, CastOps.cast(c, q, type), ProductOps.swapped(c, CastOps.cast(c, k, type)),
                (float) scale), type);
        if (c.hasAttribute("score_mod")) {
            scores = (OnnxTensor) c.run(c.graph("score_mod"), scores)[0];
        }
        OnnxTensor p = c.like(scores);
        for (long r = 0; r < scores.size() / Math.max(1, scores.dim(3)); r++) {
            SoftmaxOps.row(c.elements(), scores, p, r * scores.dim(3), scores.dim(3), 1, false);
        }
        if (c.hasAttribute("prob_mod")) {
            p = (OnnxTensor) c.run(c.graph("prob_mod"), p)[0];
        }
        return CastOps.cast(c, ProductOps.matMul(c, p, CastOps.cast(c, v, type), 1), c.in(2).type());
    }
}
