/*
 * What training does besides products: element by element, and windows of pictures. Gradients are added to what is there. Loops that
 * compilers make vectors of, shared out in ranges that threads do not wait for.
 */
#pragma once

#include <cmath>

#include "kernels.h"
#include "parallel.h"

namespace GATUN_NAMESPACE {

/* Elements of a range: fewer are not worth waking threads for. */
constexpr int64_t TRAIN_RANGE = 1 << 15;

/* body(first, last) for ranges of 0 .. count. */
template <typename Body>
static inline void each_range(int64_t count, const Body &body) {
    int64_t ranges = (count + TRAIN_RANGE - 1) / TRAIN_RANGE;
    parallel_for(ranges, ranges > 1, [&](int64_t i, int64_t) {
        body(i * TRAIN_RANGE, (i + 1) * TRAIN_RANGE < count ? (i + 1) * TRAIN_RANGE : count);
    });
}

/* f(0) + f(1) + ..., in 16 sums beside each other. */
template <typename F>
static inline double add_up(int64_t count, const F &f) {
    double sums[16] = {};
    int64_t i = 0;
    for (; i + 16 <= count; i += 16)
        for (int64_t j = 0; j < 16; j++) sums[j] += f(i + j);
    for (; i < count; i++) sums[0] += f(i);
    double sum = 0;
    for (double each : sums) sum += each;
    return sum;
}

static double squares(const float *x, int64_t count) {
    return add_up(count, [&](int64_t i) { return (double)x[i] * x[i]; });
}

static void add_to(const float *x, float factor, float *y, int64_t count) {
    each_range(count, [&](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; i++) y[i] += factor * x[i];
    });
}

static void binary(const float *a, const float *b, float *y, int64_t count, int32_t kind) {
    each_range(count, [&](int64_t first, int64_t last) {
        auto all = [&](auto f) {
            for (int64_t i = first; i < last; i++) y[i] = f(a[i], b[i]);
        };
        switch (kind) {
        case 0: return all([](float p, float q) { return p + q; });
        case 1: return all([](float p, float q) { return p - q; });
        case 2: return all([](float p, float q) { return p * q; });
        case 3: return all([](float p, float q) { return p / q; });
        case 4: return all([](float p, float q) { return p > q || p != p ? p : q; });
        default: return all([](float p, float q) { return p < q || p != p ? p : q; });
        }
    });
}

static void binary_backward(const float *a, const float *b, const float *dy, float *da, float *db, int64_t count, int32_t kind) {
    each_range(count, [&](int64_t first, int64_t last) {
        auto both = [&](auto of_a, auto of_b) {
            for (int64_t i = first; da && i < last; i++) da[i] += dy[i] * of_a(a[i], b[i]);
            for (int64_t i = first; db && i < last; i++) db[i] += dy[i] * of_b(a[i], b[i]);
        };
        auto one = [](float, float) { return 1.0f; };
        /* Of what is larger; of what is not, for numbers. */
        auto above = [](float p, float q) { return p == q ? 0.5f : p < q ? 0.0f : 1.0f; };
        auto below = [](float p, float q) { return p == q ? 0.5f : p > q ? 0.0f : 1.0f; };
        switch (kind) {
        case 0: return both(one, one);
        case 1: return both(one, [](float, float) { return -1.0f; });
        case 2: return both([](float, float q) { return q; }, [](float p, float) { return p; });
        case 3: return both([](float, float q) { return 1 / q; }, [](float p, float q) { return -p / q / q; });
        case 4: return both(above, below);
        default: return both(below, above);
        }
    });
}

static void multiply_by(const float *x, float *y, int64_t count) {
    each_range(count, [&](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; i++) y[i] *= x[i];
    });
}

/* Numbers of SplitMix64: the i-th of a seed, whoever asks for it. */
static void dropout(float *mask, int64_t count, float share, int64_t seed) {
    const uint64_t limit = (uint64_t)((double)share * (1 << 24));
    const float kept = 1 / (1 - share);
    each_range(count, [&](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; i++) {
            uint64_t z = (uint64_t)seed + (uint64_t)(i + 1) * 0x9e3779b97f4a7c15u;
            z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
            z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
            mask[i] = (z ^ (z >> 31)) >> 40 < limit ? 0 : kept;
        }
    });
}

static void scale_all(float *x, float factor, int64_t count) {
    each_range(count, [&](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; i++) x[i] *= factor;
    });
}

static void sgd(float *p, const float *gradient, float *buffer, int64_t count, float decay, float momentum, float fresh, float rate,
                int32_t nesterov) {
    each_range(count, [&](int64_t first, int64_t last) {
        if (!buffer)
            for (int64_t i = first; i < last; i++) p[i] -= rate * (gradient[i] + decay * p[i]);
        else if (nesterov)
            for (int64_t i = first; i < last; i++) {
                float g = gradient[i] + decay * p[i], b = buffer[i] = momentum * buffer[i] + fresh * g;
                p[i] -= rate * (g + momentum * b);
            }
        else
            for (int64_t i = first; i < last; i++) {
                float b = buffer[i] = momentum * buffer[i] + fresh * (gradient[i] + decay * p[i]);
                p[i] -= rate * b;
            }
    });
}

static void adamw(float *p, const float *gradient, float *mean, float *square, int64_t count, float shrink, float size, float root,
                  float eps, float fresh, float kept, float fresh_square) {
    each_range(count, [&](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; i++) {
            float g = gradient[i], m = mean[i] + fresh * (g - mean[i]), v = kept * square[i] + fresh_square * g * g;
            mean[i] = m, square[i] = v;
            p[i] = p[i] * shrink - size * m / (std::sqrt(v) / root + eps);
        }
    });
}

