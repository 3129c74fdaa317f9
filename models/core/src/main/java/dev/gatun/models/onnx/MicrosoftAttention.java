package dev.gatun.models.onnx;

import java.util.Arrays;
import java.util.List;

/** Attention, embeddings and packed weights of com.microsoft, which ONNX Runtime's optimizer and its exporters of language models write. */
final class MicrosoftAttention {
    private MicrosoftAttention() {
    }

    /** The kernel of this family, or null. */
    static Kernel find(String op) {
        return switch (op) {
            case Operators.MICROSOFT + ":Attention" -> Operators.many(c -> {
                OnnxTensor all = ProductOps.matMul(c, c.in(0), c.in(1), 1);
                c.require(!c.has(6), "a past that is written over is not computed");
                return attention(c, c.has(2) ? BinaryOps.real(c, all, c.in(2), Double::sum) : all, c.opt(3), c.opt(4), c.opt(5));
            });
            case Operators.MICROSOFT + ":QAttention" -> Operators.many(c -> {
                OnnxTensor sums = QuantOps.matMulInteger(c, c.in(0), c.in(1), c.opt(6), c.opt(7));
                return attention(c, QuantOps.scaled(c, sums, c.in(3), c.in(4), c.in(2)), c.opt(5), c.opt(8), null);
            });
            case Operators.MICROSOFT + ":MultiHeadAttention" -> Operators.many(MicrosoftAttention::multiHead);
            case Operators.MICROSOFT + ":GroupQueryAttention" -> Operators.many(MicrosoftAttention::groupQuery);
            case Operators.MICROSOFT + ":EmbedLayerNormalization" -> Operators.many(MicrosoftAttention::embedding);
            case Operators.MICROSOFT + ":RotaryEmbedding" -> Operators.one(c -> {
                c.require(!c.flag("is_packed_batching") && c.f("scale", 1) == 1, "is_packed_batching and scale are not computed");
                boolean flat = c.in(0).rank() == 3;
                long size = c.i("rotary_embedding_dim", 0) == 0 ? c.in(2).dim(-1) * 2 : c.in(0).dim(-1) / Math.max(1, c.i("num_heads", 1));
                long heads = flat ? c.in(0).dim(-1) / size : 0;
                return AttentionOps.rotary(c, c.in(0), c.in(2), c.in(3), c.in(1), c.flag("interleaved"),
                        c.i("rotary_embedding_dim", 0), heads);
            });
            case Operators.MICROSOFT + ":MatMulNBits" -> Operators.one(c -> {
                OnnxTensor w = weights(c);
                OnnxTensor y = ProductOps.matMul(c, c.in(0), w, 1);
                return c.has(5) ? BinaryOps.real(c, y, c.in(5), Double::sum) : y;
            });
            default -> null;
        };
    }

    /** Q, K and V side by side, [B, L, 3 H]. */
    private static OnnxValue[] attention(Call c, OnnxTensor all, OnnxTensor mask, OnnxTensor past, OnnxTensor added) {
        long heads = c.i("num_heads", 0);
        c.require(heads > 0 && all.rank() == 3 && !c.flag("do_rotary") && !c.flag("past_present_share_buffer"),
                "do_rotary and past_present_share_buffer are not computed");
        long[] sizes = c.ints("qkv_hidden_sizes");
        sizes = sizes != null ? sizes : new long[] {all.dim(2) / 3, all.dim(2) / 3, all.dim(2) / 3};
        c.require(sizes.length == 3 && Arrays.stream(sizes).sum() == all.dim(2), "qkv_hidden_sizes do not fit the weights");
        OnnxTensor[] parts = new OnnxTensor[3];
        long at = 0;
        for (int i = 0; i < 3; i++) {
            parts[i] = AttentionOps.heads(c, columns(c, all, at, sizes[i]), heads);
            at += sizes[i];
        }
        OnnxTensor k = past == null ? parts[1]
                : MoveOps.concat(c, 2, past.rows(0, 1).view(Arrays.copyOfRange(past.dims(), 1, 5)), parts[1]);
        OnnxTensor v = past == null ? parts[2]
                : MoveOps.concat(c, 2, past.rows(1, 1).view(Arrays.copyOfRange(past.dims(), 1, 5)), parts[2]);
        OnnxTensor y = attend(c, parts[0], k, v, mask, added);
        OnnxTensor present = c.wants(1) ? MoveOps.concat(c, 0, k.view(with(1, k.dims())), v.view(with(1, v.dims()))) : null;
        return new OnnxValue[] {y, present};
    }

