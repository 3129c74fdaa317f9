/* What the machine itself can do: the denominators of every benchmark. */
#pragma once

#include "kernels.h"
#include "vec.h"

namespace GATUN_NAMESPACE {

/* Independent accumulators: two multipliers, each a few cycles deep; they and two factors fit the registers. */
constexpr int64_t CHAINS_OF_PEAK = REGISTERS == 32 ? 16 : 12;

/* rounds x a multiply-add in every lane of every accumulator; returns the floating-point operations. */
static int64_t multiply_add(int64_t rounds, float *sink) {
    vf acc[CHAINS_OF_PEAK], x = load(sink), y = 1.0f - x;
#pragma GCC unroll 16
    for (int64_t i = 0; i < CHAINS_OF_PEAK; i++) acc[i] = set((float)i);
    for (int64_t r = 0; r < rounds; r++)
#pragma GCC unroll 16
        for (int64_t i = 0; i < CHAINS_OF_PEAK; i++) acc[i] = acc[i] * x + y; /* towards 1: no denormals */
    vf total{};
#pragma GCC unroll 16
    for (int64_t i = 0; i < CHAINS_OF_PEAK; i++) total += acc[i];
    store(sink + W, total);
    return rounds * CHAINS_OF_PEAK * W * 2;
}

/* The sum of n floats: one pass of reading. */
static float read_floats(const float *x, int64_t n) {
    vf sums[8] = {};
    int64_t j = 0;
    for (; j + 8 * W <= n; j += 8 * W)
#pragma GCC unroll 8
        for (int64_t i = 0; i < 8; i++) sums[i] += load(x + j + i * W);
    for (int64_t i = 1; i < 8; i++) sums[0] += sums[i];
    float total = sum(sums[0]);
    for (; j < n; j++) total += x[j];
    return total;
}

/* a = b + factor * c (STREAM's triad). */
static void triad_floats(float *a, const float *b, const float *c, float factor, int64_t n) {
    int64_t j = 0;
    for (; j + W <= n; j += W) store(a + j, load(b + j) + factor * load(c + j));
    for (; j < n; j++) a[j] = b[j] + factor * c[j];
}

} // namespace