struct pool_window {
    int64_t first, size, step;
};

/* Of a dimension; see gatun.h for a stride of 0. */
static pool_window window_of(int64_t i, int64_t in, int64_t out, int64_t stride, int64_t before, int64_t k, int64_t dilation) {
    if (stride) return {i * stride - before, k, dilation};
    int64_t first = i * in / out;
    return {first, ((i + 1) * in + out - 1) / out - first, 1};
}

static pool_window rows_of(const gatun_max_pool_args &a, int64_t p) {
    return window_of(p, a.h, a.oh, a.stride_h, a.top, a.kh, a.dilation_h);
}

static pool_window columns_of(const gatun_max_pool_args &a, int64_t q) {
    return window_of(q, a.w, a.ow, a.stride_h ? a.stride_w : 0, a.left, a.kw, a.dilation_w);
}

/* The largest of a window, the first of equal ones; the last NaN. */
static void max_window(const gatun_max_pool_args &a, const float *x, pool_window rows, pool_window columns, float *y, int32_t *place) {
    int64_t best = -1;
    float largest = 0;
    for (int64_t i = 0, row = rows.first; i < rows.size; i++, row += rows.step)
        for (int64_t j = 0, column = columns.first; j < columns.size; j++, column += columns.step) {
            if (row < 0 || row >= a.h || column < 0 || column >= a.w) continue;
            float v = x[row * a.w + column];
            if (best < 0 || v > largest || v != v) best = row * a.w + column, largest = v;
        }
    *y = largest, *place = (int32_t)best;
}

/* Windows of two by two that meet nothing else: without a branch but for NaN. */
static void max_pairs(const float *x, int64_t w, int64_t ow, int64_t at, float *y, int32_t *place) {
    for (int64_t q = 0; q < ow; q++) {
        const float *p = x + at + 2 * q;
        int32_t here = (int32_t)(at + 2 * q), upper = p[1] > p[0] || p[1] != p[1] ? here + 1 : here;
        float top = p[1] > p[0] || p[1] != p[1] ? p[1] : p[0], bottom = p[w + 1] > p[w] || p[w + 1] != p[w + 1] ? p[w + 1] : p[w];
        int32_t lower = (int32_t)(here + w) + (p[w + 1] > p[w] || p[w + 1] != p[w + 1]);
        bool below = bottom > top || bottom != bottom;
        y[q] = below ? bottom : top, place[q] = below ? lower : upper;
    }
}

static void max_pool(const gatun_max_pool_args *args) {
    const gatun_max_pool_args &a = *args;
    bool pairs = a.kh == 2 && a.kw == 2 && a.stride_h == 2 && a.stride_w == 2 && a.dilation_h == 1 && a.dilation_w == 1 && !a.top && !a.left
                 && 2 * a.oh <= a.h && 2 * a.ow <= a.w;
    parallel_for(a.planes, a.planes * a.oh * a.ow > TRAIN_RANGE / 4, [&](int64_t plane, int64_t) {
        const float *x = a.x + plane * a.h * a.w;
        float *y = a.y + plane * a.oh * a.ow;
        int32_t *place = a.places + plane * a.oh * a.ow;
        for (int64_t p = 0; p < a.oh; p++)
            if (pairs) max_pairs(x, a.w, a.ow, 2 * p * a.w, y + p * a.ow, place + p * a.ow);
            else
                for (int64_t q = 0; q < a.ow; q++)
                    max_window(a, x, rows_of(a, p), columns_of(a, q), y + p * a.ow + q, place + p * a.ow + q);
    });
}

static void max_pool_backward(const float *dy, const int32_t *places, float *dx, int64_t planes, int64_t inputs, int64_t outputs) {
    parallel_for(planes, planes * outputs > TRAIN_RANGE / 4, [&](int64_t plane, int64_t) {
        for (int64_t i = plane * outputs; i < (plane + 1) * outputs; i++) dx[plane * inputs + places[i]] += dy[i];
    });
}

/* Means of windows, or on the way back their shares of dy (in x) added to dx (in y). */
static void average_pool(const gatun_max_pool_args *args, int32_t inside, int32_t backward) {
    const gatun_max_pool_args &a = *args;
    parallel_for(a.planes, a.planes * a.oh * a.ow * a.kh * a.kw > TRAIN_RANGE / 4, [&](int64_t plane, int64_t) {
        const float *x = a.x + plane * (backward ? a.oh * a.ow : a.h * a.w);
        float *y = a.y + plane * (backward ? a.h * a.w : a.oh * a.ow);
        for (int64_t p = 0; p < a.oh; p++)
            for (int64_t q = 0; q < a.ow; q++) {
                double sum = 0;
                pool_window rows = rows_of(a, p), columns = columns_of(a, q);
                int64_t count = 0;
                auto each = [&](auto f) {
                    for (int64_t i = 0, row = rows.first; i < rows.size; i++, row += rows.step)
                        for (int64_t j = 0, column = columns.first; j < columns.size; j++, column += columns.step)
                            if (row >= 0 && row < a.h && column >= 0 && column < a.w) f(row * a.w + column);
                };
                if (inside || !backward) each([&](int64_t at) { count++, sum += backward ? 0 : x[at]; });
                auto whole = [](int64_t from, int64_t k, int64_t end) { return from + k < end ? k : end - from; };
                if (!inside) count = whole(rows.first, a.kh, a.h + a.bottom) * whole(columns.first, a.kw, a.w + a.right);
                if (!backward) y[p * a.ow + q] = (float)(sum / count);
                else each([&](int64_t at) { y[at] += x[p * a.ow + q] / count; });
            }
    });
}

} // namespace
