/*
 * Attention with one head's keys, values and a tile of scores in cache. Keys are packed transposed and values side by
 * side, both padded to whole vectors, so that the two products are register-blocked and have no tails inside.
 */
#pragma once

#include <cmath>
#include <limits>
#include <omp.h>

#include "kernels.h"
#include "vec.h"

namespace GATUN_NAMESPACE {

/* Rows of queries in registers at once: accumulators are ROWS x 2 vectors. */
constexpr int ROWS = VEC_BYTES == 64 ? 12 : VEC_BYTES == 32 ? 6 : 4;

static inline int64_t padded(int64_t n) { return (n + W - 1) / W * W; }
/* Products work on two vectors of columns at a time. */
static inline int64_t padded2(int64_t n) { return (n + 2 * W - 1) / (2 * W) * (2 * W); }

/* c[MR, 2 vectors] = a[MR, k] b[k, ...]; b's rows are ldb apart. */
template <int MR>
static inline void product(const float *a, int64_t lda, const float *b, int64_t ldb, int64_t k, float *c, int64_t ldc) {
    vf acc[MR][2];
    for (int i = 0; i < MR; i++) acc[i][0] = acc[i][1] = vf{};
    for (int64_t p = 0; p < k; p++) {
        vf b0 = load(b + p * ldb), b1 = load(b + p * ldb + W);
#pragma GCC unroll 16
        for (int i = 0; i < MR; i++) {
            vf x = set(a[i * lda + p]);
            acc[i][0] += x * b0;
            acc[i][1] += x * b1;
        }
    }
    for (int i = 0; i < MR; i++) {
        store(c + i * ldc, acc[i][0]);
        store(c + i * ldc + W, acc[i][1]);
    }
}

template <int MR>
static void product_columns(const float *a, int64_t lda, const float *b, int64_t ldb, int64_t k, float *c, int64_t ldc,
                            int64_t columns) {
    for (int64_t j = 0; j < columns; j += 2 * W) product<MR>(a, lda, b + j, ldb, k, c + j, ldc);
}

static void product_rows(int64_t rows, const float *a, int64_t lda, const float *b, int64_t ldb, int64_t k, float *c,
                         int64_t ldc, int64_t columns) {
    while (rows > 0) {
        int64_t done;
        if (rows >= ROWS) { product_columns<ROWS>(a, lda, b, ldb, k, c, ldc, columns); done = ROWS; }
        else if (rows >= 4) { product_columns<4>(a, lda, b, ldb, k, c, ldc, columns); done = 4; }
        else if (rows >= 2) { product_columns<2>(a, lda, b, ldb, k, c, ldc, columns); done = 2; }
        else { product_columns<1>(a, lda, b, ldb, k, c, ldc, columns); done = 1; }
        rows -= done;
        a += done * lda;
        c += done * ldc;
    }
}

struct head_buffers {
    float *keys;   /* [head_dim, padded2(keys)] */
    float *values; /* [keys, padded2(head_dim)] */
    float *scores; /* [ROWS, padded2(keys)] */
    float *result; /* [ROWS, padded2(head_dim)] */
};

static int64_t scratch_floats(int64_t keys, int64_t head_dim) {
    return head_dim * padded2(keys) + keys * padded2(head_dim) + ROWS * (padded2(keys) + padded2(head_dim));
}

static void pack_head(const head_buffers &buffers, const float *k, int64_t k_stride, const float *v, int64_t v_stride,
                      int64_t keys, int64_t head_dim) {
    int64_t ld = padded2(keys), vd = padded2(head_dim);
    for (int64_t d = 0; d < head_dim; d++) {
        float *row = buffers.keys + d * ld;
        for (int64_t j = keys; j < ld; j++) row[j] = 0;
    }
    for (int64_t j0 = 0; j0 < keys; j0 += 16) {
        int64_t end = j0 + 16 < keys ? j0 + 16 : keys;
        for (int64_t d = 0; d < head_dim; d++)
            for (int64_t j = j0; j < end; j++) buffers.keys[d * ld + j] = k[j * k_stride + d];
    }
    for (int64_t j = 0; j < keys; j++) {
        std::memcpy(buffers.values + j * vd, v + j * v_stride, head_dim * sizeof(float));
        for (int64_t d = head_dim; d < vd; d++) buffers.values[j * vd + d] = 0;
    }
}

/* scores[0 .. visible) -> exp(scores - max), the rest up to the padding -> 0; returns one over their sum, by which the
 * result has still to be multiplied. A row whose keys are all masked becomes zeros. */
static float softmax_row(float *scores, int64_t visible, int64_t ld, float scale, const float *mask,
                        const uint8_t *padding) {
    const float hidden = -std::numeric_limits<float>::infinity();
    for (int64_t j = visible; j < ld; j++) scores[j] = hidden;
    int64_t whole = padded(visible);
    vf m = set(hidden);
    if (mask || padding) {
        for (int64_t j = 0; j < visible; j++) {
            float s = scores[j] * scale + (mask ? mask[j] : 0);
            scores[j] = padding && padding[j] ? hidden : s;
        }
        for (int64_t j = 0; j < whole; j += W) m = max(load(scores + j), m);
    } else {
        for (int64_t j = 0; j < whole; j += W) {
            vf s = load(scores + j) * scale;
            store(scores + j, s);
            m = max(s, m);
        }
    }
    float highest = maximum(m);
    if (highest == hidden) {
        /* All hidden, or NaN among them: NaN compares false, so it must be looked for. */
        bool has_nan = false;
        for (int64_t j = 0; j < visible; j++) has_nan |= scores[j] != scores[j];
        for (int64_t j = 0; j < ld; j++) scores[j] = has_nan && j < visible ? scores[j] : 0;
        return 1;
    }
    vf total{};
    for (int64_t j = 0; j < whole; j += W) {
        vf e = exp(load(scores + j) - highest);
        store(scores + j, e);
        total += e;
    }
    for (int64_t j = whole; j < ld; j++) scores[j] = 0;
    return 1.0f / sum(total);
}

static void attend_head(const gatun_attention_args &a, int64_t seq, int64_t head, float *scratch) {
    int64_t q0 = a.q_offsets[seq], queries = a.q_offsets[seq + 1] - q0;
    int64_t k0 = a.kv_offsets[seq], keys = a.kv_offsets[seq + 1] - k0;
    int64_t d = a.head_dim, kv_head = head / (a.num_heads / a.num_kv_heads);
    int64_t ld = padded2(keys), vd = padded2(d);
    head_buffers buffers;
    buffers.keys = scratch;
    buffers.values = buffers.keys + d * ld;
    buffers.scores = buffers.values + keys * vd;
    buffers.result = buffers.scores + ROWS * ld;
    if (queries > 0 && keys > 0)
        pack_head(buffers, a.k + k0 * a.k_stride + kv_head * d, a.k_stride, a.v + k0 * a.v_stride + kv_head * d, a.v_stride,
                  keys, d);
    const float *mask = a.mask ? a.mask + seq * a.mask_seq_stride + head * a.mask_head_stride : nullptr;
    for (int64_t i0 = 0; i0 < queries; i0 += ROWS) {
        int64_t rows = queries - i0 < ROWS ? queries - i0 : ROWS;
        const float *q = a.q + (q0 + i0) * a.q_stride + head * d;
        float *out = a.out + (q0 + i0) * a.out_stride + head * d;
        int64_t last = a.causal ? i0 + rows + keys - queries : keys;
        int64_t used = last < 0 ? 0 : last < keys ? last : keys;
        int64_t columns = padded2(used);
        product_rows(rows, q, a.q_stride, buffers.keys, ld, d, buffers.scores, ld, columns);
        float factors[ROWS];
        for (int64_t i = 0; i < rows; i++) {
            int64_t visible = a.causal ? i0 + i + 1 + keys - queries : keys;
            visible = visible < 0 ? 0 : visible < used ? visible : used;
            factors[i] = softmax_row(buffers.scores + i * ld, visible, columns, a.scale, mask ? mask + (i0 + i) * a.mask_row_stride : nullptr,
                        a.key_padding ? a.key_padding + k0 : nullptr);
        }
        product_rows(rows, buffers.scores, ld, buffers.values, vd, used, buffers.result, vd, vd);
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < d; j++) out[i * a.out_stride + j] = buffers.result[i * vd + j] * factors[i];
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
