/*
 * c = activation(a b + bias + sum) with b in halves or bytes, in panels as wide as a tile. All kinds of weights share the loops: a row of a
 * is a string of 4 bytes a step (a float, or four 8-bit whole numbers), a step of b a vector of columns. From one row, where b
 * is read once at the speed of memory, to thousands. Sums of whole numbers are exact: their order does not matter.
 */
#pragma once

#include "gemm.h"

#include <type_traits>

namespace GATUN_NAMESPACE {

static inline vf widened_bf16(halves h) {
#if VEC_BYTES == 32
    return (vf)(vi)_mm256_slli_epi32(_mm256_cvtepu16_epi32((__m128i)h), 16);
#else
    return (vf)(__builtin_convertvector(h, vi) << 16);
#endif
}

/* Steps that are multiplied at once, and what is read of b for them. */
struct one_step {
    static constexpr int64_t DEPTH = 1;
};

struct f16_weights : one_step {
    typedef vf sums, values;
    static constexpr bool NUMBERS = false; /* whether rows of a are rounded to whole numbers first */
    static constexpr int64_t STEP = 2; /* bytes of a column and a step */
    static vf read(const char *b, int64_t) { return widened_f16(read_as<halves>(b)); }
    static void add(vf &sum, const char *a, vf b) { sum += set(read_as<float>(a)) * b; }
};

struct bf16_weights : f16_weights {
    static vf read(const char *b, int64_t) { return widened_bf16(read_as<halves>(b)); }
};

static inline vi four_bytes(const char *a) { return read_as<int32_t>(a) - vi{}; }

#if VEC_BYTES > 16
/* Unsigned bytes of a by signed ones of b where no instruction adds four products: two steps are added in 16 bits, which the packed weights
 * leave room for. */
struct paired_weights {
    typedef vi sums;
    struct values { vi first, second; };
    static constexpr bool NUMBERS = true;
    static constexpr int64_t STEP = 4, DEPTH = 2;
    static values read(const char *b, int64_t step) { return {read_as<vi>(b), read_as<vi>(b + step)}; }
#if VEC_BYTES == 64
    static void add(vi &sum, const char *a, const values &b) {
        __m512i first = _mm512_maddubs_epi16((__m512i)four_bytes(a), (__m512i)b.first);
        __m512i both = _mm512_add_epi16(first, _mm512_maddubs_epi16((__m512i)four_bytes(a + 4), (__m512i)b.second));
        sum += (vi)_mm512_madd_epi16(both, _mm512_set1_epi16(1));
    }
#else
    static void add(vi &sum, const char *a, const values &b) {
        __m256i first = _mm256_maddubs_epi16((__m256i)four_bytes(a), (__m256i)b.first);
        __m256i both = _mm256_add_epi16(first, _mm256_maddubs_epi16((__m256i)four_bytes(a + 4), (__m256i)b.second));
        sum += (vi)_mm256_madd_epi16(both, _mm256_set1_epi16(1));
    }
#endif
};
#endif

/* The same in one instruction, four a step. */
struct byte_weights : one_step {
    typedef vi sums, values;
    static constexpr int64_t STEP = 4;
    static constexpr bool NUMBERS = true;
    static vi read(const char *b, int64_t) { return read_as<vi>(b); }
    static void add(vi &sum, const char *a, vi b) {
        vi x = four_bytes(a);
#if VEC_BYTES == 64
        asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "v"(b));
#elif VEC_BYTES == 32
        asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(x), "x"(b));
#else
#pragma GCC unroll 4
        for (int byte = 0; byte < 4; byte++) sum += (x >> (8 * byte) & 255) * (b << (24 - 8 * byte) >> 24);
#endif
    }
};

/* Of the two kinds that GATUN_INT8 can be: always the same on one processor. */
static int64_t int8_depth() {
#if VEC_BYTES == 64
    return __builtin_cpu_supports("avx512vnni") ? 1 : paired_weights::DEPTH;
#elif VEC_BYTES == 32
    return gatun_has_avx_vnni() ? 1 : paired_weights::DEPTH;
#else
    return 1;
#endif
}

