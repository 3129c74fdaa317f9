/* Decoding token by token: keys and values in blocks that sequences share, and choosing among logits. */
#pragma once

#include <cmath>
#include <limits>

#include "kernels.h"
#include "parallel.h"
#include "vec.h"

namespace GATUN_NAMESPACE {

constexpr int64_t BLOCK = GATUN_KV_BLOCK;
/* Vectors of a block's scores, and sums kept apart so that four additions are always under way. */
constexpr int64_t BLOCK_VECTORS = BLOCK / W;
constexpr int64_t CHAINS = BLOCK_VECTORS >= 4 ? 1 : 4 / BLOCK_VECTORS;
/* Fewer products than this are not worth waking threads for. */
constexpr int64_t PARALLEL_PRODUCTS = 1 << 16;

/* An element of the cache is a float or a half, which is widened when it is read. */
static inline vf read(const float *p) { return load(p); }
static inline vf read(const uint16_t *p) { return widened_f16(read_as<halves>(p)); }
static inline vf read_n(const float *p, int64_t n) { return load_n(p, n); }
static inline vf read_n(const uint16_t *p, int64_t n) {
    halves h{};
    std::memcpy(&h, p, n * sizeof(uint16_t));
    return widened_f16(h);
}
static inline void put(float *to, const float *from, int64_t n) { std::memcpy(to, from, n * sizeof(float)); }
static inline void put(uint16_t *to, const float *from, int64_t n) {
    for (int64_t i = 0; i < n; i += W) {
        int64_t left = n - i < W ? n - i : W;
        halves h = narrowed_f16(load_n(from + i, left));
        std::memcpy(to + i, &h, left * sizeof(uint16_t));
    }
}

template <typename T> static inline T *part_of(void *block, int64_t part) { return static_cast<T *>(block) + part; }
template <typename T> static inline const T *part_of(const void *block, int64_t part) { return static_cast<const T *>(block) + part; }

/* A layer's part of a block: keys [heads][dim][BLOCK], so that a vector holds several tokens; values [heads][BLOCK][dim]. */
template <typename T>
static void kv_put(T *part, const float *k, const float *v, int64_t slot, int64_t heads, int64_t dim) {
    T *values = part + heads * dim * BLOCK;
    for (int64_t h = 0; h < heads; h++) {
        T *keys = part + h * dim * BLOCK + slot;
        for (int64_t d = 0; d < dim; d += W) {
            int64_t n = dim - d < W ? dim - d : W;
            T few[W];
            put(few, k + h * dim + d, n);
            for (int64_t i = 0; i < n; i++) keys[(d + i) * BLOCK] = few[i];
        }
        put(values + (h * BLOCK + slot) * dim, v + h * dim, dim);
    }
}

template <typename T>
static void store_rows(const gatun_kv_store_args *a) {
    for (int64_t s = 0; s < a->num_seqs; s++) {
        int64_t first = a->offsets[s], rows = a->offsets[s + 1] - first;
        for (int64_t i = 0; i < rows; i++)
            kv_put(part_of<T>(a->tables[s][i / BLOCK], a->part), a->k + (first + i) * a->stride, a->v + (first + i) * a->stride,
                   i % BLOCK, a->num_kv_heads, a->head_dim);
    }
}

static void kv_store(const gatun_kv_store_args *a) {
    if (a->type == GATUN_F16) store_rows<uint16_t>(a);
    else store_rows<float>(a);
}

template <typename T>
static inline void block_scores(const T *keys, const float *q, int64_t dim, float scale, float *scores) {
    vf sums[CHAINS][BLOCK_VECTORS];
    for (int64_t c = 0; c < CHAINS; c++)
        for (int64_t j = 0; j < BLOCK_VECTORS; j++) sums[c][j] = vf{};
    int64_t whole = dim / CHAINS * CHAINS;
    for (int64_t d = 0; d < whole; d += CHAINS)
        for (int64_t c = 0; c < CHAINS; c++)
            for (int64_t j = 0; j < BLOCK_VECTORS; j++) sums[c][j] += q[d + c] * read(keys + (d + c) * BLOCK + j * W);
    for (int64_t d = whole; d < dim; d++)
        for (int64_t j = 0; j < BLOCK_VECTORS; j++) sums[0][j] += q[d] * read(keys + d * BLOCK + j * W);
    for (int64_t j = 0; j < BLOCK_VECTORS; j++) {
        vf total = sums[0][j];
        for (int64_t c = 1; c < CHAINS; c++) total += sums[c][j];
        store(scores + j * W, total * scale);
    }
}

/* out[0 .. N vectors) += sum over n tokens of weights[token] * values[token][0 ..] */
template <int N, typename T>
static inline void weigh(const T *values, const float *weights, int64_t n, int64_t dim, float *out) {
    vf sums[N];
    for (int i = 0; i < N; i++) sums[i] = load(out + i * W);
    for (int64_t t = 0; t < n; t++)
        for (int i = 0; i < N; i++) sums[i] += weights[t] * read(values + t * dim + i * W);
    for (int i = 0; i < N; i++) store(out + i * W, sums[i]);
}

template <typename T>
static inline void weigh_block(const T *values, const float *weights, int64_t n, int64_t dim, float *out) {
    int64_t d = 0;
    for (; d + 4 * W <= dim; d += 4 * W) weigh<4>(values + d, weights, n, dim, out + d);
    for (; d + W <= dim; d += W) weigh<1>(values + d, weights, n, dim, out + d);
    if (d == dim) return;
    vf sum = load_n(out + d, dim - d);
    for (int64_t t = 0; t < n; t++) sum += weights[t] * read_n(values + t * dim + d, dim - d);
    store_n(out + d, sum, dim - d);
}

/* Scores of n keys, with room up to a whole block, to weights that add up to 1, or to zeros if all are -infinity. */
static inline void weights_of(float *scores, int64_t n, int64_t end) {
    const float hidden = -std::numeric_limits<float>::infinity();
    for (int64_t j = n; j < end; j++) scores[j] = hidden;
    vf m = set(hidden), total{};
    for (int64_t j = 0; j < end; j += W) m = max(load(scores + j), m);
    float highest = maximum(m), shift = highest == hidden ? 0 : highest;
    for (int64_t j = 0; j < end; j += W) {
        vf e = exp(load(scores + j) - shift);
        store(scores + j, e);
        total += e;
    }
    float weight = sum(total);
    vf factor = set(weight == 0 ? 0 : 1.0f / weight);
    for (int64_t j = 0; j < end; j += W) store(scores + j, load(scores + j) * factor);
}

/* Adds what a head's distances say of n keys, the last of which stands where the query does. */
static inline void add_distances(float *scores, int64_t n, const float *distances, int64_t reach) {
    int64_t far = n - 1 > reach ? n - 1 - reach : 0;
    for (int64_t j = 0; j < far; j++) scores[j] += distances[0];
    const float *near = distances + reach - (n - 1);
    for (int64_t j = far; j < n; j++) scores[j] += near[j];
}

/* Heads first .. last of a row. Block by block, all heads of it: their keys, and later their values, lie side by side, and
 * memory is read in long runs. */
template <typename T>
static void paged_heads(const gatun_paged_attention_args &a, int64_t row, int64_t first_head, int64_t last_head, float *scores) {
    int64_t keys = a.lengths[row], dim = a.head_dim, group = a.num_heads / a.num_kv_heads;
    float *out = a.out + row * a.out_stride;
    std::memset(out + first_head * dim, 0, (last_head - first_head) * dim * sizeof(float));
    if (keys <= 0) return;
    const void *const *table = a.tables[row];
    const float *q = a.q + row * a.q_stride;
    int64_t end = (keys + BLOCK - 1) / BLOCK * BLOCK, value_part = a.part + a.num_kv_heads * dim * BLOCK;
    for (int64_t first = 0; first < keys; first += BLOCK) {
        const T *part = part_of<T>(table[first / BLOCK], a.part);
        for (int64_t h = first_head; h < last_head; h++)
            block_scores(part + h / group * dim * BLOCK, q + h * dim, dim, a.scale, scores + (h - first_head) * end + first);
    }
    for (int64_t h = first_head; h < last_head; h++) {
        if (a.distances) add_distances(scores + (h - first_head) * end, keys, a.distances + h * a.distance_stride, a.reach);
        weights_of(scores + (h - first_head) * end, keys, end);
    }
    for (int64_t first = 0; first < keys; first += BLOCK) {
        const T *part = part_of<T>(table[first / BLOCK], value_part);
        int64_t n = keys - first < BLOCK ? keys - first : BLOCK;
        for (int64_t h = first_head; h < last_head; h++)
            weigh_block(part + h / group * dim * BLOCK, scores + (h - first_head) * end + first, n, dim, out + h * dim);
    }
}

template <typename T>
static void attend_paged(const gatun_paged_attention_args &a) {
    int64_t products = 0;
    for (int64_t row = 0; row < a.rows; row++) {
        int64_t keys = a.lengths[row];
        if (keys <= 0) continue;
        products += keys * a.num_heads * a.head_dim;
        if (a.new_k)
            kv_put(part_of<T>(const_cast<void *>(a.tables[row][(keys - 1) / BLOCK]), a.part), a.new_k + row * a.new_stride,
                   a.new_v + row * a.new_stride, (keys - 1) % BLOCK, a.num_kv_heads, a.head_dim);
    }
    int64_t threads = threads_here();
    /* A row alone is divided among the threads by its heads. */
    int64_t parts = a.rows >= threads ? 1 : threads < a.num_heads ? threads : a.num_heads;
    int64_t heads = (a.num_heads + parts - 1) / parts, tasks = a.rows * parts;
    int64_t stride = (a.max_keys + BLOCK - 1) / BLOCK * BLOCK * a.num_heads;
    parallel_for(tasks, products > PARALLEL_PRODUCTS, [&](int64_t task, int64_t thread) {
        int64_t first = task % parts * heads, last = first + heads < a.num_heads ? first + heads : a.num_heads;
        if (first < last)
            paged_heads<T>(a, task / parts, first, last, static_cast<float *>(a.scratch) + thread * stride);
    });
}

static void paged_attention(const gatun_paged_attention_args *a) {
    if (a->type == GATUN_F16) attend_paged<uint16_t>(*a);
    else attend_paged<float>(*a);
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
        float highest = maximum(m), shift = highest == lowest ? 0 : highest;
        for (int64_t j = 0; j < whole; j += W) total += exp(load(x + j) - shift);
        total += exp(rest - shift);
        a->log_sum_exp[row] = shift + std::log(sum(total));
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
