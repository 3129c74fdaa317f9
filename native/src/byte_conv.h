/*
 * Convolutions over bytes as products: windows of some pixels become rows of words (or bytes, where instructions add products of these in
 * 32 bits), and the loops of narrow.h multiply them. Where each channel has its own filter, sums are floats, which hold them exactly.
 */
#pragma once

#include "byte_maps.h"
#include "bytes.h"

namespace GATUN_NAMESPACE {

/* Rows that are multiplied together stay in the second-level cache beside a panel. */
constexpr int64_t WINDOW_BYTES = 192 << 10;

/* Where a result's window lies. */
struct window {
    const gatun_byte_conv_args &g;
    int64_t picture, y, x;
    window(const gatun_byte_conv_args &args, int64_t pixel)
        : g(args), picture(pixel / (g.oh * g.ow)), y(pixel / g.ow % g.oh), x(pixel % g.ow) {}
    void next() {
        if (++x < g.ow) return;
        x = 0;
        if (++y < g.oh) return;
        y = 0, picture++;
    }
    const uint8_t *row(int64_t ky) const {
        int64_t at = y * g.stride_h - g.top + ky * g.dilation_h;
        return at < 0 || at >= g.h ? nullptr : (const uint8_t *)g.src + (picture * g.h + at) * g.w * g.groups * g.c;
    }
    int64_t column(int64_t kx) const { return x * g.stride_w - g.left + kx * g.dilation_w; }
};

struct byte_conv_task {
    const gatun_byte_conv_args &g;
    bool words;
    int64_t k = g.kh * g.kw * g.c, columns = g.oc / g.groups, pixels = g.n * g.oh * g.ow;
    gatun_byte_filter_layout f{k, columns, W, TILE_COLS, words};
    int64_t line = f.steps * 4, stride = line % 512 ? line : line + 64;
    int64_t fit = WINDOW_BYTES / stride / TILE_ROWS * TILE_ROWS, rows = fit < 4 * TILE_ROWS ? 4 * TILE_ROWS : fit > 96 ? 96 : fit;
    /* Of a thread: rows, their sums. */
    int64_t scratch = (rows * (stride + 4) + 63) / 64 * 64;
};

template <typename T>
static inline void widen(const uint8_t *from, T *to, int64_t count, bool is_signed) {
    if (sizeof(T) == 1)
        for (int64_t i = 0; i < count; i++) to[i] = (T)(is_signed ? from[i] ^ 128 : from[i]);
    else if (is_signed)
        for (int64_t i = 0; i < count; i++) to[i] = (T)(int8_t)from[i];
    else
        for (int64_t i = 0; i < count; i++) to[i] = (T)from[i];
}

template <typename T>
static inline T *repeated(T *to, T value, int64_t count) {
    for (int64_t i = 0; i < count; i++) to[i] = value;
    return to + count;
}

/* The row of a window; taps beside the picture are worth nothing. */
template <typename T>
static void window_row(const window &at, int64_t group, T zero, T *to) {
    const gatun_byte_conv_args &g = at.g;
    const bool is_signed = g.src_type == GATUN_S8, joined = g.groups == 1 && g.dilation_w == 1;
    for (int64_t ky = 0; ky < g.kh; ky++) {
        const uint8_t *row = at.row(ky);
        if (!row) to = repeated(to, zero, g.kw * g.c);
        else if (joined) {
            int64_t x = at.column(0), before = x < 0 ? (-x < g.kw ? -x : g.kw) : 0, end = g.w - x < g.kw ? (g.w > x ? g.w - x : 0) : g.kw;
            end = end < before ? before : end;
            to = repeated(to, zero, before * g.c);
            widen(row + (x + before) * g.c, to, (end - before) * g.c, is_signed);
            to = repeated(to + (end - before) * g.c, zero, (g.kw - end) * g.c);
        } else
            for (int64_t kx = 0; kx < g.kw; kx++) {
                int64_t x = at.column(kx);
                if (x < 0 || x >= g.w) repeated(to, zero, g.c);
                else widen(row + (x * g.groups + group) * g.c, to, g.c, is_signed);
                to += g.c;
            }
    }
}

/* What becomes of sums of one row, whole numbers in the place of floats. */
static inline void finish_sums(const byte_result &result, bool whole, const float *sums, const int32_t *bias, const float *factors,
                               const float *add, void *dst, int64_t at, int64_t count) {
    for (int64_t j = 0; j < count; j += W) {
        vi x = (vi)load(sums + j) + read_as<vi>(bias + j);
        if (whole) store_n((float *)dst + at + j, (vf)x, count - j < W ? count - j : W);
        else result.store_at(dst, at + j, __builtin_convertvector(x, vf) * load(factors + j) + load(add + j), count - j);
    }
}

/* Pixels first .. last of a group by the columns of panels from .. to. */
template <typename D>
static void byte_conv_part(const byte_conv_task &t, int64_t group, int64_t first, int64_t last, int64_t from, int64_t to, char *scratch) {
    typedef std::conditional_t<D::STEP == 2, int16_t, uint8_t> T;
    const gatun_byte_conv_args &g = t.g;
    const byte_result result(g.result);
    const char *packed = (const char *)g.filters + group * t.f.all;
    const bool shifted = D::STEP == 4 && g.src_type == GATUN_S8, any = *(const int32_t *)(packed + t.f.any) != 0;
    const int32_t zero = g.src_zero + (shifted ? 128 : 0);
    int32_t zeros[TILE_ROWS], *row_sums = (int32_t *)(scratch + t.rows * t.stride);
    for (int32_t &z : zeros) z = zero;
    narrow_task task{nullptr, scratch, t.stride, t.f.steps, nullptr, nullptr, nullptr, nullptr, nullptr};
    window at(g, first);
    for (int64_t begin = first; begin < last; begin += t.rows) {
        int64_t end = begin + t.rows < last ? begin + t.rows : last, rows = end - begin;
        for (int64_t i = 0; i < rows; i++, at.next()) {
            T *row = (T *)(scratch + i * t.stride);
            std::memset(row + t.line / (int64_t)sizeof(T) - 4 / sizeof(T), 0, 4);
            window_row<T>(at, group, (T)zero, row);
            if (!any) continue;
            row_sums[i] = (int32_t)(-t.k * zero);
            for (int64_t p = 0; p < t.k; p++) row_sums[i] += row[p];
        }
        int64_t tiles = (rows + TILE_ROWS - 1) / TILE_ROWS, height = (rows + tiles - 1) / tiles;
        for (int64_t column = from * TILE_COLS; column < t.columns && column < to * TILE_COLS; column += TILE_COLS) {
            int64_t columns = t.columns - column < TILE_COLS ? t.columns - column : TILE_COLS, width = panel_width(columns);
            for (int64_t row = 0; row < rows; row += height) {
                int64_t count = rows - row < height ? rows - row : height;
                float sums[TILE_ROWS * TILE_COLS];
                narrow_ends e{nullptr, nullptr, 0, nullptr, nullptr, zeros, (const int32_t *)(packed + t.f.sums) + column, row_sums + row,
                              any ? (const int32_t *)(packed + t.f.zeros) + column : nullptr};
                narrow_width<whole_sums<D>, false>(width, count, task, row, packed + column * t.f.steps * D::STEP, sums, TILE_COLS, e);
                for (int64_t i = 0; i < count; i++)
                    finish_sums(result, g.result.type == GATUN_S32, sums + i * TILE_COLS, (const int32_t *)(packed + t.f.bias) + column,
                                (const float *)(packed + t.f.scales) + column, (const float *)(packed + t.f.add) + column, g.dst,
                                (begin + row + i) * g.oc + group * t.columns + column, columns);
            }
        }
    }
}

/* Filters of one channel each. */
struct depthwise_task {
    const gatun_byte_conv_args &g;
    gatun_depthwise_layout f{g.kh * g.kw, g.oc, W};

