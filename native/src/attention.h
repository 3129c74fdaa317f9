/*
 * Attention with one head's keys, values and a tile of scores in cache. Keys are packed transposed and values side by
 * side, both padded to whole vectors, so that the two products are register-blocked and have no tails inside.
 */
#pragma once

#include <limits>
#include <omp.h>

#include "kernels.h"
#include "products.h"
#include "vec.h"

namespace GATUN_NAMESPACE {

constexpr float HIDDEN = -std::numeric_limits<float>::infinity();

struct head_buffers {
    float *keys;   /* panels of [head_dim, PANEL keys] */
    float *values; /* [keys, padded(head_dim)] */
    float *scores; /* [ROWS, padded(keys)] */
    float *result; /* [ROWS, padded(head_dim)] */
};

static int64_t scratch_floats(int64_t keys, int64_t head_dim) {
    return head_dim * padded(keys) + keys * padded(head_dim) + ROWS * (padded(keys) + padded(head_dim));
}

/* W keys become W columns of their panel, whose rows are width apart; those that do not exist become zeros. */
static void pack_keys(float *panel, int64_t width, const float *k, int64_t stride, int64_t keys, int64_t head_dim) {
    vf block[W];
    for (int64_t d = 0; d < head_dim; d += W) {
        int64_t dims = head_dim - d < W ? head_dim - d : W;
        for (int64_t j = 0; j < W; j++)
            block[j] = j >= keys ? vf{} : dims == W ? load(k + j * stride + d) : load_n(k + j * stride + d, dims);
        transpose(block);
        for (int64_t i = 0; i < dims; i++) store(panel + (d + i) * width, block[i]);
    }
}

static void pack_head(const head_buffers &to, const float *k, int64_t k_stride, const float *v, int64_t v_stride,
                      int64_t keys, int64_t head_dim) {
    int64_t ld = padded(keys), vd = padded(head_dim);
    for (int64_t j = 0; j < ld; j += W) {
        int64_t first = j / PANEL * PANEL, width = ld - first < PANEL ? W : PANEL;
        pack_keys(to.keys + first * head_dim + (j - first), width, k + j * k_stride, k_stride, keys - j, head_dim);
    }
    for (int64_t j = 0; j < keys; j++) {
        float *row = to.values + j * vd;
        const float *from = v + j * v_stride;
        for (int64_t d = 0; d + W <= head_dim; d += W) store(row + d, load(from + d));
        if (vd > head_dim) store(row + vd - W, load_n(from + vd - W, head_dim - (vd - W)));
    }
}

/* scores = scale * scores + mask, -infinity where padded; visible is the number of scores. */
static void mask_row(float *scores, int64_t visible, float scale, const float *mask, const uint8_t *padding) {
    for (int64_t j = 0; j < visible; j += W) {
        int64_t n = visible - j < W ? visible - j : W;
        vf s = load(scores + j) * scale;
        if (mask) s += n == W ? load(mask + j) : load_n(mask + j, n);
        if (padding) s = select(marked(padding + j, n), set(HIDDEN), s);
        store(scores + j, s);
    }
}

/* The rare row whose highest score is -infinity: all hidden, which gives zeros, or NaN among them, which compares false. */
static void settle_row(float *scores, int64_t visible, int64_t ld) {
    bool has_nan = false;
    for (int64_t j = 0; j < visible; j++) has_nan |= scores[j] != scores[j];
    for (int64_t j = 0; j < ld; j++) scores[j] = has_nan && j < visible ? scores[j] : 0;
}

/* scores[i][0 .. visible[i]) -> exp(scale * (scores - max)), the rest up to columns -> 0; factors[i] becomes one over
 * their sum, by which the result has still to be multiplied. scale > 0. Each step goes over all rows before the next begins:
 * the reductions inside a vector are long chains, which only those of other rows can hide. */
static void softmax_rows(int64_t rows, float *scores, int64_t ld, int64_t columns, const int64_t *visible, float scale,
                         float *factors) {
    const float LOG2_E = 1.44269504088896341f, LARGEST = std::numeric_limits<float>::max();
    const vf factor = set(scale * LOG2_E), lowest = max(set(-126.0f / (scale * LOG2_E)), set(-LARGEST));
    vf highest[ROWS], totals[ROWS];
    for (int64_t i = 0; i < rows; i++) {
        float *row = scores + i * ld;
        int64_t end = padded(visible[i]), tail = visible[i] % W;
        if (tail) store(row + end - W, first_lanes(load(row + end - W), tail, HIDDEN));
        vf m = set(HIDDEN);
        for (int64_t j = 0; j < end; j += W) m = max(load(row + j), m);
        highest[i] = m;
    }
    for (int64_t i = 0; i < rows; i++) highest[i] = set(maximum(highest[i]));
    for (int64_t i = 0; i < rows; i++) {
        float *row = scores + i * ld;
        int64_t end = padded(visible[i]);
        if (highest[i][0] == HIDDEN) {
            settle_row(row, visible[i], columns);
            totals[i] = set(1.0f / W);
            continue;
        }
        /* The difference first: it is exact where it matters, however large the scores are. */
        vf total{};
        for (int64_t j = 0; j < end; j += W) {
            vf e = exp2_below(load(row + j) - highest[i], factor, lowest);
            store(row + j, e);
            total += e;
        }
        totals[i] = total;
        for (int64_t j = end; j < columns; j += W) store(row + j, vf{});
    }
    for (int64_t i = 0; i < rows; i++) factors[i] = 1.0f / sum(totals[i]);
}

/* Rows i0 .. i0 + rows of one head's queries. */
static void attend_tile(const gatun_attention_args &a, const head_buffers &head, int64_t seq, int64_t h, int64_t i0,
                        int64_t rows) {
    int64_t q0 = a.q_offsets[seq], k0 = a.kv_offsets[seq], keys = a.kv_offsets[seq + 1] - k0, d = a.head_dim;
    int64_t hidden = a.causal ? a.q_offsets[seq + 1] - q0 - keys : 0; /* queries before the first key */
    int64_t last = a.causal ? i0 + rows - hidden : keys;
    int64_t used = last < 0 ? 0 : last < keys ? last : keys;
    int64_t ld = padded(keys), columns = padded(used), vd = padded(d);
    const float *q = a.q + (q0 + i0) * a.q_stride + h * d;
    float *out = a.out + (q0 + i0) * a.out_stride + h * d;
    const float *mask = a.mask ? a.mask + seq * a.mask_seq_stride + h * a.mask_head_stride : nullptr;
    const uint8_t *padding = a.key_padding ? a.key_padding + k0 : nullptr;
    bool plain = !mask && !padding && a.scale > 0;
    product_panels(rows, q, a.q_stride, head.keys, d, ld, head.scores, ld, columns);
    int64_t visible[ROWS];
    for (int64_t i = 0; i < rows; i++) {
        int64_t end = a.causal ? i0 + i + 1 - hidden : keys;
        visible[i] = end < 0 ? 0 : end < used ? end : used;
        if (!plain)
            mask_row(head.scores + i * ld, visible[i], a.scale, mask ? mask + (i0 + i) * a.mask_row_stride : nullptr, padding);
    }
    float factors[ROWS];
    softmax_rows(rows, head.scores, ld, columns, visible, plain ? a.scale : 1.0f, factors);
    product_rows(rows, head.scores, ld, head.values, vd, used, head.result, vd, vd);
    for (int64_t i = 0; i < rows; i++) {
        const float *from = head.result + i * vd;
        float *to = out + i * a.out_stride;
        int64_t j = 0;
        for (; j + W <= d; j += W) store(to + j, load(from + j) * factors[i]);
        if (j < d) store_n(to + j, load(from + j) * factors[i], d - j);
    }
}

static void attend_head(const gatun_attention_args &a, int64_t seq, int64_t h, float *scratch) {
    int64_t queries = a.q_offsets[seq + 1] - a.q_offsets[seq];
    int64_t k0 = a.kv_offsets[seq], keys = a.kv_offsets[seq + 1] - k0;
    int64_t d = a.head_dim, kv_head = h / (a.num_heads / a.num_kv_heads);
    if (queries == 0) return;
    head_buffers head;
    head.keys = scratch;
    head.values = head.keys + d * padded(keys);
    head.scores = head.values + keys * padded(d);
    head.result = head.scores + ROWS * padded(keys);
    pack_head(head, a.k + k0 * a.k_stride + kv_head * d, a.k_stride, a.v + k0 * a.v_stride + kv_head * d, a.v_stride, keys,
              d);
    /* Tiles of nearly equal size: a last tile of few rows would not fill the multipliers. */
    int64_t tiles = (queries + ROWS - 1) / ROWS;
    for (int64_t t = 0; t < tiles; t++) {
        int64_t first = t * queries / tiles, end = (t + 1) * queries / tiles;
        attend_tile(a, head, seq, h, first, end - first);
    }
}

static void attention(const gatun_attention_args *args) {
    int64_t longest = 0, pairs = args->num_seqs * args->num_heads;
    for (int64_t s = 0; s < args->num_seqs; s++) {
        int64_t keys = args->kv_offsets[s + 1] - args->kv_offsets[s];
        longest = keys > longest ? keys : longest;
    }
    int64_t stride = (scratch_floats(longest, args->head_dim) + 15) / 16 * 16;
#pragma omp parallel for schedule(dynamic, 1) if (pairs > 1 && omp_get_max_threads() > 1)
    for (int64_t pair = 0; pair < pairs; pair++)
        attend_head(*args, pair / args->num_heads, pair % args->num_heads,
                    static_cast<float *>(args->scratch) + omp_get_thread_num() * stride);
}

} // namespace
