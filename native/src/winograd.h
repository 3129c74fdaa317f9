/*
 * 3 x 3 convolutions by Winograd's F(4 x 4, 3 x 3): tiles of 6 x 6 pixels are transformed, multiplied with transformed weights as 36
 * products over the channels, and transformed back. A block of tiles goes through all three steps while it is in the
 * second-level cache. Points 0, +-A, +-B and infinity with A = 1/sqrt(2), B = sqrt(2).
 */
#pragma once


#include "gemm.h"
#include "kernels.h"
#include "parallel.h"
#include "vec.h"

namespace GATUN_NAMESPACE {

constexpr int64_t TILE = 4, PATCH = 6, PRODUCTS = PATCH * PATCH;
constexpr float POINT_A = 0.70710678118654752f, POINT_B = 1.41421356237309505f;

/* B^T x: coefficients of the products of (x - point) over all points but one. A^2 = 1/2, B^2 = 2. */
static inline void transform_in(const vf (&x)[PATCH], vf (&y)[PATCH]) {
    vf even_a = x[4] - 2.0f * x[2], odd_a = POINT_A * (x[3] - 2.0f * x[1]);
    vf even_b = x[4] - 0.5f * x[2], odd_b = POINT_B * (x[3] - 0.5f * x[1]);
    y[0] = x[0] + x[4] - 2.5f * x[2];
    y[1] = even_a + odd_a;
    y[2] = even_a - odd_a;
    y[3] = even_b + odd_b;
    y[4] = even_b - odd_b;
    y[5] = x[1] + x[5] - 2.5f * x[3];
}

/* A^T x: row i is the points to the power of i, and infinity in the last. */
static inline void transform_out(const vf (&x)[PATCH], vf (&y)[TILE]) {
    vf sum_a = x[1] + x[2], difference_a = POINT_A * (x[1] - x[2]);
    vf sum_b = x[3] + x[4], difference_b = POINT_B * (x[3] - x[4]);
    y[0] = x[0] + sum_a + sum_b;
    y[1] = difference_a + difference_b;
    y[2] = 0.5f * sum_a + 2.0f * sum_b;
    y[3] = 0.5f * difference_a + 2.0f * difference_b + x[5];
}

struct winograd_task {
    const gatun_winograd_args &a;
    int64_t out_h, out_w, rows, columns; /* tiles of a picture */
    explicit winograd_task(const gatun_winograd_args &args)
        : a(args), out_h(args.h + 2 * args.pad - 2), out_w(args.w + 2 * args.pad - 2), rows((out_h + TILE - 1) / TILE),
          columns((out_w + TILE - 1) / TILE) {}
    int64_t tiles() const { return a.n * rows * columns; }
};

/*
 * Floats from a tile to the next, with a line more so that they do not all meet in the same places of the cache. Patches lie apart and
 * not products: stores at great distances are slow, and what the processor fetches ahead of them is another thread's, which
 * takes both three times as long.
 */
static int64_t winograd_stride(int64_t channels) { return PRODUCTS * channels + LINE; }

/* v[36][c] from one tile's patch. */
static void patch_in(const winograd_task &t, int64_t tile, float *v) {
    const gatun_winograd_args &a = t.a;
    int64_t picture = tile / (t.rows * t.columns), top = tile / t.columns % t.rows * TILE - a.pad, left = tile % t.columns * TILE - a.pad;
    const float *src = a.src + picture * a.h * a.w * a.c;
    bool inside = top >= 0 && left >= 0 && top + PATCH <= a.h && left + PATCH <= a.w;
    for (int64_t c = 0; c < a.c; c += W) {
        vf half[PATCH][PATCH];
        for (int64_t x = 0; x < PATCH; x++) {
            vf column[PATCH], changed[PATCH];
#pragma GCC unroll 6
            for (int64_t y = 0; y < PATCH; y++) {
                int64_t sy = top + y, sx = left + x;
                bool there = inside || (sy >= 0 && sy < a.h && sx >= 0 && sx < a.w);
                column[y] = there ? load(src + (sy * a.w + sx) * a.c + c) : vf{};
            }
            transform_in(column, changed);
#pragma GCC unroll 6
            for (int64_t y = 0; y < PATCH; y++) half[y][x] = changed[y];
        }
        for (int64_t y = 0; y < PATCH; y++) {
            vf changed[PATCH];
            transform_in(half[y], changed);
#pragma GCC unroll 6
            for (int64_t x = 0; x < PATCH; x++) store(v + (y * PATCH + x) * a.c + c, changed[x]);
        }
    }
}

/* Channels from .. to of one tile's results from m[36][to - from]. */
static void tile_out(const winograd_task &t, int64_t tile, const float *m, int64_t from, int64_t to) {
    const gatun_winograd_args &a = t.a;
    int64_t picture = tile / (t.rows * t.columns), top = tile / t.columns % t.rows * TILE, left = tile % t.columns * TILE;
    /* Pixels and their distance shrink where two by two become one. */
    int64_t side = a.pool ? 2 : 1, out_h = t.out_h / side, out_w = t.out_w / side, edge = TILE / side;
    top /= side;
    left /= side;
    int64_t height = out_h - top < edge ? out_h - top : edge, width = out_w - left < edge ? out_w - left : edge;
    int64_t first = ((picture * out_h + top) * out_w + left) * a.oc;
    for (int64_t c = from; c < to; c += W) {
        vf half[TILE][PATCH], row[TILE][TILE];
        for (int64_t x = 0; x < PATCH; x++) {
            vf column[PATCH], changed[TILE];
#pragma GCC unroll 6
            for (int64_t y = 0; y < PATCH; y++) column[y] = load(m + (y * PATCH + x) * (to - from) + c - from);
            transform_out(column, changed);
#pragma GCC unroll 4
            for (int64_t y = 0; y < TILE; y++) half[y][x] = changed[y];
        }
        vf bias = a.bias ? load(a.bias + c) : vf{};
        for (int64_t y = 0; y < TILE; y++) transform_out(half[y], row[y]);
        for (int64_t y = 0; y < height; y++)
            for (int64_t x = 0; x < width; x++) {
                int64_t at = first + (y * out_w + x) * a.oc + c;
                vf value = (a.pool ? max(max(row[2 * y][2 * x], row[2 * y][2 * x + 1]),
                                         max(row[2 * y + 1][2 * x], row[2 * y + 1][2 * x + 1]))
                                   : row[y][x]) + bias;
                if (a.sum) value += load(a.sum + at);
                store(a.dst + at, a.activation == GATUN_RELU ? max(vf{}, value) : value);
            }
    }
}

/* Weights that no second-level cache holds, or that take longer to read than so few tiles take to multiply, are read once: by all
 * threads together, each a part. */
static bool winograd_together(const winograd_task &t, int64_t threads) {
    const int64_t LARGE = 3 << 20;
    return PRODUCTS * (int64_t)sizeof(float) * t.a.c * t.a.oc > LARGE || (threads > 1 && t.tiles() < 2 * TILE_ROWS * threads);
}

/* Of what all do together, whether each of few threads transforms every patch for itself and takes whole panels: that costs a tenth more
 * than sharing them, but nobody waits, and nothing moves between caches, which takes longer where they are far apart. */
static bool winograd_apart(const winograd_task &t, int64_t threads) {
    int64_t panels = (t.a.oc + TILE_COLS - 1) / TILE_COLS;
    return threads > 1 && threads <= 4 && panels % threads == 0;
}

/* Channels of each of those, the last perhaps fewer. */
static int64_t winograd_share(const winograd_task &t, int64_t threads) {
    return (t.a.oc + TILE_COLS - 1) / TILE_COLS / threads * TILE_COLS;
}

/* Tiles of a block: both transforms stay in the second-level cache, unless all threads work on one block together. In whole tiles
 * of the products, if that takes nothing from another thread. */
static int64_t winograd_block(const winograd_task &t, int64_t threads) {
    const int64_t CACHE = 3 << 19, LARGE = 1 << 24;
    bool together = winograd_together(t, threads);
    int64_t fits = (together ? LARGE : CACHE) / (PRODUCTS * (int64_t)sizeof(float) * (t.a.c + t.a.oc));
    int64_t share = together ? t.tiles() : (t.tiles() + threads - 1) / threads;
    int64_t block = share < fits ? share : fits;
    if (block > TILE_ROWS) {
        int64_t blocks = (share + block - 1) / block;
        block = (share + blocks - 1) / blocks;
        if (together || threads == 1) block = (block + TILE_ROWS - 1) / TILE_ROWS * TILE_ROWS;
    }
    return block < 1 ? 1 : block;
}

/* Of a thread that transforms for itself. */
static int64_t winograd_thread_floats(int64_t block, int64_t c, int64_t oc) { return block * (winograd_stride(c) + winograd_stride(oc)); }

static bool winograd_empty(const winograd_task &t) { return t.tiles() <= 0 || t.a.oc == 0 || t.a.c == 0; }

/* All threads' together. */
static int64_t winograd_scratch_floats(const gatun_winograd_args *a, int64_t threads) {
    winograd_task t(*a);
    if (winograd_empty(t)) return 0;
    int64_t block = winograd_block(t, threads);
    if (!winograd_together(t, threads)) return threads * winograd_thread_floats(block, a->c, a->oc);
    return winograd_apart(t, threads) ? threads * winograd_thread_floats(block, a->c, winograd_share(t, threads))
                                      : winograd_thread_floats(block, a->c, a->oc);
}

/* Channels from .. to, whole panels, of product e of 36: for each of count tiles m[e][to - from] = v[e][c] u[e]. */
static void winograd_product(const gatun_winograd_args &a, int64_t e, int64_t count, const float *v, float *m, int64_t from, int64_t to) {
    int64_t floats = gatun_panel_floats(a.c, a.oc), channels = to - from;
    const float *u = a.u + e * floats, *next = e + 1 < PRODUCTS ? u + floats + from * a.c : nullptr;
    gemm_task product{v + e * a.c, u, nullptr, nullptr, m + e * channels - from, winograd_stride(a.c), winograd_stride(channels), 0, a.oc,
                      a.c, GATUN_NONE, next, nullptr};
    gemm_part(product, 0, count, from / TILE_COLS, (to + TILE_COLS - 1) / TILE_COLS);
}

/* Whole panels of every block for each thread, see winograd_apart. */
static void winograd_panels(const winograd_task &t, int64_t block) {
    const gatun_winograd_args &a = t.a;
    int64_t tiles = t.tiles(), threads = threads_here(), share = winograd_share(t, threads);
    parallel_for(threads, true, [&](int64_t thread, int64_t) {
        int64_t from = thread * share, to = from + share < a.oc ? from + share : a.oc, channels = to - from;
        float *v = (float *)a.scratch + thread * winograd_thread_floats(block, a.c, share), *m = v + block * winograd_stride(a.c);
        for (int64_t first = 0; first < tiles; first += block) {
            int64_t count = tiles - first < block ? tiles - first : block;
            for (int64_t j = 0; j < count; j++) patch_in(t, first + j, v + j * winograd_stride(a.c));
            for (int64_t e = 0; e < PRODUCTS; e++) winograd_product(a, e, count, v, m, from, to);
            for (int64_t j = 0; j < count; j++) tile_out(t, first + j, m + j * winograd_stride(channels), from, to);
        }
    });
}

/* Every thread a share of each step of each block; between the steps they wait for each other. */
static void winograd_steps(const winograd_task &t, int64_t block) {
    const gatun_winograd_args &a = t.a;
    float *v = (float *)a.scratch, *m = v + block * winograd_stride(a.c);
    int64_t tiles = t.tiles();
    parallel(threads_here(), [&](int64_t thread, int64_t of) {
        for (int64_t first = 0; first < tiles; first += block) {
            int64_t count = tiles - first < block ? tiles - first : block;
            share_of(thread, of, count, [&](int64_t j) { patch_in(t, first + j, v + j * winograd_stride(a.c)); });
            barrier();
            share_of(thread, of, PRODUCTS, [&](int64_t e) { winograd_product(a, e, count, v, m, 0, a.oc); });
            barrier();
            share_of(thread, of, count, [&](int64_t j) { tile_out(t, first + j, m + j * winograd_stride(a.oc), 0, a.oc); });
            barrier();
        }
    });
}

static void winograd(const gatun_winograd_args *a) {
    winograd_task t(*a);
    if (winograd_empty(t)) return pixels_of_nothing(t.a.n, t.out_h, t.out_w, a->pool, a->oc, a->bias, a->sum, a->dst, a->activation);
    int64_t threads = threads_here(), tiles = t.tiles();
    int64_t block = winograd_block(t, threads), blocks = (tiles + block - 1) / block;
    if (winograd_together(t, threads)) return winograd_apart(t, threads) ? winograd_panels(t, block) : winograd_steps(t, block);
    parallel_for(blocks, true, [&](int64_t i, int64_t thread) {
        int64_t first = i * block, count = tiles - first < block ? tiles - first : block;
        float *v = (float *)a->scratch + thread * winograd_thread_floats(block, a->c, a->oc);
        float *m = v + block * winograd_stride(a->c);
        for (int64_t j = 0; j < count; j++) patch_in(t, first + j, v + j * winograd_stride(a->c));
        for (int64_t e = 0; e < PRODUCTS; e++) winograd_product(*a, e, count, v, m, 0, a->oc);
        for (int64_t j = 0; j < count; j++) tile_out(t, first + j, m + j * winograd_stride(a->oc), 0, a->oc);
    });
}

} // namespace
