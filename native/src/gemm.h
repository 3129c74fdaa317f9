/*
 * c = activation(a b + bias + sum) with b in panels of GATUN_PANEL columns: [ceil(n / GATUN_PANEL)][k][GATUN_PANEL], zeros
 * beyond n. A block of a panel stays in the first-level cache while rows of a pass by; what ends a product happens in
 * registers. From one row, where b is read once at the speed of memory, to thousands.
 */
#pragma once

#include <omp.h>

#include "kernels.h"
#include "rows.h"
#include "vec.h"

namespace GATUN_NAMESPACE {

/* A tile of the result is TILE_ROWS x 2 vectors. */
constexpr int TILE_ROWS = VEC_BYTES == 64 ? 12 : VEC_BYTES == 32 ? 6 : 4;
constexpr int64_t TILE_COLS = 2 * W;
/* Floats of a cache line, and of k between two looks ahead. */
constexpr int64_t LINE = 16, STEP = 8;
/* Rows of b that are on their way where it is read only once. */
constexpr int64_t LOOK_AHEAD = 64;
/* Depth of a block: with two vectors of columns half of a usual first-level cache or less. */
constexpr int64_t BLOCK_DEPTH = 384;
/* Rows that pass by a panel before the next: their block of a, and of c, stays in the second-level cache. */
constexpr int64_t BLOCK_ROWS = 20 * TILE_ROWS;
/* Fewer multiply-adds than this are not worth waking threads for. */
constexpr int64_t PARALLEL_MULTIPLY_ADDS = 1 << 17;

/* What a tile begins and ends with. */
struct tile_ends {
    const float *bias; /* of the tile's columns, or NULL */
    const float *sum;  /* added at the first block; may be c itself; or NULL */
    int64_t sum_stride;
    bool first, last, relu;
    /* What is read next comes to the second-level cache meanwhile, spread over the steps so that nothing waits for it: rows of a
     * (or NULL), and so many lines of b's memory, some with each step. */
    const float *next_a, *ahead;
    int64_t lines, lines_a_step;
};

/* acc += a[MR, steps] b[steps, 2 vectors] */
template <int MR>
static inline __attribute__((always_inline)) void multiply(vf (&acc)[MR][2], const float *a, int64_t lda, const float *b, int64_t ldb,
                                                           int64_t steps) {
#pragma GCC unroll 4
    for (int64_t p = 0; p < steps; p++) {
        vf row[2] = {load(b + p * ldb), load(b + p * ldb + W)};
#pragma GCC unroll 16
        for (int i = 0; i < MR; i++) {
            vf x = set(a[i * lda + p]);
#pragma GCC unroll 2
            for (int j = 0; j < 2; j++) acc[i][j] += x * row[j];
        }
    }
}

/* c[MR, 2 vectors] (+)= a[MR, k] b[k, 2 vectors]; rows of b are ldb apart. */
template <int MR>
static void tile(const float *a, int64_t lda, const float *b, int64_t ldb, int64_t k, float *c, int64_t ldc, const tile_ends &ends) {
    vf acc[MR][2];
#pragma GCC unroll 16
    for (int i = 0; i < MR; i++) {
        /* Arrives while the product is computed. */
        __builtin_prefetch(c + i * ldc, 1);
        __builtin_prefetch(c + i * ldc + W, 1);
#pragma GCC unroll 2
        for (int j = 0; j < 2; j++) acc[i][j] = vf{};
    }
    const float *ahead = ends.ahead, *ahead_end = ends.ahead + ends.lines * LINE;
    int64_t p = 0;
    for (; p + STEP <= k; p += STEP) {
        if (ends.next_a) {
            constexpr int64_t ROWS_A_STEP = (MR * STEP + LINE - 1) / LINE;
            const float *rows = ends.next_a + p % LINE / STEP * ROWS_A_STEP * lda + p;
#pragma GCC unroll 4
            for (int64_t i = 0; i < ROWS_A_STEP; i++) __builtin_prefetch(rows + i * lda, 0, 2);
        }
        for (int64_t line = 0; line < ends.lines_a_step && ahead < ahead_end; line++, ahead += LINE) __builtin_prefetch(ahead, 0, 2);
        multiply<MR>(acc, a + p, lda, b + p * ldb, ldb, STEP);
    }
    multiply<MR>(acc, a + p, lda, b + p * ldb, ldb, k - p);
    bool relu = ends.last && ends.relu;
    const float *sum = ends.first ? ends.sum : c;
    int64_t sum_stride = ends.first ? ends.sum_stride : ldc;
    vf bias[2] = {ends.first && ends.bias ? load(ends.bias) : vf{}, ends.first && ends.bias ? load(ends.bias + W) : vf{}};
#pragma GCC unroll 16
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 2
        for (int j = 0; j < 2; j++) {
            vf y = acc[i][j] + bias[j];
            if (sum) y += load(sum + i * sum_stride + j * W);
            store(c + i * ldc + j * W, relu ? max(y, vf{}) : y);
        }
}

typedef void (*tile_fn)(const float *a, int64_t lda, const float *b, int64_t ldb, int64_t k, float *c, int64_t ldc, const tile_ends &);

/* The tile of exactly so many rows, 1 .. TILE_ROWS. */
template <int MR = TILE_ROWS>
static inline tile_fn tile_of(int64_t rows) {
    if constexpr (MR > 1) {
        if (rows < MR) return tile_of<MR - 1>(rows);
    }
    return tile<MR>;
}

struct gemm_task {
    const float *a, *b, *bias, *sum;
    float *c;
    int64_t lda, ldc, sum_stride, n, k;
    int32_t activation;
    bool more; /* behind b lie panels that are used next */
};

/* Columns that a tile would exceed: computed beside c, in one pass over k. */
static void ragged_columns(const gemm_task &t, int64_t rows, int64_t row, const float *b, int64_t column) {
    float beside[TILE_ROWS * TILE_COLS], bias[TILE_COLS] = {}, sum[TILE_ROWS * TILE_COLS] = {};
    int64_t columns = t.n - column;
    if (t.bias) std::memcpy(bias, t.bias + column, columns * sizeof(float));
    if (t.sum)
        for (int64_t i = 0; i < rows; i++)
            std::memcpy(sum + i * TILE_COLS, t.sum + (row + i) * t.sum_stride + column, columns * sizeof(float));
    tile_ends ends{bias, t.sum ? sum : nullptr, TILE_COLS, true, true, t.activation == GATUN_RELU, nullptr, nullptr, 0, 0};
    tile_of(rows)(t.a + row * t.lda, t.lda, b, GATUN_PANEL, t.k, beside, TILE_COLS, ends);
    for (int64_t i = 0; i < rows; i++) {
        float *c = t.c + (row + i) * t.ldc + column;
        std::memcpy(c, beside + i * TILE_COLS, columns * sizeof(float));
        if (t.activation > GATUN_RELU) bias_act_rows(c, nullptr, nullptr, 1, columns, 1, t.activation);
    }
}

/* Rows first .. last of the columns of panels from .. to, a block of the depth. */
static void gemm_block(const gemm_task &t, int64_t first, int64_t last, int64_t from, int64_t to, int64_t p, int64_t depth) {
    bool begins = p == 0, ends = p + depth == t.k;
    for (int64_t column = from * GATUN_PANEL; column < to * GATUN_PANEL && column < t.n; column += TILE_COLS) {
        const float *panel = t.b + column / GATUN_PANEL * GATUN_PANEL * t.k + column % GATUN_PANEL;
        bool ragged = column + TILE_COLS > t.n;
        if (ragged && !ends) continue;
        const float *b = panel + p * GATUN_PANEL;
        bool first_panel = column == from * GATUN_PANEL, more_panels = t.more || (column + GATUN_PANEL < t.n && column + GATUN_PANEL < to * GATUN_PANEL);
        /* Tiles of about equal height: one of few rows is slow. */
        int64_t tiles = (last - first + TILE_ROWS - 1) / TILE_ROWS, height = (last - first + tiles - 1) / tiles;
        /* One tile alone looks ahead in its own panel; of several each brings its share of the next. */
        int64_t steps = (depth + STEP - 1) / STEP, panel_lines = depth * (GATUN_PANEL / LINE);
        int64_t lines = tiles == 1 ? panel_lines : more_panels ? (panel_lines + tiles - 1) / tiles : 0;
        const float *ahead = tiles == 1 ? b + LOOK_AHEAD * GATUN_PANEL : b + t.k * GATUN_PANEL;
        for (int64_t row = first; row < last; row += height) {
            int64_t rows = last - row < height ? last - row : height;
            if (ragged) {
                ragged_columns(t, rows, row, panel, column);
                continue;
            }
            float *c = t.c + row * t.ldc + column;
            const float *a = t.a + row * t.lda + p;
            tile_ends e{t.bias ? t.bias + column : nullptr, t.sum ? t.sum + row * t.sum_stride + column : nullptr, t.sum_stride,
                        begins, ends, t.activation == GATUN_RELU,
                        first_panel && row + 2 * height <= last ? a + height * t.lda : nullptr, ahead, lines, (lines + steps - 1) / steps};
            ahead += lines * LINE;
            tile_of(rows)(a, t.lda, b, GATUN_PANEL, depth, c, t.ldc, e);
            if (ends && t.activation > GATUN_RELU)
                for (int64_t i = 0; i < rows; i++) bias_act_rows(c + i * t.ldc, nullptr, nullptr, 1, TILE_COLS, 1, t.activation);
        }
    }
}

static void gemm_part(const gemm_task &t, int64_t first, int64_t last, int64_t from, int64_t to) {
    for (int64_t row = first; row < last; row += BLOCK_ROWS) {
        int64_t end = row + BLOCK_ROWS < last ? row + BLOCK_ROWS : last;
        /* So few rows leave everything of b but a panel's stream out of the caches anyhow. */
        int64_t depth = end - row <= TILE_ROWS ? t.k : BLOCK_DEPTH;
        for (int64_t p = 0; p < t.k; p += depth) gemm_block(t, row, end, from, to, p, t.k - p < depth ? t.k - p : depth);
    }
}

static void gemm(const gatun_gemm_args *a) {
    gemm_task t{a->a, a->b, a->bias, a->sum, a->c, a->lda, a->ldc, a->sum_stride, a->n, a->k, a->activation, false};
    int64_t panels = (a->n + GATUN_PANEL - 1) / GATUN_PANEL, threads = omp_get_max_threads();
    if (threads == 1 || a->m * a->n * a->k < PARALLEL_MULTIPLY_ADDS) {
        gemm_part(t, 0, a->m, 0, panels);
        return;
    }
    /* Threads share out what there is more of, so that what each of them reads whole is the smaller. */
    int64_t tiles = (a->m + TILE_ROWS - 1) / TILE_ROWS;
    bool by_rows = panels < threads || (a->m > a->n && tiles >= 2 * threads);
    int64_t units = by_rows ? tiles : panels;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < threads; i++) {
        int64_t first = units * i / threads, last = units * (i + 1) / threads;
        if (by_rows) gemm_part(t, first * TILE_ROWS, last * TILE_ROWS < a->m ? last * TILE_ROWS : a->m, 0, panels);
        else gemm_part(t, 0, a->m, first, last);
    }
}

} // namespace