    private static long[] with(long first, long[] dims) {
        long[] all = new long[dims.length + 1];
        all[0] = first;
        System.arraycopy(dims, 0, all, 1, dims.length);
        return all;
    }

    private static OnnxTensor columns(Call c, OnnxTensor x, long from, long count) {
        long[] dims = x.dims();
        dims[dims.length - 1] = count;
        return MoveOps.gathered(c, x, dims, from, Walk.dense(x.dims()));
    }

    private static OnnxTensor attend(Call c, OnnxTensor q, OnnxTensor k, OnnxTensor v, OnnxTensor mask, OnnxTensor added) {
        long queries = q.dim(2);
        long keys = k.dim(2);
        AttentionOps.Bias hidden = mask == null ? null : hidden(c, mask, q.dim(0), queries, keys, c.f("mask_filter_value", -10000));
        AttentionOps.Bias bias = added == null ? null : AttentionOps.masked(added, new long[] {q.dim(0), q.dim(1), queries, keys});
        boolean causal = c.flag("unidirectional");
        AttentionOps.Bias all = hidden == null && bias == null && !causal ? null : (b, h, i, j) -> causal && j > i + keys - queries
                ? Double.NEGATIVE_INFINITY
                : (hidden == null ? 0 : hidden.at(b, h, i, j)) + (bias == null ? 0 : bias.at(b, h, i, j));
        double scale = c.f("scale", 0) == 0 ? 1 / Math.sqrt(q.dim(3)) : c.f("scale", 0);
        return AttentionOps.joined(c, AttentionOps.attend(c, q, k, v, scale, 0, all, -1)[0]);
    }

    /** Integers: how many keys are seen [B], or from where to where [2 B], or for each key [B, T] or query and key [B, L, T] if so. */
    private static AttentionOps.Bias hidden(Call c, OnnxTensor mask, long batch, long queries, long keys, double value) {
        long size = mask.size();
        if (mask.rank() == 1 && (size == batch || size == 2 * batch)) {
            return (b, h, i, j) -> j < mask.whole(b) && (size == batch || j >= mask.whole(batch + b)) ? 0 : value;
        }
        boolean each = mask.rank() == 3 && size == batch * queries * keys;
        c.require(each || mask.rank() == 2 && size == batch * keys, "the mask fits neither [B], [2 B], [B, T] nor [B, L, T]");
        return (b, h, i, j) -> mask.whole((each ? b * queries + i : b) * keys + j) != 0 ? 0 : value;
    }

    private static OnnxValue[] multiHead(Call c) {
        OnnxTensor q = c.in(0);
        long heads = c.i("num_heads", 0);
        c.require(heads > 0 && !c.has(8) && !c.has(9), "past_sequence_length and cache_indirection are not computed");
        OnnxTensor k;
        OnnxTensor v;
        if (q.rank() == 5) {
            OnnxTensor all = MoveOps.transpose(c, q, 3, 0, 2, 1, 4);
            long[] dims = Arrays.copyOfRange(all.dims(), 1, 5);
            q = all.rows(0, 1).view(dims);
            k = all.rows(1, 1).view(dims);
            v = all.rows(2, 1).view(dims);
            c.require(!c.has(3), "a bias of packed queries, keys and values is not computed");
        } else {
            long hidden = q.dim(2);
            q = AttentionOps.heads(c, biased(c, q, 0, hidden), heads);
            if (c.in(1).rank() == 5) {
                OnnxTensor all = MoveOps.transpose(c, c.in(1), 3, 0, 2, 1, 4);
                long[] dims = Arrays.copyOfRange(all.dims(), 1, 5);
                k = all.rows(0, 1).view(dims);
                v = all.rows(1, 1).view(dims);
            } else if (c.in(1).rank() == 4) {
                k = c.in(1);
                v = c.in(2);
            } else {
                k = AttentionOps.heads(c, biased(c, c.in(1), hidden, c.in(1).dim(2)), heads);
                v = AttentionOps.heads(c, biased(c, c.in(2), hidden + c.in(1).dim(2), c.in(2).dim(2)), heads);
            }
        }
        k = c.has(6) ? MoveOps.concat(c, 2, c.in(6), k) : k;
        v = c.has(7) ? MoveOps.concat(c, 2, c.in(7), v) : v;
        return new OnnxValue[] {attend(c, q, k, v, c.opt(4), c.opt(5)), k, v};
    }

