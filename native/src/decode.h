/* Decoding token by token: keys and values in blocks that sequences share, and choosing among logits. */
#pragma once

#include <cmath>
#include <limits>
#include <omp.h>

#include "kernels.h"
#include "vec.h"

namespace GATUN_NAMESPACE {

constexpr int64_t BLOCK = GATUN_KV_BLOCK;
/* Vectors of a block's scores, and sums kept apart so that four additions are always under way. */
constexpr int64_t BLOCK_VECTORS = BLOCK / W;
constexpr int64_t CHAINS = BLOCK_VECTORS >= 4 ? 1 : 4 / BLOCK_VECTORS;
/* Fewer products than this are not worth waking threads for. */
constexpr int64_t PARALLEL_PRODUCTS = 1 << 16;

/* A layer's part of a block: keys [heads][dim][BLOCK], so that a vector holds several tokens; values [heads][BLOCK][dim]. */
static void kv_put(float *part, const float *k, const float *v, int64_t slot, int64_t heads, int64_t dim) {
    float *values = part + heads * dim * BLOCK;
    for (int64_t h = 0; h < heads; h++) {
        float *keys = part + h * dim * BLOCK + slot;
        for (int64_t d = 0; d < dim; d++) keys[d * BLOCK] = k[h * dim + d];
        std::memcpy(values + (h * BLOCK + slot) * dim, v + h * dim, dim * sizeof(float));
    }
}

static void kv_store(const gatun_kv_store_args *a) {
    for (int64_t s = 0; s < a->num_seqs; s++) {
        int64_t first = a->offsets[s], rows = a->offsets[s + 1] - first;
        for (int64_t i = 0; i < rows; i++)
            kv_put(a->tables[s][i / BLOCK] + a->part, a->k + (first + i) * a->stride, a->v + (first + i) * a->stride, i % BLOCK,
                   a->num_kv_heads, a->head_dim);
    }
}

static inline void block_scores(const float *keys, const float *q, int64_t dim, float scale, float *scores) {
    vf sums[CHAINS][BLOCK_VECTORS];
    for (int64_t c = 0; c < CHAINS; c++)
        for (int64_t j = 0; j < BLOCK_VECTORS; j++) sums[c][j] = vf{};
    int64_t whole = dim / CHAINS * CHAINS;
    for (int64_t d = 0; d < whole; d += CHAINS)
        for (int64_t c = 0; c < CHAINS; c++)
            for (int64_t j = 0; j < BLOCK_VECTORS; j++) sums[c][j] += q[d + c] * load(keys + (d + c) * BLOCK + j * W);
    for (int64_t d = whole; d < dim; d++)
        for (int64_t j = 0; j < BLOCK_VECTORS; j++) sums[0][j] += q[d] * load(keys + d * BLOCK + j * W);
    for (int64_t j = 0; j < BLOCK_VECTORS; j++) {
        vf total = sums[0][j];
        for (int64_t c = 1; c < CHAINS; c++) total += sums[c][j];
        store(scores + j * W, total * scale);
    }
}

/* out[0 .. N vectors) = factor * sum over keys of scores[key] * value[key][column ..] */
template <int N>
static void weigh(const float *const *table, int64_t at, const float *scores, int64_t keys, int64_t dim, float factor, float *out) {
    vf sums[N];
    for (int i = 0; i < N; i++) sums[i] = vf{};
    for (int64_t first = 0; first < keys; first += BLOCK) {
        const float *values = table[first / BLOCK] + at;
        int64_t n = keys - first < BLOCK ? keys - first : BLOCK;
        for (int64_t t = 0; t < n; t++)
            for (int i = 0; i < N; i++) sums[i] += scores[first + t] * load(values + t * dim + i * W);
    }
    for (int i = 0; i < N; i++) store(out + i * W, sums[i] * factor);
}

static void weigh_tail(const float *const *table, int64_t at, const float *scores, int64_t keys, int64_t dim, float factor, float *out,
                       int64_t columns) {
    vf sum{};
    for (int64_t key = 0; key < keys; key++)
        sum += scores[key] * load_n(table[key / BLOCK] + at + key % BLOCK * dim, columns);
    store_n(out, sum * factor, columns);
}

static void paged_head(const gatun_paged_attention_args &a, int64_t row, int64_t head, float *scores) {
    const float hidden = -std::numeric_limits<float>::infinity();
    int64_t keys = a.lengths[row], dim = a.head_dim, kv_head = head / (a.num_heads / a.num_kv_heads);
    float *out = a.out + row * a.out_stride + head * dim;
    if (keys <= 0) {
        std::memset(out, 0, dim * sizeof(float));
        return;
    }
    const float *const *table = a.tables[row];
    const float *q = a.q + row * a.q_stride + head * dim;
    int64_t key_at = a.part + kv_head * dim * BLOCK, value_at = key_at + a.num_kv_heads * dim * BLOCK;
    int64_t end = (keys + BLOCK - 1) / BLOCK * BLOCK;
    for (int64_t first = 0; first < keys; first += BLOCK)
        block_scores(table[first / BLOCK] + key_at, q, dim, a.scale, scores + first);
    for (int64_t j = keys; j < end; j++) scores[j] = hidden;
    vf m = set(hidden);
    for (int64_t j = 0; j < end; j += W) m = max(load(scores + j), m);
    float highest = maximum(m);
    vf total{};
    for (int64_t j = 0; j < end; j += W) {
        vf e = exp(load(scores + j) - highest);
        store(scores + j, e);
        total += e;
    }
    float factor = 1.0f / sum(total);
    int64_t d = 0;
    for (; d + 4 * W <= dim; d += 4 * W) weigh<4>(table, value_at + d, scores, keys, dim, factor, out + d);
    for (; d + W <= dim; d += W) weigh<1>(table, value_at + d, scores, keys, dim, factor, out + d);
    if (d < dim) weigh_tail(table, value_at + d, scores, keys, dim, factor, out + d, dim - d);
}

static void paged_attention(const gatun_paged_attention_args *args) {
    const gatun_paged_attention_args &a = *args;
    int64_t products = 0, pairs = a.rows * a.num_heads;
    for (int64_t row = 0; row < a.rows; row++) {
        int64_t keys = a.lengths[row];
        if (keys <= 0) continue;
        products += keys * a.num_heads * a.head_dim;
        if (a.new_k)
            kv_put(const_cast<float *>(a.tables[row][(keys - 1) / BLOCK]) + a.part, a.new_k + row * a.new_stride,
                   a.new_v + row * a.new_stride, (keys - 1) % BLOCK, a.num_kv_heads, a.head_dim);
    }
    int64_t stride = (a.max_keys + BLOCK - 1) / BLOCK * BLOCK;
#pragma omp parallel for schedule(static) if (pairs > 1 && products > PARALLEL_PRODUCTS && omp_get_max_threads() > 1)
    for (int64_t pair = 0; pair < pairs; pair++)
        paged_head(a, pair / a.num_heads, pair % a.num_heads, static_cast<float *>(a.scratch) + omp_get_thread_num() * stride);
}

static void log_sum_exp(const gatun_logits_args *a) {
    const float lowest = -std::numeric_limits<float>::infinity();
    int64_t n = a->cols, whole = n / W * W;
    for (int64_t row = 0; row < a->rows; row++) {
        const float *x = a->x + row * a->stride;
        vf rest = set(lowest), m = rest, total{};
        std::memcpy(&rest, x + whole, (n - whole) * sizeof(float));
        m = max(rest, m);
        for (int64_t j = 0; j < whole; j += W) m = max(load(x + j), m);
        float highest = maximum(m);
        for (int64_t j = 0; j < whole; j += W) total += exp(load(x + j) - highest);
        total += exp(rest - highest);
        a->log_sum_exp[row] = highest + std::log(sum(total));
    }
}

/* Of two candidates the one that ranks lower: the smaller, or of equal ones the later. */
static inline bool ranks_below(float a, int32_t i, float b, int32_t j) { return a < b || (a == b && i > j); }

/* A heap whose root ranks below all others. */
static void sift_down(float *values, int32_t *indices, int64_t n, int64_t at) {
    float value = values[at];
    int32_t index = indices[at];
    for (int64_t child = 2 * at + 1; child < n; child = 2 * at + 1) {
        if (child + 1 < n && ranks_below(values[child + 1], indices[child + 1], values[child], indices[child])) child++;
        if (!ranks_below(values[child], indices[child], value, index)) break;
        values[at] = values[child];
        indices[at] = indices[child];
        at = child;
    }
    values[at] = value;
    indices[at] = index;
}

static void top_k_row(const float *x, int64_t n, int64_t k, float *values, int32_t *indices) {
    for (int64_t j = 0; j < k; j++) {
        values[j] = x[j];
        indices[j] = (int32_t)j;
    }
    for (int64_t j = k / 2 - 1; j >= 0; j--) sift_down(values, indices, k, j);
    const int64_t STEP = 8 * W;
    for (int64_t first = k; first < n; first += STEP) {
        int64_t end = first + STEP < n ? first + STEP : n;
        if (end - first == STEP) {
            vf m = load(x + first);
            for (int64_t i = 1; i < 8; i++) m = max(load(x + first + i * W), m);
            if (!(maximum(m) > values[0])) continue;
        }
        for (int64_t j = first; j < end; j++) {
            if (!(x[j] > values[0])) continue;
            values[0] = x[j];
            indices[0] = (int32_t)j;
            sift_down(values, indices, k, 0);
        }
    }
    for (int64_t last = k - 1; last > 0; last--) {
        float value = values[0];
        int32_t index = indices[0];
        values[0] = values[last];
        indices[0] = indices[last];
        sift_down(values, indices, last, 0);
        values[last] = value;
        indices[last] = index;
    }
}

static void top_k(const gatun_logits_args *a) {
    for (int64_t row = 0; row < a->rows; row++)
        top_k_row(a->x + row * a->stride, a->cols, a->k, a->values + row * a->k, a->indices + row * a->k);
}

} // namespace
