/* Kernels that work on one row at a time: normalization, embeddings, pooling, bias with activation. */
#pragma once

#include <cmath>
#include <cstring>
#include <type_traits>

#include "kernels.h"
#include "parallel.h"
#include "vec.h"

namespace GATUN_NAMESPACE {

/* Fewer elements than this are not worth waking threads for. */
constexpr int64_t PARALLEL_ELEMENTS = 1 << 15;

/* body(i) for each row. */
template <typename Body>
static inline void each_row(int64_t rows, int64_t cols, const Body &body) {
    parallel_for(rows, rows * cols >= PARALLEL_ELEMENTS, [&](int64_t i, int64_t) { body(i); });
}

static inline float mean_of(const float *x, int64_t n) {
    int64_t whole = n / W * W;
    vf s{};
    for (int64_t j = 0; j < whole; j += W) s += load(x + j);
    float total = sum(s);
    for (int64_t j = whole; j < n; j++) total += x[j];
    return total / n;
}

/* row = (row - mean) / sqrt(variance + eps) * gamma + beta; the mean is 0 for rms */
static inline void normalize_row(const float *x, float *out, const float *gamma, const float *beta, int64_t n, float eps,
                                 bool rms = false) {
    int64_t whole = n / W * W;
    float mean = rms ? 0 : mean_of(x, n);
    vf q{};
    for (int64_t j = 0; j < whole; j += W) { vf d = load(x + j) - mean; q += d * d; }
    float squares = sum(q);
    for (int64_t j = whole; j < n; j++) squares += (x[j] - mean) * (x[j] - mean);
    float inverse = 1.0f / std::sqrt(squares / n + eps);
    for (int64_t j = 0; j < whole; j += W) {
        vf y = (load(x + j) - mean) * inverse * load(gamma + j);
        store(out + j, beta ? y + load(beta + j) : y);
    }
    for (int64_t j = whole; j < n; j++) out[j] = (x[j] - mean) * inverse * gamma[j] + (beta ? beta[j] : 0);
}

static inline void add_row(float *out, const float *x, const float *y, int64_t n) {
    int64_t whole = n / W * W;
    for (int64_t j = 0; j < whole; j += W) store(out + j, load(x + j) + load(y + j));
    for (int64_t j = whole; j < n; j++) out[j] = x[j] + y[j];
}

static void layer_norm(const gatun_layer_norm_args *a) {
    int64_t rows = a->rows, cols = a->cols;
    each_row(rows, cols, [&](int64_t i) {
        const float *x = a->x + i * cols;
        float *out = a->out + i * cols;
        if (a->residual) {
            add_row(out, x, a->residual + i * cols, cols);
            x = out;
        }
        normalize_row(x, out, a->gamma, a->beta, cols, a->eps, a->rms);
    });
}

static inline float f16_number(uint16_t h) {
    uint32_t magnitude = (uint32_t)(h & 0x7fff) << 13, special = (h & 0x7c00) == 0x7c00 ? magnitude | 0x7f800000 : 0, bits;
    float value, scaled;
    std::memcpy(&value, &magnitude, 4);
    scaled = value * 5.192296858534828e33f; /* 2^112: subnormals too */
    std::memcpy(&bits, &scaled, 4);
    bits = (special ? special : bits) | (uint32_t)(h & 0x8000) << 16;
    std::memcpy(&value, &bits, 4);
    return value;
}

static inline float bf16_number(uint16_t h) {
    uint32_t bits = (uint32_t)h << 16;
    float value;
    std::memcpy(&value, &bits, 4);
    return value;
}

/* The row of a word as it lies, or, if it is a column of panels, copied to out. */
static inline const float *word_row(const gatun_embed_args *a, int64_t id, float *out) {
    int64_t n = a->cols, most = gatun_current().panel, panel = id / most * most, rest = a->word_columns - panel;
    if (!a->word_columns) return (const float *)a->word + id * n;
    int64_t width = gatun_panel_width(rest < most ? rest : most, W, most), first = panel * n + id - panel;
    const float *floats = (const float *)a->word + first;
    const uint16_t *halves = (const uint16_t *)a->word + first;
    if (a->word_type == GATUN_F16)
        for (int64_t j = 0; j < n; j++) out[j] = f16_number(halves[j * width]);
    else if (a->word_type == GATUN_BF16)
        for (int64_t j = 0; j < n; j++) out[j] = bf16_number(halves[j * width]);
    else
        for (int64_t j = 0; j < n; j++) out[j] = floats[j * width];
    return out;
}

static void embed(const gatun_embed_args *a) {
    int64_t rows = a->rows, cols = a->cols, n = cols;
    each_row(rows, cols, [&](int64_t t) {
        const float *position = a->position ? a->position + a->positions[t] * n : nullptr;
        const float *type = a->type ? a->type + (a->types ? a->types[t] : 0) * n : nullptr;
        float *out = a->out + t * n;
        const float *word = word_row(a, a->ids[t], out);
        for (int64_t j = 0; j < n; j++) {
            float x = word[j] * a->scale;
            if (position) x += position[j];
            if (type) x += type[j];
            out[j] = x;
        }
        if (a->gamma) normalize_row(out, out, a->gamma, a->beta, n, a->eps);
    });
}

static void pool_sequence(const gatun_pool_args *a, int64_t s) {
    int64_t n = a->cols, first = a->offsets[s], rows = a->offsets[s + 1] - first;
    const float *x = a->x + first * n;
    float *out = a->out + s * n;
    if (rows == 0) {
        std::memset(out, 0, n * sizeof(float));
        return;
    }
    std::memcpy(out, a->kind == GATUN_POOL_LAST ? x + (rows - 1) * n : x, n * sizeof(float));
    switch (a->kind) {
    case GATUN_POOL_MAX:
        for (int64_t i = 1; i < rows; i++)
            for (int64_t j = 0; j < n; j++) out[j] = x[i * n + j] <= out[j] ? out[j] : x[i * n + j]; /* a NaN wins */
        break;
    case GATUN_POOL_WEIGHTED:
        for (int64_t i = 1; i < rows; i++)
            for (int64_t j = 0; j < n; j++) out[j] += (float)(i + 1) * x[i * n + j];
        for (int64_t j = 0; j < n; j++) out[j] /= 0.5f * (float)rows * (float)(rows + 1);
        break;
    case GATUN_POOL_MEAN:
    case GATUN_POOL_MEAN_SQRT: {
        for (int64_t i = 1; i < rows; i++) add_row(out, out, x + i * n, n);
        float count = a->kind == GATUN_POOL_MEAN ? (float)rows : std::sqrt((float)rows);
        for (int64_t j = 0; j < n; j++) out[j] /= count;
        break;
    }
    default: break; /* one row as it is */
    }
    if (a->normalize) {
        double squares = 0;
        for (int64_t j = 0; j < n; j++) squares += (double)out[j] * out[j];
        double length = std::sqrt(squares);
        float inverse = (float)(1.0 / (length > 1e-12 ? length : 1e-12));
        for (int64_t j = 0; j < n; j++) out[j] *= inverse;
    }
}

static void pool(const gatun_pool_args *a) {
    int64_t seqs = a->num_seqs;
    parallel_for(seqs, seqs > 8, [&](int64_t s, int64_t) { pool_sequence(a, s); });
}

template <int ACTIVATION>
static inline vf activate(vf x) {
    switch (ACTIVATION) {
    case GATUN_RELU: return max(vf{}, x);
    case GATUN_GELU_ERF: return 0.5f * x * (1.0f + erf(x * 0.70710678118654752f));
    case GATUN_GELU_TANH: return x * sigmoid(1.5957691216057308f * (x + 0.044715f * x * x * x));
    case GATUN_SILU: return x * sigmoid(x);
    case GATUN_RELU6: return min(set(6), max(vf{}, x));
    case GATUN_HARDSWISH: return x * min(max(x + 3.0f, vf{}), set(6)) * (1.0f / 6.0f);
    case GATUN_TANH: return tanh(x);
    case GATUN_SIGMOID: return sigmoid(x);
    case GATUN_RELU2: { vf y = max(vf{}, x); return y * y; }
    case GATUN_QUICK_GELU: return x * sigmoid(1.702f * x);
    case GATUN_MISH: { /* tanh(log(1 + n)) = (n^2 + 2n) / (n^2 + 2n + 2), 1 where n is large */
        vf n = exp(x > 20.0f ? set(20) : x), t = n * (n + 2.0f);
        return x * (t / (t + 2.0f));
    }
    default: return x;
    }
}

template <int ACTIVATION>
static void bias_act_block(float *x, const float *bias, const float *residual, int64_t rows, int64_t cols, float scale) {
    for (int64_t i = 0; i < rows; i++) {
        float *row = x + i * cols;
        const float *r = residual ? residual + i * cols : nullptr;
        for (int64_t j = 0; j < cols; j += W) {
            int64_t n = cols - j < W ? cols - j : W;
            vf v = n == W ? load(row + j) : load_n(row + j, n);
            if (bias) v += n == W ? load(bias + j) : load_n(bias + j, n);
            v = activate<ACTIVATION>(v * scale);
            if (r) v += n == W ? load(r + j) : load_n(r + j, n);
            if (n == W) store(row + j, v); else store_n(row + j, v, n);
        }
    }
}

/* x = activation(x) for rows of whole vectors. A function is a long chain of dependent steps: a few vectors side by side hide it. */
template <int ACTIVATION>
static void activate_block(float *x, int64_t stride, int64_t rows, int64_t cols) {
    constexpr int64_t BESIDE = REGISTERS == 16 && VEC_BYTES == 16 ? 4 : 3; /* divides the rows of a tile */
    for (int64_t j = 0; j < cols; j += W)
        for (int64_t i = 0; i < rows; i += BESIDE) {
            vf v[BESIDE];
#pragma GCC unroll 4
            for (int64_t r = 0; r < BESIDE; r++) v[r] = load(x + (i + r < rows ? i + r : rows - 1) * stride + j);
#pragma GCC unroll 4
            for (int64_t r = 0; r < BESIDE; r++) v[r] = activate<ACTIVATION>(v[r]);
#pragma GCC unroll 4
            for (int64_t r = 0; r < BESIDE; r++) store(x + (i + r < rows ? i + r : rows - 1) * stride + j, v[r]);
        }
}

/* f(what stands for the activation), a type each so that loops have no switch inside. */
template <typename F>
static inline void with_activation(int32_t activation, F f) {
    switch (activation) {
#define GATUN_CASE(name) case name: return f(std::integral_constant<int, name>());
        GATUN_CASE(GATUN_RELU) GATUN_CASE(GATUN_GELU_ERF) GATUN_CASE(GATUN_GELU_TANH) GATUN_CASE(GATUN_SILU) GATUN_CASE(GATUN_RELU6)
        GATUN_CASE(GATUN_HARDSWISH) GATUN_CASE(GATUN_TANH) GATUN_CASE(GATUN_SIGMOID) GATUN_CASE(GATUN_RELU2)
        GATUN_CASE(GATUN_QUICK_GELU) GATUN_CASE(GATUN_MISH)
#undef GATUN_CASE
    default: return f(std::integral_constant<int, GATUN_NONE>());
    }
}

static void bias_act_rows(float *x, const float *bias, const float *residual, int64_t rows, int64_t cols, float scale,
                          int32_t activation) {
    with_activation(activation, [&](auto f) { bias_act_block<f()>(x, bias, residual, rows, cols, scale); });
}

static void bias_act(const gatun_bias_act_args *a) {
    int64_t rows = a->rows, cols = a->cols;
    each_row(rows, cols, [&](int64_t i) {
        bias_act_rows(a->x + i * cols, a->bias, a->residual ? a->residual + i * cols : nullptr, 1, cols, a->scale, a->activation);
    });
}

/* out = activation(gate) * up */
template <int ACTIVATION>
static void gated_row(const float *gate, const float *up, float *out, int64_t cols) {
    for (int64_t j = 0; j < cols; j += W) {
        int64_t n = cols - j < W ? cols - j : W;
        if (n == W) store(out + j, activate<ACTIVATION>(load(gate + j)) * load(up + j));
        else store_n(out + j, activate<ACTIVATION>(load_n(gate + j, n)) * load_n(up + j, n), n);
    }
}

static void gated(const gatun_gated_args *a) {
    int64_t rows = a->rows, cols = a->cols;
    each_row(rows, cols, [&](int64_t i) {
        const float *first = a->x + i * 2 * cols, *last = first + cols;
        with_activation(a->activation, [&](auto f) {
            gated_row<f()>(a->gate_last ? last : first, a->gate_last ? first : last, a->out + i * cols, cols);
        });
    });
}

} // namespace