/* What becomes of the sums of a tile: of its rows and of its columns. */
struct narrow_ends {
    const float *bias, *sum; /* of the tile's corner, or NULL */
    int64_t sum_stride;
    const float *row_scales, *scales;
    const int32_t *zeros, *column_sums;
    const int32_t *row_sums, *column_zeros; /* NULL if these are all 0 */
};

/* Sums as they are, whole numbers in the place of floats. */
template <typename D>
struct whole_sums : D {
    static constexpr bool WHOLE = true;
};

template <typename D, typename = void>
struct is_whole { static constexpr bool value = false; };
template <typename D>
struct is_whole<D, std::enable_if_t<D::WHOLE>> { static constexpr bool value = true; };

template <typename D, int NV>
static inline vf exact(const vf &sum, int, int, const narrow_ends &) { return sum; }

template <typename D, int NV>
static inline vf exact(vi sum, int i, int j, const narrow_ends &e) {
    sum -= e.zeros[i] * read_as<vi>(e.column_sums + j * W);
    if (e.column_zeros) sum -= e.row_sums[i] * read_as<vi>(e.column_zeros + j * W);
    if constexpr (is_whole<D>::value) return (vf)sum;
    return __builtin_convertvector(sum, vf) * (load(e.scales + j * W) * set(e.row_scales[i]));
}

/* c[MR, NV vectors] = a[MR, steps] b[steps, NV vectors]. STREAM: b comes from memory, and what follows it is fetched. */
template <typename D, bool STREAM, int MR, int NV>
static void narrow_tile(const char *a, int64_t stride, const char *b, int64_t steps, float *c, int64_t ldc, const narrow_ends &e) {
    constexpr int64_t ROW = NV * W * D::STEP;
    typename D::sums acc[MR][NV];
#pragma GCC unroll 16
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 4
        for (int j = 0; j < NV; j++) {
            __builtin_prefetch(c + i * ldc + j * W, 1);
            acc[i][j] = typename D::sums{};
        }
#pragma GCC unroll 1
    for (int64_t p = 0; p < steps; p += D::DEPTH) {
#pragma GCC unroll 2
        for (int64_t step = p; STREAM && step < p + D::DEPTH; step++) __builtin_prefetch(b + step * ROW + LOOK_AHEAD * 32, 0, 2);
        typename D::values row[NV];
#pragma GCC unroll 4
        for (int j = 0; j < NV; j++) row[j] = D::read(b + p * ROW + j * W * D::STEP, ROW);
#pragma GCC unroll 16
        for (int i = 0; i < MR; i++)
#pragma GCC unroll 4
            for (int j = 0; j < NV; j++) D::add(acc[i][j], a + i * stride + p * 4, row[j]);
    }
#pragma GCC unroll 4
    for (int j = 0; j < NV; j++) {
        vf add = e.bias ? load(e.bias + j * W) : vf{};
#pragma GCC unroll 16
        for (int i = 0; i < MR; i++) {
            vf y = exact<D, NV>(acc[i][j], i, j, e);
            if constexpr (!is_whole<D>::value) y += add;
            if (e.sum) y += load(e.sum + i * e.sum_stride + j * W);
            store(c + i * ldc + j * W, y);
        }
    }
}

template <typename D, bool STREAM, int NV, int MR = TILE_ROWS>
static inline void narrow_rows(int64_t rows, const char *a, int64_t stride, const char *b, int64_t steps, float *c, int64_t ldc,
                               const narrow_ends &e) {
    if constexpr (MR > 1) {
        if (rows < MR) return narrow_rows<D, STREAM, NV, MR - 1>(rows, a, stride, b, steps, c, ldc, e);
    }
    narrow_tile<D, STREAM, MR, NV>(a, stride, b, steps, c, ldc, e);
}

/* One activation for all rows of a block of whole vectors, in place. */
typedef void (*activation_fn)(float *c, int64_t ldc, int64_t rows, int64_t columns);