    /* Sums of NV vectors of channels. */
    template <int NV>
    void sums(const window &from, int64_t channel, float *to) const {
        const float *weights = (const float *)g.filters + channel, *all = (const float *)((const char *)g.filters + f.sums) + channel;
        const bool is_signed = g.src_type == GATUN_S8;
        const vf zero = set((float)g.src_zero);
        vf acc[NV];
#pragma GCC unroll 4
        for (int v = 0; v < NV; v++) acc[v] = -zero * load(all + v * W);
        for (int64_t ky = 0; ky < g.kh; ky++) {
            const uint8_t *row = from.row(ky);
            for (int64_t kx = 0; kx < g.kw; kx++, weights += f.columns) {
                int64_t x = from.column(kx);
                bool outside = !row || x < 0 || x >= g.w;
#pragma GCC unroll 4
                for (int v = 0; v < NV; v++) {
                    int64_t at = x * g.oc + channel + v * W, left = NV > 1 ? W : g.oc - channel;
                    acc[v] += load(weights + v * W) * (outside ? zero : __builtin_convertvector(bytes_at(row, at, left, is_signed), vf));
                }
            }
        }
#pragma GCC unroll 4
        for (int v = 0; v < NV; v++) store(to + v * W, (vf)__builtin_convertvector(acc[v], vi));
    }

