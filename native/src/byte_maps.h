/* What lies between convolutions over bytes: sums and products of two, and means of pictures. */
#pragma once

#include "parallel.h"
#include "vec.h"

#include "../include/gatun.h"

namespace GATUN_NAMESPACE {

/* W bytes, of the last ones only so many. */
static inline vi bytes_at(const void *from, int64_t at, int64_t left, bool is_signed) {
    return is_signed ? lanes_of((const int8_t *)from + at, left) : lanes_of((const uint8_t *)from + at, left);
}

/* What becomes of numbers; bounds are those of the number before zero is added, so that its whole part fits. */
struct byte_result {
    bool floats;
    int32_t zero;
    vf low, high;
    explicit byte_result(const gatun_byte_result &r)
        : floats(r.type == GATUN_F32), zero(r.zero), low(set((float)(r.low - r.zero))), high(set((float)(r.high - r.zero))) {}

    void store_at(void *to, int64_t at, vf v, int64_t left) const {
        if (floats) return left >= W ? store((float *)to + at, v) : store_n((float *)to + at, v, left);
        const vf magic = set(12582912.0f);
        store_lowest((uint8_t *)to + at, (vi)(max(low, min(v, high)) + magic) - (vi)magic + zero, left);
    }
};

static void byte_pair(const gatun_byte_pair_args *g) {
    const byte_result result(g->result);
    const bool a_signed = g->a_type == GATUN_S8, b_signed = g->b_type == GATUN_S8;
    const vf a_factor = set(g->a_factor), b_factor = set(g->b_factor);
    auto part = [&](int64_t row, int64_t from, int64_t to) {
        for (int64_t j = from; j < to; j += W) {
            int64_t at = row * g->cols + j;
            vf a = __builtin_convertvector(bytes_at(g->a, at, to - j, a_signed) - g->a_zero, vf) * a_factor;
            vf b = __builtin_convertvector(bytes_at(g->b, row / g->rows * g->cols + j, to - j, b_signed) - g->b_zero, vf);
            result.store_at(g->dst, at, g->product ? a * b : a + b * b_factor, to - j);
        }
    };
    int64_t rows = g->pages * g->rows, threads = rows * g->cols < 65536 ? 1 : threads_here();
    parallel(threads, [&](int64_t number, int64_t of) {
        if (rows >= of) return share_of(number, of, rows, [&](int64_t row) { part(row, 0, g->cols); });
        for (int64_t row = 0; row < rows; row++) part(row, g->cols * number / of, g->cols * (number + 1) / of);
    });
}

static void byte_mean(const gatun_byte_mean_args *g) {
    const byte_result result(g->result);
    const bool is_signed = g->type == GATUN_S8;
    parallel_for(g->pages, g->pages * g->rows * g->cols > 65536, [&](int64_t page, int64_t) {
        const char *src = (const char *)g->src + page * g->rows * g->cols;
        for (int64_t j = 0; j < g->cols; j += W) {
            vi sum{};
            for (int64_t i = 0; i < g->rows; i++) sum += bytes_at(src, i * g->cols + j, g->cols - j, is_signed) - g->zero;
            result.store_at(g->dst, page * g->cols + j, __builtin_convertvector(sum, vf) * set(g->factor), g->cols - j);
        }
    });
}

static void byte_scale(const gatun_byte_scale_args *g) {
    const byte_result result(g->result);
    const bool is_signed = g->type == GATUN_S8, floats = g->type == GATUN_F32;
    const vf scale = set(g->scale);
    parallel(g->count < 65536 ? 1 : threads_here(), [&](int64_t number, int64_t of) {
        for (int64_t i = g->count * number / of, end = g->count * (number + 1) / of; i < end; i += W) {
            const float *x = (const float *)g->src + i;
            vf v = floats ? (end - i < W ? load_n(x, end - i) : load(x)) / scale
                          : __builtin_convertvector(bytes_at(g->src, i, end - i, is_signed) - g->zero, vf) * scale;
            result.store_at(g->dst, i, v, end - i);
        }
    });
}

} // namespace