static activation_fn activation_of(int32_t activation) {
    activation_fn found = nullptr;
    with_activation(activation, [&](auto f) { found = f() == GATUN_NONE ? nullptr : activate_block<f()>; });
    return found;
}

struct narrow_task {
    const gatun_narrow_args *g;
    const char *a; /* rows of 4 bytes a step */
    int64_t stride, steps;
    const float *row_scales, *scales;
    const int32_t *zeros, *column_sums;
    activation_fn activation;
    const int32_t *row_sums = nullptr, *column_zeros = nullptr;
};

template <typename D, bool STREAM>
static inline void narrow_width(int64_t width, int64_t rows, const narrow_task &t, int64_t row, const char *panel, float *c, int64_t ldc,
                                const narrow_ends &e) {
    const char *a = t.a + row * t.stride;
    if (width == W) narrow_rows<D, STREAM, 1>(rows, a, t.stride, panel, t.steps, c, ldc, e);
    else if (width == 2 * W) narrow_rows<D, STREAM, 2>(rows, a, t.stride, panel, t.steps, c, ldc, e);
    else narrow_rows<D, STREAM, TILE_VECTORS>(rows, a, t.stride, panel, t.steps, c, ldc, e);
}

/* Some rows by a panel that has fewer columns than it is wide: computed beside c. */
template <typename D>
static void ragged_panel(const narrow_task &t, int64_t rows, int64_t row, const char *panel, int64_t column, int64_t columns, int64_t width,
                         narrow_ends e) {
    const gatun_narrow_args &g = *t.g;
    float beside[TILE_ROWS * TILE_COLS], bias[TILE_COLS] = {}, sum[TILE_ROWS * TILE_COLS] = {};
    if (g.bias) std::memcpy(bias, g.bias + column, columns * sizeof(float));
    if (g.sum)
        for (int64_t i = 0; i < rows; i++)
            std::memcpy(sum + i * TILE_COLS, g.sum + (row + i) * g.sum_stride + column, columns * sizeof(float));
    e.bias = g.bias ? bias : nullptr, e.sum = g.sum ? sum : nullptr, e.sum_stride = TILE_COLS;
    narrow_width<D, true>(width, rows, t, row, panel, beside, TILE_COLS, e);
    if (t.activation) t.activation(beside, TILE_COLS, rows, width);
    for (int64_t i = 0; i < rows; i++) std::memcpy(g.c + (row + i) * g.ldc + column, beside + i * TILE_COLS, columns * sizeof(float));
}

/* Rows first .. last of the columns of panels from .. to. */
template <typename D>
static void narrow_part(const narrow_task &t, int64_t first, int64_t last, int64_t from, int64_t to) {
    const gatun_narrow_args &g = *t.g;
    int64_t fit = BLOCK_BYTES / 4 / (t.stride + 1) / TILE_ROWS * TILE_ROWS, block = fit < 4 * TILE_ROWS ? 4 * TILE_ROWS : fit;
    for (int64_t begin = first; begin < last; begin += block) {
        int64_t end = begin + block < last ? begin + block : last;
        /* Tiles of about equal height. */
        int64_t tiles = (end - begin + TILE_ROWS - 1) / TILE_ROWS, height = (end - begin + tiles - 1) / tiles;
        for (int64_t column = from * TILE_COLS; column < g.n && column < to * TILE_COLS; column += TILE_COLS) {
            int64_t columns = g.n - column < TILE_COLS ? g.n - column : TILE_COLS, width = panel_width(columns);
            const char *panel = (const char *)g.b + column * t.steps * D::STEP;
            for (int64_t row = begin; row < end; row += height) {
                int64_t rows = end - row < height ? end - row : height;
                narrow_ends e{g.bias ? g.bias + column : nullptr, g.sum ? g.sum + row * g.sum_stride + column : nullptr, g.sum_stride,
                              t.row_scales + row, t.scales + column, t.zeros + row, t.column_sums + column, t.row_sums + row,
                              t.column_zeros ? t.column_zeros + column : nullptr};
                float *c = g.c + row * g.ldc + column;
                if (columns < width) {
                    ragged_panel<D>(t, rows, row, panel, column, columns, width, e);
                    continue;
                }
                if (row == begin) narrow_width<D, true>(width, rows, t, row, panel, c, g.ldc, e);
                else narrow_width<D, false>(width, rows, t, row, panel, c, g.ldc, e);
                if (t.activation) t.activation(c, g.ldc, rows, width);
            }
        }
    }
}

