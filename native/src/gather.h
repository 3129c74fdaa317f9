/* What training does with rows that are looked up, repeated or pooled. Gradients are added to what is there, always in one order. */
#pragma once

#include "rows.h"
#include "train.h"

namespace GATUN_NAMESPACE {

static inline vf take(const float *p, int64_t n) { return n >= W ? load(p) : load_n(p, n); }
static inline void give(float *p, vf v, int64_t n) { n >= W ? store(p, v) : store_n(p, v, n); }
static inline void add_lanes(float *p, vf v, int64_t n) { give(p, take(p, n) + v, n); }
static inline float dot(const float *a, const float *b, int64_t n) {
    vf s{};
    for (int64_t j = 0; j < n; j += W) s += take(a + j, n - j) * take(b + j, n - j);
    return sum(s);
}
static inline void add_row_scaled(float *to, float factor, const float *from, int64_t n) {
    for (int64_t j = 0; j < n; j += W) add_lanes(to + j, factor * take(from + j, n - j), n - j);
}

/* Threads have rows; on the way back, where rows meet in the table, columns. */
static void table_rows(float *table, const int32_t *ids, float factor, float *rows, int64_t count, int64_t cols, int32_t backward) {
    constexpr int64_t COLUMNS = 64;
    if (!backward) {
        each_row(count, cols, [&](int64_t i) { add_row_scaled(rows + i * cols, factor, table + (ids ? ids[i] : 0) * cols, cols); });
        return;
    }
    parallel_for((cols + COLUMNS - 1) / COLUMNS, count * cols >= PARALLEL_ELEMENTS, [&](int64_t b, int64_t) {
        int64_t from = b * COLUMNS, n = cols - from < COLUMNS ? cols - from : COLUMNS;
        for (int64_t i = 0; i < count; i++) add_row_scaled(table + (ids ? ids[i] : 0) * cols + from, factor, rows + i * cols + from, n);
    });
}

static void repeat(float *x, float *y, const int64_t *dims, const int64_t *strides, int64_t rank, int32_t backward) {
    int64_t rows = 1, n = dims[rank - 1];
    for (int64_t d = 0; d + 1 < rank; d++) rows *= dims[d];
    bool one = strides[rank - 1] == 0;
    auto row = [&](int64_t i) {
        float *to = y + i * n, *from = x;
        for (int64_t d = rank - 2; d >= 0; i /= dims[d], d--) from += i % dims[d] * strides[d];
        if (backward && one) *from += (float)add_up(n, [&](int64_t j) { return (double)to[j]; });
        else if (backward) add_row_scaled(from, 1, to, n);
        else
            for (int64_t j = 0; j < n; j += W) give(to + j, one ? set(*from) : take(from + j, n - j), n - j);
    };
    if (!backward) each_row(rows, n, row);
    else
        for (int64_t i = 0; i < rows; i++) row(i);
}

/* Where the largest is: the first of equal ones, or of NaN the last, as the way there has it. */
static void pool_largest(const float *x, const float *dy, float *dx, int64_t rows, int64_t n) {
    for (int64_t j = 0; j < n; j++) {
        int64_t best = 0;
        for (int64_t i = 1; i < rows; i++) best = x[i * n + j] <= x[best * n + j] ? best : i;
        dx[best * n + j] += dy[j];
    }
}

static void pool_backward(const gatun_pool_args *a, float *dx) {
    parallel_for(a->num_seqs, a->num_seqs > 8, [&](int64_t s, int64_t) {
        int64_t n = a->cols, first = a->offsets[s], rows = a->offsets[s + 1] - first;
        const float *dy = a->out + s * n;
        float *to = dx + first * n, count = (float)rows;
        if (rows == 0) return;
        switch (a->kind) {
        case GATUN_POOL_FIRST: return add_row_scaled(to, 1, dy, n);
        case GATUN_POOL_LAST: return add_row_scaled(to + (rows - 1) * n, 1, dy, n);
        case GATUN_POOL_MAX: return pool_largest(a->x + first * n, dy, to, rows, n);
        default: break;
        }
        for (int64_t i = 0; i < rows; i++) {
            float factor = a->kind == GATUN_POOL_MEAN ? 1 / count : a->kind == GATUN_POOL_MEAN_SQRT ? 1 / std::sqrt(count)
                           : (float)(i + 1) / (0.5f * count * (count + 1));
            add_row_scaled(to + i * n, factor, dy, n);
        }
    });
}

/* With u = x / |x|: dx = (dy - u (u dy)) / |x|. */
static void unit_rows(const float *x, float *y, const float *dy, float *dx, int64_t rows, int64_t cols) {
    each_row(rows, cols, [&](int64_t i) {
        const float *from = x + i * cols;
        double length = std::sqrt(squares(from, cols));
        float inverse = (float)(1 / (length > 1e-12 ? length : 1e-12));
        if (y)
            for (int64_t j = 0; j < cols; j += W) give(y + i * cols + j, inverse * take(from + j, cols - j), cols - j);
        else {
            /* A row shorter than that is multiplied by a constant. */
            float level = length > 1e-12 ? dot(from, dy + i * cols, cols) * inverse * inverse * inverse : 0;
            for (int64_t j = 0; j < cols; j += W)
                add_lanes(dx + i * cols + j, inverse * take(dy + i * cols + j, cols - j) - level * take(from + j, cols - j), cols - j);
        }
    });
}

} // namespace
