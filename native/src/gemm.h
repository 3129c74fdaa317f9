/*
 * c = activation(a b + bias + sum) with b in panels as wide as a tile: [k][TILE_COLS] each, and the last as narrow as tiles can be,
 * zeros beyond n. A block of a panel stays in the first-level cache while the tiles of many rows pass by; what ends a product happens in
 * registers. From one row, where b is read once at the speed of memory, to thousands. One order of summation: a row's bits depend on
 * nothing but that row.
 */
#pragma once

#include <algorithm>

#include "kernels.h"
#include "parallel.h"
#include "rows.h"
#include "vec.h"

namespace GATUN_NAMESPACE {

/* A tile of the result is TILE_ROWS rows of TILE_VECTORS vectors: as square as the registers allow, for loads are what limits it. */
constexpr int TILE_ROWS = REGISTERS == 16 && VEC_BYTES == 16 ? 4 : 6, TILE_VECTORS = REGISTERS == 32 ? 4 : 2;
constexpr int64_t TILE_COLS = TILE_VECTORS * W;
/* Floats of a cache line. */
constexpr int64_t LINE = 16;
/* Rows of b that are on their way where it is read only once. */
constexpr int64_t LOOK_AHEAD = 64;
/* Depth of a block of a panel: 32 KB with 64 columns, which leaves room beside it in a first-level cache of 48. */
constexpr int64_t BLOCK_DEPTH = VEC_BYTES == 64 ? 128 : 256;
/* Rows that pass by a panel before the next, whose part of a stays in the second-level cache; and bytes of that part. */
constexpr int64_t BLOCK_ROWS = 40 * TILE_ROWS, BLOCK_BYTES = 1 << 20;
/* As many rows of a as a tile has find what they share of zeros, if k is not above this and this share of it or more are zeros. */
constexpr int64_t MAX_LIVE = 16384, LIVE_AHEAD = 32;
constexpr float WORTHWHILE_ZEROS = 0.15f;
/* Fewer multiply-adds than this are not worth waking threads for. */
constexpr int64_t PARALLEL_MULTIPLY_ADDS = 1 << 17;

/*
 * The rows of b that meet something else than zeros in a, ascending; behind the last as many as the look-ahead needs, of the next
 * panel. Rows of b lie far enough apart that leaving some out saves reading them.
 */
struct live_rows {
    int64_t count;
    int32_t at[MAX_LIVE + LIVE_AHEAD];

    /* False if there are too few zeros. */
    bool find(const float *a, int64_t lda, int64_t m, int64_t k) {
        count = 0;
        for (int64_t p = 0; p < k; p++) {
            bool live = false;
            for (int64_t i = 0; i < m; i++) live |= a[i * lda + p] != 0; /* NaN too */
            at[count] = (int32_t)p;
            count += live;
        }
        for (int64_t i = 0; i < LIVE_AHEAD; i++) at[count + i] = count ? (int32_t)k + at[i % count] : 0;
        return (float)count <= (1 - WORTHWHILE_ZEROS) * (float)k;
    }