    private static OnnxTensor biased(Call c, OnnxTensor x, long from, long count) {
        return c.has(3) ? BinaryOps.real(c, x, columns(c, c.in(3), from, count), Double::sum) : x;
    }

    /** Causal; keys and values of fewer heads; all sequences of one length. */
    private static OnnxValue[] groupQuery(Call c) {
        int heads = (int) c.i("num_heads", 0);
        int kvHeads = (int) c.i("kv_num_heads", 0);
        OnnxTensor x = c.in(0);
        c.require(heads > 0 && kvHeads > 0 && x.rank() == 3 && !c.flag("smooth_softmax") && !c.has(11) && c.i("k_quant_type", 0) == 0,
                "smooth_softmax, head sinks and quantized caches are not computed");
        boolean packed = !c.has(1);
        long d = x.dim(2) / (packed ? heads + 2L * kvHeads : heads);
        OnnxTensor q = AttentionOps.heads(c, packed ? columns(c, x, 0, heads * d) : x, heads);
        OnnxTensor k = AttentionOps.heads(c, packed ? columns(c, x, heads * d, kvHeads * d) : c.in(1), kvHeads);
        OnnxTensor v = AttentionOps.heads(c, packed ? columns(c, x, (heads + kvHeads) * d, kvHeads * d) : c.in(2), kvHeads);
        long past = c.has(3) ? c.in(3).dim(2) : 0;
        long total = c.in(6).whole(0);
        long queries = q.dim(2);
        c.require(total == past + queries || past == 0, "a cache with room for more than it holds is not computed");
        for (long b = 0; b < q.dim(0); b++) {
            c.require(c.in(5).whole(b) + 1 == past + queries, "sequences of different lengths are not computed: seqlens_k "
                    + c.in(5).whole(b) + ", expected " + (past + queries - 1));
        }
        if (c.flag("do_rotary")) {
            OnnxTensor positions = c.has(9) ? c.in(9) : c.ofLongs(new long[] {past});
            q = AttentionOps.rotary(c, q, c.in(7), c.in(8), positions, c.flag("rotary_interleaved"), 2 * c.in(7).dim(-1), 0);
            k = AttentionOps.rotary(c, k, c.in(7), c.in(8), positions, c.flag("rotary_interleaved"), 2 * c.in(7).dim(-1), 0);
        }
        OnnxTensor keys = past > 0 ? MoveOps.concat(c, 2, c.in(3), k) : k;
        OnnxTensor values = past > 0 ? MoveOps.concat(c, 2, c.in(4), v) : v;
        long window = c.i("local_window_size", -1);
        AttentionOps.Bias added = c.has(10) ? AttentionOps.masked(c.in(10), new long[] {q.dim(0), heads, queries, keys.dim(2)}) : null;
        AttentionOps.Bias bias = (b, h, i, j) -> j > past + i || window > 0 && j <= past + i - window ? Double.NEGATIVE_INFINITY
                : added == null ? 0 : added.at(b, h, i, j);
        double scale = c.f("scale", 0) == 0 ? 1 / Math.sqrt(d) : c.f("scale", 0);
        OnnxTensor y = AttentionOps.attend(c, q, keys, values, scale, c.f("softcap", 0), bias, -1)[0];
        return new OnnxValue[] {AttentionOps.joined(c, y), keys, values};
    }