    void pixel(const window &at, int64_t pixel, const byte_result &result) const {
        constexpr int MANY = 4;
        const char *packed = (const char *)g.filters;
        for (int64_t channel = 0; channel < g.oc;) {
            int64_t left = g.oc - channel, count = left >= MANY * W ? MANY * W : left < W ? left : W;
            float beside[MANY * W];
            if (count == MANY * W) sums<MANY>(at, channel, beside);
            else sums<1>(at, channel, beside);
            finish_sums(result, g.result.type == GATUN_S32, beside, (const int32_t *)(packed + f.bias) + channel,
                        (const float *)(packed + f.scales) + channel, (const float *)(packed + f.add) + channel, g.dst,
                        pixel * g.oc + channel, count);
            channel += count;
        }
    }
};

static void byte_depthwise(const gatun_byte_conv_args &g) {
    const depthwise_task t{g};
    const byte_result result(g.result);
    int64_t pixels = g.n * g.oh * g.ow;
    parallel(pixels * g.oc * g.kh * g.kw < PARALLEL_MULTIPLY_ADDS ? 1 : threads_here(), [&](int64_t number, int64_t of) {
        window at(g, pixels * number / of);
        share_of(number, of, pixels, [&](int64_t pixel) {
            t.pixel(at, pixel, result);
            at.next();
        });
    });
}

static byte_conv_task byte_conv_of(const gatun_byte_conv_args &g) { return {g, VEC_BYTES > 16 && int8_depth() > 1}; }

static int64_t byte_conv_scratch_bytes(const gatun_byte_conv_args *g, int64_t threads) {
    return gatun_is_depthwise(g->groups, g->oc, g->c, g->kh * g->kw) ? 0 : byte_conv_of(*g).scratch * threads;
}

static void byte_conv(const gatun_byte_conv_args *g) {
    if (g->n * g->oh * g->ow * g->oc <= 0) return;
    if (gatun_is_depthwise(g->groups, g->oc, g->c, g->kh * g->kw)) return byte_depthwise(*g);
    const byte_conv_task t = byte_conv_of(*g);
    const int64_t tiles = (t.pixels + TILE_ROWS - 1) / TILE_ROWS, panels = (t.columns + TILE_COLS - 1) / TILE_COLS;
    const int64_t threads = t.pixels * g->oc * t.k < PARALLEL_MULTIPLY_ADDS ? 1 : threads_here();
    /* Shared out by what leaves the busiest thread the least. */
    int64_t by_rows = (tiles + threads - 1) / threads * panels, by_panels = (panels + threads - 1) / threads * tiles;
    const bool rows = by_rows <= by_panels + by_panels / 8;
    parallel(threads, [&](int64_t i, int64_t of) {
        char *scratch = (char *)g->scratch + i * t.scratch;
        int64_t first = rows ? tiles * i / of * TILE_ROWS : 0, end = rows ? tiles * (i + 1) / of * TILE_ROWS : t.pixels;
        int64_t last = end < t.pixels ? end : t.pixels, from = rows ? 0 : panels * i / of, to = rows ? panels : panels * (i + 1) / of;
        for (int64_t group = 0; group < g->groups; group++) {
#if VEC_BYTES > 16
            if (t.words) {
                byte_conv_part<word_weights>(t, group, first, last, from, to, scratch);
                continue;
            }
#endif
            byte_conv_part<byte_weights>(t, group, first, last, from, to, scratch);
        }
    });
}

const gatun_byte_kernels byte_kernels = {byte_conv, byte_conv_scratch_bytes, byte_pair, byte_mean, byte_scale};

} // namespace
