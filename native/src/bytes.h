/*
 * Products of bytes that are given as such, or made of floats as ONNX's DynamicQuantizeLinear says: one scale and one zero point for all
 * rows. The loops and the panels are narrow.h's.
 */
#pragma once

#include "narrow.h"

namespace GATUN_NAMESPACE {

#if VEC_BYTES > 16
/* 16-bit whole numbers of a, two a step: every processor multiplies and adds pairs of them without loss. */
struct word_weights : one_step {
    typedef vi sums, values;
    static constexpr int64_t STEP = 2;
#if VEC_BYTES == 64
    static vi read(const char *b, int64_t) { return (vi)_mm512_cvtepi8_epi16(read_as<__m256i>(b)); }
    static void add(vi &sum, const char *a, vi b) { sum += (vi)_mm512_madd_epi16((__m512i)four_bytes(a), (__m512i)b); }
#else
    static vi read(const char *b, int64_t) { return (vi)_mm256_cvtepi8_epi16(read_as<__m128i>(b)); }
    static void add(vi &sum, const char *a, vi b) { sum += (vi)_mm256_madd_epi16((__m256i)four_bytes(a), (__m256i)b); }
#endif
};
#endif

/* What the bytes of a are worth. */
struct worth {
    float scale;
    int32_t zero;
};

/* Over the range of a, in which 0 always is. */
static worth worth_of(const float *a, int64_t count) {
    row_range ranges[64];
    int64_t threads = count < 65536 ? 1 : threads_here() < 64 ? threads_here() : 64;
    parallel(threads, [&](int64_t number, int64_t of) {
        int64_t first = count * number / of;
        ranges[number] = range_of(a + first, count * (number + 1) / of - first);
    });
    float low = 0, high = 0;
    for (int64_t i = 0; i < threads; i++) {
        if (!ranges[i].finite) return {__builtin_nanf(""), 0};
        low = ranges[i].least < low ? ranges[i].least : low, high = ranges[i].most > high ? ranges[i].most : high;
    }
    float scale = high == low ? 1 : (high - low) / 255, zero = -low / scale;
    return {scale, zero >= 255 ? 255 : whole_number(set(zero), 1)[0]};
}

/* A row of a as the loops read it; returns the sum of what is left after the zero point. */
template <typename D>
static int32_t given_row(const gatun_bytes_args *g, int64_t i, worth a, char *to, int64_t steps) {
    int64_t k = g->k, total = 0;
    std::memset(to + (steps - 1) * 4, 0, 4);
    constexpr bool BYTES = std::is_same<D, byte_weights>::value;
    int32_t shift = g->a_type == GATUN_S8 ? 128 : 0, zero = a.zero + (BYTES ? shift : 0);
    vi sums{};
    for (int64_t j = 0; j < k; j += W) {
        vi number{};
        if (g->a_type == GATUN_F32) {
            vf x = part_of((const float *)g->a + i * k + j, k - j) / set(a.scale);
            number = whole_number(x, 1) + a.zero;
            number = number < 0 ? vi{} : number > 255 ? vi{} + 255 : number;
        } else {
            number = lanes_of((const uint8_t *)g->a + i * k + j, k - j);
            if (shift && !BYTES) number = (number ^ 128) - 128;
            else if (shift) number ^= 128;
        }
        vi left = number - zero;
        if (k - j < W)
            for (int64_t t = k - j; t < W; t++) left[t] = 0;
        sums += left;
        if (BYTES) store_lowest((uint8_t *)to + j, number, k - j);
        else store_lowest((int16_t *)to + j, left, k - j);
    }
    for (int64_t t = 0; t < W; t++) total += sums[t];
    return (int32_t)total;
}

template <typename D, typename Sums>
static void product_of_bytes(const gatun_bytes_args *g) {
    constexpr bool BYTES = std::is_same<D, byte_weights>::value;
    const gatun_bytes_layout b(g->k, g->n, W, TILE_COLS, !BYTES);
    const gatun_bytes_rows a(g->m, g->k, !BYTES);
    char *scratch = (char *)g->scratch;
    const char *packed = (const char *)g->b;
    float *row_scales = (float *)(scratch + a.scales);
    int32_t *zeros = (int32_t *)(scratch + a.zeros), *row_sums = (int32_t *)(scratch + a.sums);
    gatun_narrow_args n{};
    n.b = g->b, n.bias = g->bias, n.sum = g->sum, n.c = (float *)g->c, n.ldc = n.sum_stride = g->n, n.m = g->m, n.n = g->n, n.k = g->k;
    const int32_t *column_zeros = *(const int32_t *)(packed + b.any) ? (const int32_t *)(packed + b.zeros) : nullptr;
    narrow_task t{&n, scratch, a.stride, b.steps, row_scales, (const float *)(packed + b.scales), zeros,
                  (const int32_t *)(packed + b.sums), activation_of(g->activation), row_sums, column_zeros};
    int32_t shift = g->a_type == GATUN_S8 ? 128 : 0;
    int32_t zero = !g->a_zero ? 0 : g->a_type == GATUN_S8 ? *(const int8_t *)g->a_zero : *(const uint8_t *)g->a_zero;
    worth value{g->a_scale ? *g->a_scale : 1, zero};
    if (g->a_type == GATUN_F32) value = worth_of((const float *)g->a, g->m * g->k);
    auto rows = [&](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; i++) {
            row_sums[i] = given_row<D>(g, i, value, scratch + i * a.stride, b.steps);
            row_scales[i] = value.scale;
            zeros[i] = BYTES ? value.zero + shift : 0;
        }
    };
    share_product(&n, rows, [&](int64_t first, int64_t last, int64_t from, int64_t to) { narrow_part<Sums>(t, first, last, from, to); });
}

template <typename D>
static void bytes_of(const gatun_bytes_args *g) {
    if (g->whole) product_of_bytes<D, whole_sums<D>>(g);
    else product_of_bytes<D, D>(g);
}

static void bytes(const gatun_bytes_args *g) {
    if (g->m == 0 || g->n == 0) return;
    if (g->k == 0) {
        gatun_gemm_args nothing{nullptr, nullptr, g->bias, g->sum, (float *)g->c, 0, g->n, g->n, g->m, g->n, 0, g->activation, 1};
        gemm_of_nothing(&nothing); /* zeros are the same bits as whole numbers */
        return;
    }
#if VEC_BYTES > 16
    if (int8_depth() > 1) return bytes_of<word_weights>(g);
#endif
    bytes_of<byte_weights>(g);
}

} // namespace