    /** norm(words + positions + segments); also how many tokens each text has, and the sum itself. */
    private static OnnxValue[] embedding(Call c) {
        OnnxTensor ids = c.in(0);
        OnnxTensor words = c.in(2);
        OnnxTensor places = c.in(3);
        OnnxTensor segments = c.opt(4);
        long d = words.dim(1);
        long length = ids.dim(1);
        OnnxTensor sum = c.make(OnnxType.FLOAT, ids.dim(0), length, d);
        for (long t = 0; t < ids.size(); t++) {
            long word = GatherOps.index(ids.whole(t), words.dim(0)) * d;
            long place = GatherOps.index(c.has(8) ? c.in(8).whole(c.in(8).size() == length ? t % length : t) : t % length,
                    places.dim(0)) * d;
            long segment = segments == null ? 0 : GatherOps.index(c.in(1).whole(t), segments.dim(0)) * d;
            for (long i = 0; i < d; i++) {
                sum.put(t * d + i, (float) (words.real(word + i) + places.real(place + i)) + (segments == null ? 0 : segments.real(segment
                        + i)));
            }
        }
        OnnxTensor counts = c.zeros(OnnxType.INT32, ids.dim(0));
        for (long t = 0; t < ids.size() && c.has(7); t++) {
            counts.putWhole(t / length, counts.whole(t / length) + (c.in(7).whole(t) != 0 ? 1 : 0));
        }
        OnnxTensor y = (OnnxTensor) NormOps.layer(c, sum, c.in(5), c.in(6), 2, c.f("epsilon", 1e-12))[0];
        return new OnnxValue[] {y, counts, sum};
    }

    /** [K, N] of blocks of 2, 4 or 8 bits; made once of a constant. */
    private static OnnxTensor weights(Call c) {
        Packed packed = c.natives().packed();
        OnnxTensor b = c.in(1);
        c.require(!c.has(4), "g_idx is not computed");
        List<Object> how = List.of("bits", c.i("bits", 4), c.in(2).segment().address());
        return packed.isConstant(b) && c.natives().ready() ? packed.get(b, how, arena -> {
            OnnxTensor w = OnnxTensor.allocate(arena, OnnxType.FLOAT, c.i("K", 0), c.i("N", 0));
            widen(c, w);
            packed.constant(w);
            return w;
        }) : widened(c);
    }

    private static OnnxTensor widened(Call c) {
        OnnxTensor w = c.make(OnnxType.FLOAT, c.i("K", 0), c.i("N", 0));
        widen(c, w);
        return w;
    }

    private static void widen(Call c, OnnxTensor w) {
        int bits = (int) c.i("bits", 4);
        long block = c.i("block_size", 0);
        long k = w.dim(0);
        long n = w.dim(1);
        c.require((bits == 2 || bits == 4 || bits == 8) && block >= 16, "expected 2, 4 or 8 bits and a block_size of 16 or more");
        long blocks = Math.ceilDiv(k, block);
        long blob = block * bits / 8;
        OnnxTensor zeros = c.opt(3);
        boolean real = zeros != null && zeros.type().isReal();
        long zeroBytes = Math.ceilDiv(blocks * bits, 8);
        c.require(c.in(1).size() == n * blocks * blob && c.in(2).size() == n * blocks
                && (zeros == null || zeros.size() == (real ? n * blocks : n * zeroBytes)), "weights, scales or zero points do not fit");
        for (long col = 0; col < n; col++) {
            for (long row = 0; row < k; row++) {
                long at = col * blocks + row / block;
                double zero = zeros == null ? 1 << bits - 1 : real ? zeros.real(at)
                        : unpacked(zeros, col * zeroBytes, row / block, bits);
                w.put(row * n + col, (unpacked(c.in(1), at * blob, row % block, bits) - zero) * c.in(2).real(at));
            }
        }
    }

    private static long unpacked(OnnxTensor bytes, long start, long i, int bits) {
        return bytes.whole(start + i * bits / 8) >> i * bits % 8 & (1 << bits) - 1;
    }
}