    /* How many of them lie in front of a row. */
    int64_t below(int64_t p) const { return std::lower_bound(at, at + count, (int32_t)p) - at; }
};

/* What a tile begins and ends with. */
struct tile_ends {
    const float *bias; /* of the tile's columns, or NULL */
    const float *sum;  /* added at the first block; may be c itself; or NULL */
    int64_t sum_stride;
    bool first, last, relu;
    /* What is read next comes to the second-level cache meanwhile: rows of a (or NULL), and so many lines of b's memory. */
    const float *next_a, *ahead;
    int64_t lines;
    const live_rows *live; /* or NULL: all rows of b */
    int64_t depth;         /* row of the whole b that is this block's first */
};

/* acc += a[MR, p .. to] b[p .. to, NV vectors], LOOK lines of what lies ahead fetched with each step. Unrolled it is slower. */
template <int LOOK, int MR, int NV>
static inline __attribute__((always_inline)) void steps(vf (&acc)[MR][NV], const float *a, int64_t lda, const float *b, int64_t &p,
                                                        int64_t to, const float *ahead) {
#pragma GCC unroll 1
    for (; p < to; p++) {
#pragma GCC unroll 4
        for (int line = 0; line < LOOK; line++, ahead += LINE) __builtin_prefetch(ahead, 0, 2);
        vf row[NV];
#pragma GCC unroll 4
        for (int j = 0; j < NV; j++) row[j] = load(b + (p * NV + j) * W);
#pragma GCC unroll 16
        for (int i = 0; i < MR; i++) {
            vf x = set(a[i * lda + p]);
#pragma GCC unroll 4
            for (int j = 0; j < NV; j++) acc[i][j] += x * row[j];
        }
    }
}

/* acc += a b over the live rows q .. to of b alone, in the order of all. Prefetched to the first-level cache: rows with gaps between
 * them confuse what prefetches to the second. */
template <int MR, int NV>
static inline __attribute__((always_inline)) void live_steps(vf (&acc)[MR][NV], const float *a, int64_t lda, const float *b,
                                                             const live_rows &live, int64_t q, int64_t to) {
#pragma GCC unroll 2
    for (; q < to; q++) {
        const int64_t p = live.at[q];
        const float *row = b + p * (NV * W), *ahead = b + live.at[q + LIVE_AHEAD] * (NV * W);
#pragma GCC unroll 4
        for (int64_t line = 0; line < NV * W / LINE; line++) __builtin_prefetch(ahead + line * LINE, 0, 3);
#pragma GCC unroll 16
        for (int i = 0; i < MR; i++) {
            vf x = set(a[i * lda + p]);
#pragma GCC unroll 4
            for (int j = 0; j < NV; j++) acc[i][j] += x * load(row + j * W);
        }
    }
}

/* c[MR, NV vectors] (+)= a[MR, k] b[k, NV vectors] */
template <int MR, int NV>
static void tile(const float *a, int64_t lda, const float *b, int64_t k, float *c, int64_t ldc, const tile_ends &ends) {
    vf acc[MR][NV];
#pragma GCC unroll 16
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 4
        for (int j = 0; j < NV; j++) {
            /* Arrives while the product is computed. */
            __builtin_prefetch(c + i * ldc + j * W, 1);
            acc[i][j] = vf{};
        }
    if (ends.next_a)
        for (int64_t i = 0; i < MR; i++)
            for (int64_t p = 0; p < k; p += LINE) __builtin_prefetch(ends.next_a + i * lda + p, 0, 2);
    int64_t p = 0, lines_a_step = (ends.lines + k - 1) / k;
    if (ends.live) {
        const live_rows &live = *ends.live;
        live_steps(acc, a - ends.depth, lda, b - ends.depth * NV * W, live, live.below(ends.depth), live.below(ends.depth + k));
        p = k;
    } else if (lines_a_step > 2) steps<4>(acc, a, lda, b, p, k, ends.ahead);
    else if (lines_a_step == 2) steps<2>(acc, a, lda, b, p, (ends.lines + 1) / 2, ends.ahead);
    else if (lines_a_step == 1) steps<1>(acc, a, lda, b, p, ends.lines, ends.ahead);
    steps<0>(acc, a, lda, b, p, k, nullptr);
    bool relu = ends.last && ends.relu;
    const float *sum = ends.first ? ends.sum : c, *bias = ends.first ? ends.bias : nullptr;
    int64_t sum_stride = ends.first ? ends.sum_stride : ldc;
#pragma GCC unroll 4
    for (int j = 0; j < NV; j++) {
        vf add = bias ? load(bias + j * W) : vf{};
#pragma GCC unroll 16
        for (int i = 0; i < MR; i++) {
            vf y = acc[i][j] + add;
            if (sum) y += load(sum + i * sum_stride + j * W);
            store(c + i * ldc + j * W, relu ? max(vf{}, y) : y);
        }
    }
}

typedef void (*tile_fn)(const float *a, int64_t lda, const float *b, int64_t k, float *c, int64_t ldc, const tile_ends &);

static inline int64_t panel_width(int64_t columns) { return gatun_panel_width(columns, W, TILE_COLS); }

/* The tile of exactly so many rows, 1 .. TILE_ROWS, for a panel of this width. */
template <int NV, int MR = TILE_ROWS>
static inline tile_fn tile_of_rows(int64_t rows) {
    if constexpr (MR > 1) {
        if (rows < MR) return tile_of_rows<NV, MR - 1>(rows);
    }
    return tile<MR, NV>;
}

static inline tile_fn tile_of(int64_t rows, int64_t width) {
    return width == W ? tile_of_rows<1>(rows) : width == 2 * W ? tile_of_rows<2>(rows) : tile_of_rows<TILE_VECTORS>(rows);
}

struct gemm_task {
    const float *a, *b, *bias, *sum;
    float *c;
    int64_t lda, ldc, sum_stride, n, k;
    int32_t activation;
    const float *next; /* panels that are read after b's, or NULL */
    const live_rows *live; /* of all rows of a, which are one tile's; or NULL */
};

/* Fewer columns than a tile has: computed beside c, in one pass over k. once: no other tile reads the panel. */
static void ragged_columns(const gemm_task &t, int64_t rows, int64_t row, const float *panel, int64_t column, int64_t columns, bool once) {
    int64_t width = panel_width(columns);
    float beside[TILE_ROWS * TILE_COLS], bias[TILE_COLS] = {}, sum[TILE_ROWS * TILE_COLS] = {};
    if (t.bias) std::memcpy(bias, t.bias + column, columns * sizeof(float));
    if (t.sum)
        for (int64_t i = 0; i < rows; i++)
            std::memcpy(sum + i * TILE_COLS, t.sum + (row + i) * t.sum_stride + column, columns * sizeof(float));
    tile_ends ends{bias, t.sum ? sum : nullptr, TILE_COLS, true, true, t.activation == GATUN_RELU, nullptr,
                   panel + LOOK_AHEAD * width, once ? t.k * width / LINE : 0, t.live, 0};
    tile_of(rows, width)(t.a + row * t.lda, t.lda, panel, t.k, beside, TILE_COLS, ends);
    for (int64_t i = 0; i < rows; i++) {
        float *c = t.c + (row + i) * t.ldc + column;
        std::memcpy(c, beside + i * TILE_COLS, columns * sizeof(float));
        if (t.activation > GATUN_RELU) bias_act_rows(c, nullptr, nullptr, 1, columns, 1, t.activation);
    }
}

/* Rows first .. last by one panel. first_panel: the rows of a were not read before. next: the panel that is read then, or NULL. */
static void gemm_panel(const gemm_task &t, int64_t first, int64_t last, int64_t column, bool first_panel, const float *next) {
    const float *panel = t.b + column * t.k;
    int64_t columns = t.n - column < TILE_COLS ? t.n - column : TILE_COLS, width = panel_width(columns);
    int64_t tiles = (last - first + TILE_ROWS - 1) / TILE_ROWS;
    /* Tiles of about equal height: one of few rows is slow. f(row, rows) */
    auto each_tile = [&](auto f) {
        for (int64_t row = first, left = tiles; left > 0; left--) {
            int64_t rows = (last - row + left - 1) / left;
            f(row, rows);
            row += rows;
        }
    };
    if (columns < width)
        return each_tile([&](int64_t row, int64_t rows) { ragged_columns(t, rows, row, panel, column, columns, tiles == 1); });
    /* The same blocks for a single row and for thousands: a row's result does not depend on those beside it. */
    for (int64_t p = 0; p < t.k; p += BLOCK_DEPTH) {
        int64_t depth = t.k - p < BLOCK_DEPTH ? t.k - p : BLOCK_DEPTH;
        const float *b = panel + p * width;
        /* One tile alone looks ahead in its own panel; of several each brings its share of the next block. */
        bool ends = p + depth == t.k;
        int64_t lines = tiles == 1 ? depth * width / LINE : !ends || next ? (depth * width / LINE + tiles - 1) / tiles : 0;
        const float *ahead = tiles == 1 ? b + LOOK_AHEAD * width : ends ? next : b + depth * width;
        each_tile([&](int64_t row, int64_t rows) {
            float *c = t.c + row * t.ldc + column;
            const float *a = t.a + row * t.lda + p;
            tile_ends e{t.bias ? t.bias + column : nullptr, t.sum ? t.sum + row * t.sum_stride + column : nullptr, t.sum_stride,
                        p == 0, ends, t.activation == GATUN_RELU, first_panel && row + 2 * rows <= last ? a + rows * t.lda : nullptr,
                        ahead, lines, t.live, p};
            ahead += lines * LINE;
            tile_of(rows, width)(a, t.lda, b, depth, c, t.ldc, e);
            if (ends && t.activation > GATUN_RELU)
                with_activation(t.activation, [&](auto f) { activate_block<f()>(c, t.ldc, rows, width); });
        });
    }
}

/* Rows first .. last of the columns of panels from .. to. */
static void gemm_part(const gemm_task &t, int64_t first, int64_t last, int64_t from, int64_t to) {
    int64_t fit = BLOCK_BYTES / ((int64_t)sizeof(float) * t.k + 1) / TILE_ROWS * TILE_ROWS;
    int64_t block = fit < 4 * TILE_ROWS ? 4 * TILE_ROWS : fit < BLOCK_ROWS ? fit : BLOCK_ROWS;
    for (int64_t row = first; row < last; row += block) {
        int64_t end = row + block < last ? row + block : last;
        for (int64_t panel = from; panel < to; panel++)
            gemm_panel(t, row, end, panel * TILE_COLS, panel == from && to - from > 1,
                       panel + 1 < to ? t.b + (panel + 1) * TILE_COLS * t.k : t.next);
    }
}

/* c = activation(bias + sum): a product over nothing. */
static void gemm_of_nothing(const gatun_gemm_args *a) {
    for (int64_t i = 0; i < a->m; i++) {
        float *c = a->c + i * a->ldc;
        const float *sum = a->sum ? a->sum + i * a->sum_stride : nullptr;
        for (int64_t j = 0; j < a->n; j++) c[j] = sum ? sum[j] : 0;
        bias_act_rows(c, a->bias, nullptr, 1, a->n, 1, a->activation);
    }
}

/* A convolution of no channels, and whatever has no results. */
static void pixels_of_nothing(int64_t n, int64_t h, int64_t w, bool pool, int64_t oc, const float *bias, const float *sum, float *dst,
                              int32_t activation) {
    int64_t side = pool ? 2 : 1;
    if (h < 0 || w < 0) return;
    gatun_gemm_args a{nullptr, nullptr, bias, sum, dst, 0, oc, oc, n * (h / side) * (w / side), oc, 0, activation, 1};
    gemm_of_nothing(&a);
}

static void gemm(const gatun_gemm_args *a) {
    if (a->k == 0) return gemm_of_nothing(a);
    gemm_task t{a->a, a->b, a->bias, a->sum, a->c, a->lda, a->ldc, a->sum_stride, a->n, a->k, a->activation, nullptr, nullptr};
    live_rows live;
    if (a->finite && a->m <= TILE_ROWS && a->k <= MAX_LIVE && live.find(a->a, a->lda, a->m, a->k)) t.live = &live;
    int64_t panels = (a->n + TILE_COLS - 1) / TILE_COLS, tiles = (a->m + TILE_ROWS - 1) / TILE_ROWS, threads = threads_here();
    if (threads == 1 || a->m * a->n * a->k < PARALLEL_MULTIPLY_ADDS) {
        gemm_part(t, 0, a->m, 0, panels);
        return;
    }
    /* Tiles of the busiest thread if rows are shared out, or panels; if about alike, what each reads whole should be the smaller. */
    int64_t by_rows = (tiles + threads - 1) / threads * panels, by_panels = (panels + threads - 1) / threads * tiles;
    bool rows = a->m > a->n ? by_rows <= by_panels + by_panels / 8 : by_panels > by_rows + by_rows / 8;
    int64_t units = rows ? tiles : panels;
    parallel(threads, [&](int64_t i, int64_t of) {
        int64_t first = units * i / of, last = units * (i + 1) / of;
        if (rows) gemm_part(t, first * TILE_ROWS, last * TILE_ROWS < a->m ? last * TILE_ROWS : a->m, 0, panels);
        else gemm_part(t, 0, a->m, first, last);
    });
}

} // namespace