/* Whole numbers of a row, and what they are worth. */
struct rounded_row {
    const float *x;
    int64_t k;
    char *to;
    int64_t steps;
    float *scale;
    int32_t *zero;
};

/* What is less is taken for 0: its reciprocal would not be finite. */
constexpr float SMALLEST_ROW = 1e-34f;

static inline vf part_of(const float *x, int64_t left) { return left >= W ? load(x) : load_n(x, left); }

/* The nearest whole number, of two the even one, of what is not above 2^22. */
static inline vi whole_number(vf x, float inverse) {
    const vf magic = set(12582912.0f);
    return (vi)fused_multiply_add(x, set(inverse), magic) - (vi)magic;
}

/* Numbers from 0 to 255, or the nearest to that, of so many vectors side by side. */
constexpr int64_t ROUNDED = 4;

static inline void store_bytes(uint8_t *to, const vi (&numbers)[ROUNDED]) {
#if VEC_BYTES == 32
    __m256i low = _mm256_packs_epi32((__m256i)numbers[0], (__m256i)numbers[1]);
    __m256i high = _mm256_packs_epi32((__m256i)numbers[2], (__m256i)numbers[3]);
    __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(low, high), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    std::memcpy(to, &bytes, sizeof bytes);
#else
    for (int64_t i = 0; i < ROUNDED; i++) {
        vi number = numbers[i];
        store_lowest(to + i * W, number < 0 ? vi{} : number > 255 ? vi{} + 255 : number);
    }
#endif
}

struct row_range {
    float least, most;
    bool finite;
};

/* Of a row and 0. */
static row_range range_of(const float *x, int64_t k) {
    constexpr int64_t BESIDE = 4;
    vf low[BESIDE] = {}, high[BESIDE] = {}, nothing[BESIDE] = {};
    int64_t j = 0;
    for (; j + BESIDE * W <= k; j += BESIDE * W)
#pragma GCC unroll 4
        for (int64_t i = 0; i < BESIDE; i++) {
            vf v = load(x + j + i * W);
            nothing[i] += v * 0.0f;
            low[i] = min(low[i], v), high[i] = max(high[i], v);
        }
    for (; j < k; j += W) {
        vf v = part_of(x + j, k - j);
        nothing[0] += v * 0.0f;
        low[0] = min(low[0], v), high[0] = max(high[0], v);
    }
    vf lows = min(min(low[0], low[1]), min(low[2], low[3])), highs = max(max(high[0], high[1]), max(high[2], high[3]));
    return {-maximum(-lows), maximum(highs), sum((nothing[0] + nothing[1]) + (nothing[2] + nothing[3])) == 0};
}

static void round_row(const rounded_row &r) {
    row_range range = range_of(r.x, r.k);
    float step = range.most / 255 - range.least / 255, inverse = range.finite && step >= SMALLEST_ROW ? 1 / step : 0;
    *r.scale = !range.finite ? __builtin_nanf("") : inverse > 0 ? step : 0;
    *r.zero = inverse > 0 ? whole_number(set(-range.least), inverse)[0] : 0;
    uint8_t *to = (uint8_t *)r.to;
    std::memset(to + r.k, 0, r.steps * 4 - r.k);
    if (inverse == 0) {
        std::memset(to, 0, r.k);
        return;
    }
    vi numbers[ROUNDED];
    for (int64_t j = 0; j < r.k; j += ROUNDED * W) {
        int64_t left = r.k - j;
        for (int64_t i = 0; i < ROUNDED; i++)
            numbers[i] = i * W < left ? whole_number(part_of(r.x + j + i * W, left - i * W), inverse) + *r.zero : vi{};
        if (left >= ROUNDED * W) store_bytes(to + j, numbers);
        else {
            uint8_t beside[ROUNDED * W];
            store_bytes(beside, numbers);
            std::memcpy(to + j, beside, left);
        }
    }
}

