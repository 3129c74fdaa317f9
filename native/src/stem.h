/*
 * The first convolution of a network: from pictures of few planes to channels-last, directly. A block of output rows has its part of the
 * picture copied with its padding, so that every tap is a constant distance away; tiles of pixels by channels are held in registers
 * over all taps.
 */
#pragma once


#include "gemm.h"
#include "kernels.h"
#include "parallel.h"
#include "vec.h"

namespace GATUN_NAMESPACE {

/* Pixels of the result along one side. */
static int64_t stem_out(int64_t size, int64_t kernel, int64_t stride, int64_t pad) {
    return size + 2 * pad < kernel ? 0 : (size + 2 * pad - kernel) / stride + 1;
}

static int64_t stem_out_h(const gatun_stem_args *a) { return stem_out(a->h, a->kh, a->stride, a->pad); }
static int64_t stem_out_w(const gatun_stem_args *a) { return stem_out(a->w, a->kw, a->stride, a->pad); }

static bool stem_empty(const gatun_stem_args *a) {
    return a->n * a->oc * a->c * a->kh * a->kw * stem_out_h(a) * stem_out_w(a) == 0;
}

struct stem_task {
    const gatun_stem_args &a;
    int64_t out_h, out_w, padded_w, depth;
    int64_t rows;  /* of a block; of the result before it is pooled */
    int64_t lines; /* of the copy of each plane */
    stem_task(const gatun_stem_args &args, int64_t threads)
        : a(args), out_h(stem_out_h(&args)), out_w(stem_out_w(&args)), padded_w(args.w + 2 * args.pad), depth(args.c * args.kh * args.kw) {
        /* So many that the copy and the sums fit the first-level cache beside weights, but at least two. */
        const int64_t COPY_FLOATS = 6 << 10;
        int64_t fit = (COPY_FLOATS / (a.c * padded_w) - a.kh) / a.stride + 1;
        int64_t share = a.n < threads ? (out_h + threads - 1) / threads : out_h;
        rows = fit < 2 ? 2 : fit < share ? fit / 2 * 2 : (share + 1) / 2 * 2;
        lines = (rows - 1) * a.stride + a.kh;
    }
    int64_t copy_floats() const { return a.c * lines * padded_w; }
    /* Two rows of one panel, if they are pooled. */
    int64_t row_floats() const { return a.pool ? 2 * out_w * TILE_COLS : 0; }
    int64_t thread_floats() const { return (copy_floats() + row_floats() + LINE - 1) / LINE * LINE; }
};

static int64_t stem_scratch_floats(const gatun_stem_args *a, int64_t threads) {
    return stem_empty(a) ? 0 : stem_task(*a, threads).thread_floats() * threads;
}

/* c[MR, NV vectors] = bias + taps of a, or 0 where that is less with relu: at has where each tap lies; stride floats between a's pixels. */
template <int MR, int NV>
static void stem_tile(const float *a, int64_t stride, const int32_t *at, int64_t depth, const float *b, float *c, int64_t ldc,
                      const float *bias, bool relu) {
    vf acc[MR][NV];
#pragma GCC unroll 4
    for (int j = 0; j < NV; j++)
#pragma GCC unroll 16
        for (int i = 0; i < MR; i++) acc[i][j] = bias ? load(bias + j * W) : vf{};
#pragma GCC unroll 1
    for (int64_t p = 0; p < depth; p++) {
        vf row[NV];
#pragma GCC unroll 4
        for (int j = 0; j < NV; j++) row[j] = load(b + (p * NV + j) * W);
        const float *tap = a + at[p];
#pragma GCC unroll 16
        for (int i = 0; i < MR; i++) {
            vf x = set(tap[i * stride]);
#pragma GCC unroll 4
            for (int j = 0; j < NV; j++) acc[i][j] += x * row[j];
        }
    }
#pragma GCC unroll 4
    for (int j = 0; j < NV; j++)
#pragma GCC unroll 16
        for (int i = 0; i < MR; i++) store(c + i * ldc + j * W, relu ? max(vf{}, acc[i][j]) : acc[i][j]);
}

typedef void (*stem_fn)(const float *, int64_t, const int32_t *, int64_t, const float *, float *, int64_t, const float *, bool);

template <int NV, int MR = TILE_ROWS>
static stem_fn stem_tile_of_rows(int64_t rows) {
    if constexpr (MR > 1) {
        if (rows < MR) return stem_tile_of_rows<NV, MR - 1>(rows);
    }
    return stem_tile<MR, NV>;
}

static stem_fn stem_tile_of(int64_t rows, int64_t width) {
    return width == W ? stem_tile_of_rows<1>(rows) : width == 2 * W ? stem_tile_of_rows<2>(rows) : stem_tile_of_rows<TILE_VECTORS>(rows);
}

/* One row of pixels by one panel. */
static void stem_row(const stem_task &t, const float *copy, const int32_t *at, int64_t column, int64_t width, float *c, int64_t ldc) {
    const gatun_stem_args &a = t.a;
    int64_t tiles = (t.out_w + TILE_ROWS - 1) / TILE_ROWS, height = (t.out_w + tiles - 1) / tiles;
    for (int64_t x = 0; x < t.out_w; x += height) {
        int64_t pixels = t.out_w - x < height ? t.out_w - x : height;
        stem_tile_of(pixels, width)(copy + x * a.stride, a.stride, at, t.depth, a.b + column * t.depth, c + x * ldc, ldc,
                                    a.bias ? a.bias + column : nullptr, a.activation == GATUN_RELU);
    }
}

/* The largest of two by two pixels; what is left over of an odd number is left out. */
static void pool_rows(const float *rows, int64_t out_w, int64_t width, float *dst, int64_t ldc) {
    const float *below = rows + out_w * width;
    for (int64_t x = 0; x + 2 <= out_w; x += 2)
        for (int64_t j = 0; j < width; j += W) {
            const float *p = rows + x * width + j, *q = below + x * width + j;
            store(dst + x / 2 * ldc + j, max(max(load(p), load(p + width)), max(load(q), load(q + width))));
        }
}

/* The lines of every plane that output rows from first need, zeros around the picture. */
static void stem_copy(const stem_task &t, const float *src, int64_t first, float *copy) {
    const gatun_stem_args &a = t.a;
    int64_t top = first * a.stride - a.pad;
    for (int64_t c = 0; c < a.c; c++)
        for (int64_t y = 0; y < t.lines; y++, copy += t.padded_w) {
            int64_t from = top + y;
            if (from < 0 || from >= a.h) {
                std::memset(copy, 0, t.padded_w * sizeof(float));
                continue;
            }
            std::memset(copy, 0, a.pad * sizeof(float));
            std::memcpy(copy + a.pad, src + (c * a.h + from) * a.w, a.w * sizeof(float));
            std::memset(copy + a.pad + a.w, 0, a.pad * sizeof(float));
        }
}

static void stem_block(const stem_task &t, int64_t picture, int64_t first, const int32_t *at, float *scratch) {
    const gatun_stem_args &a = t.a;
    float *copy = scratch, *pair = scratch + t.copy_floats();
    stem_copy(t, a.src + picture * a.c * a.h * a.w, first, copy);
    int64_t last = first + t.rows < t.out_h ? first + t.rows : t.out_h;
    for (int64_t column = 0; column < a.oc; column += TILE_COLS) {
        int64_t width = panel_width(a.oc - column);
        for (int64_t y = first; y < last; y++) {
            const float *lines = copy + (y - first) * a.stride * t.padded_w;
            if (!a.pool) {
                stem_row(t, lines, at, column, width, a.dst + (picture * t.out_h + y) * t.out_w * a.oc + column, a.oc);
                continue;
            }
            stem_row(t, lines, at, column, width, pair + (y & 1) * t.out_w * width, width);
            if (y & 1) pool_rows(pair, t.out_w, width, a.dst + (picture * (t.out_h / 2) + y / 2) * (t.out_w / 2) * a.oc + column, a.oc);
        }
    }
}

static void stem(const gatun_stem_args *a) {
    if (stem_empty(a))
        return pixels_of_nothing(a->n, stem_out_h(a), stem_out_w(a), a->pool, a->oc, a->bias, nullptr, a->dst, a->activation);
    int64_t threads = threads_here();
    stem_task t(*a, threads);
    int32_t at[GATUN_STEM_DEPTH];
    for (int64_t p = 0; p < t.depth; p++)
        at[p] = (int32_t)((p / (a->kh * a->kw) * t.lines + p / a->kw % a->kh) * t.padded_w + p % a->kw);
    int64_t blocks = (t.out_h + t.rows - 1) / t.rows, count = a->n * blocks;
    bool worthwhile = a->n * t.out_h * t.out_w * t.depth * a->oc >= PARALLEL_MULTIPLY_ADDS;
    parallel_for(count, worthwhile, [&](int64_t i, int64_t thread) {
        stem_block(t, i / blocks, i % blocks * t.rows, at, (float *)a->scratch + thread * t.thread_floats());
    });
}

} // namespace
