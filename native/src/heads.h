/* What is done to heads of queries and keys before they meet: a norm of their own, and the rotation by their position. */
#pragma once


#include "kernels.h"
#include "rows.h"
#include "vec.h"

namespace GATUN_NAMESPACE {

/* The place of a row in its sequence; -1 behind the last one. */
static int64_t position_of(const gatun_rotary_args &a, int64_t row) {
    if (a.positions) return a.positions[row];
    if (a.num_seqs == 0 || row >= a.offsets[a.num_seqs]) return -1;
    int64_t low = 0, high = a.num_seqs; /* the last sequence that begins at the row or before: low .. high */
    while (high - low > 1) {
        int64_t middle = (low + high) / 2;
        if (a.offsets[middle] <= row) low = middle; else high = middle;
    }
    return row - a.offsets[low];
}

/* Elements i and i + half. */
static void rotate_halves(float *x, const float *cosines, const float *sines, int64_t half) {
    for (int64_t i = 0; i < half; i += W) {
        int64_t n = half - i < W ? half - i : W;
        vf c = load_n(cosines + i, n), s = load_n(sines + i, n), a = load_n(x + i, n), b = load_n(x + half + i, n);
        store_n(x + i, a * c - b * s, n);
        store_n(x + half + i, b * c + a * s, n);
    }
}

/* -1, 1, -1, 1, ... */
struct pair_signs {
    float at[W];
    constexpr pair_signs() : at() {
        for (int32_t i = 0; i < W; i++) at[i] = i % 2 ? 1.0f : -1.0f;
    }
};
static constexpr pair_signs PAIR_SIGNS;

/* Elements 2i and 2i + 1. */
static void rotate_pairs(float *x, const float *cosines, const float *sines, int64_t half) {
    const vf signs = load(PAIR_SIGNS.at);
    for (int64_t i = 0; i < half; i += W / 2) {
        int64_t n = half - i < W / 2 ? half - i : W / 2;
        vf c = load_n(cosines + i, n), s = load_n(sines + i, n);
        vf v = load_n(x + 2 * i, 2 * n);
        store_n(x + 2 * i, v * low_lanes(c, c) + partner1(v) * low_lanes(s, s) * signs, 2 * n);
    }
}

static void rotary_row(const gatun_rotary_args &a, int64_t row) {
    const float *x = a.x + row * a.cols;
    float *out = a.out + row * a.cols;
    if (out != x) std::memcpy(out, x, a.cols * sizeof(float));
    int64_t position = a.table ? position_of(a, row) : 0, half = a.rotary_dim / 2;
    if (position < 0) return;
    const float *cosines = a.table ? a.table + position * a.rotary_dim : nullptr;
    for (int64_t h = 0; h < a.q_heads + a.k_heads; h++) {
        float *head = out + h * a.head_dim;
        const float *gamma = h < a.q_heads ? a.q_gamma : a.k_gamma;
        if (gamma) normalize_row(head, head, gamma, nullptr, a.head_dim, a.eps, true);
        if (!cosines) continue;
        if (a.interleaved) rotate_pairs(head, cosines, cosines + half, half);
        else rotate_halves(head, cosines, cosines + half, half);
    }
}

static void rotary(const gatun_rotary_args *args) {
    int64_t rows = args->rows, cols = args->cols;
    each_row(rows, cols, [&](int64_t row) { rotary_row(*args, row); });
}

} // namespace