/* compute(first, last, from, to) for rows and panels, shared out among threads as in gemm. before(first, last) prepares rows, first. */
template <typename Before, typename Compute>
static void share_product(const gatun_narrow_args *a, const Before &before, const Compute &compute) {
    int64_t panels = (a->n + TILE_COLS - 1) / TILE_COLS, tiles = (a->m + TILE_ROWS - 1) / TILE_ROWS;
    int64_t threads = a->m * a->n * a->k < PARALLEL_MULTIPLY_ADDS ? 1 : threads_here();
    int64_t by_rows = (tiles + threads - 1) / threads * panels, by_panels = (panels + threads - 1) / threads * tiles;
    bool rows = a->m > a->n ? by_rows <= by_panels + by_panels / 8 : by_panels > by_rows + by_rows / 8;
    parallel(threads, [&](int64_t i, int64_t of) {
        if (rows) {
            int64_t first = tiles * i / of * TILE_ROWS, end = tiles * (i + 1) / of * TILE_ROWS, last = end < a->m ? end : a->m;
            before(first, last);
            compute(first, last, 0, panels);
            return;
        }
        before(a->m * i / of, a->m * (i + 1) / of);
        if (of > 1) barrier();
        compute(0, a->m, panels * i / of, panels * (i + 1) / of);
    });
}

/* What the loops need to know; of whole numbers the scratch has room for g->m rows. */
template <typename D>
static narrow_task task_of(const gatun_narrow_args *g) {
    if constexpr (!D::NUMBERS)
        return {g, (const char *)g->a, g->lda * 4, g->k, nullptr, nullptr, nullptr, nullptr, activation_of(g->activation)};
    else {
        const gatun_int8_layout b(g->k, g->n, W, TILE_COLS, D::DEPTH);
        const gatun_int8_rows a(g->m, g->k, D::DEPTH);
        const char *scratch = (const char *)g->scratch, *packed = (const char *)g->b;
        return {g, scratch, a.stride, b.steps, (const float *)(scratch + a.scales), (const float *)(packed + b.scales),
                (const int32_t *)(scratch + a.zeros), (const int32_t *)(packed + b.sums), activation_of(g->activation)};
    }
}

template <typename D>
static void round_rows(const gatun_narrow_args *g, int64_t first, int64_t last) {
    if constexpr (D::NUMBERS) {
        const gatun_int8_rows a(g->m, g->k, D::DEPTH);
        char *scratch = (char *)g->scratch;
        for (int64_t i = first; i < last; i++) {
            rounded_row row{g->a + i * g->lda, g->k, scratch + i * a.stride, a.stride / 4, (float *)(scratch + a.scales) + i,
                            (int32_t *)(scratch + a.zeros) + i};
            round_row(row);
        }
    }
}

/* f of the kind of weights, always the same of one processor. */
template <typename F>
static inline void with_weights(int32_t type, F f) {
    if (type == GATUN_F16) f(f16_weights{});
    else if (type == GATUN_BF16) f(bf16_weights{});
#if VEC_BYTES > 16
    else if (int8_depth() > 1) f(paired_weights{});
#endif
    else f(byte_weights{});
}

static void narrow(const gatun_narrow_args *g) {
    if (g->k == 0) {
        gatun_gemm_args nothing{nullptr, nullptr, g->bias, g->sum, g->c, 0, g->ldc, g->sum_stride, g->m, g->n, 0, g->activation, 1};
        return gemm_of_nothing(&nothing);
    }
    with_weights(g->type, [&](auto weights) {
        typedef decltype(weights) D;
        const narrow_task t = task_of<D>(g);
        share_product(g, [&](int64_t first, int64_t last) { round_rows<D>(g, first, last); },
                      [&](int64_t first, int64_t last, int64_t from, int64_t to) { narrow_part<D>(t, first, last, from, to); });
    });
}

} // namespace
