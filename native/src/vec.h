/*
 * One source for every instruction set: compiler vectors of VEC_BYTES, a constant that each translation unit sets.
 * The compiler maps them to xmm, ymm or zmm registers (or NEON's), and contracts a * b + c to a fused multiply-add.
 */
#pragma once

#include <cstdint>
#include <cstring>

namespace GATUN_NAMESPACE {

constexpr int64_t W = VEC_BYTES / 4;
typedef float vf __attribute__((vector_size(VEC_BYTES), may_alias));
typedef int32_t vi __attribute__((vector_size(VEC_BYTES), may_alias));

static inline vf load(const float *p) { vf v; std::memcpy(&v, p, sizeof v); return v; }
static inline void store(float *p, vf v) { std::memcpy(p, &v, sizeof v); }
/* x - 0 is x for every x (x + 0 is not, for -0), so that this is one broadcast. */
static inline vf set(float x) { return x - vf{}; }

static inline vf load_n(const float *p, int64_t n) { vf v{}; std::memcpy(&v, p, n * sizeof(float)); return v; }
static inline void store_n(float *p, vf v, int64_t n) { std::memcpy(p, &v, n * sizeof(float)); }

static inline vf select(vi mask, vf a, vf b) { return (vf)((mask & (vi)a) | (~mask & (vi)b)); }
static inline vf max(vf a, vf b) { return a > b ? a : b; }
static inline vf min(vf a, vf b) { return a < b ? a : b; }
static inline vf abs(vf a) { return (vf)((vi)a & 0x7fffffff); }

/* LANES.at[b][i] = i ^ b: a table, because compilers build such vectors lane by lane. */
struct lane_table {
    int32_t at[W / 2 + 1][W];
    constexpr lane_table() : at() {
        for (int32_t b = 0; b <= W / 2; b++)
            for (int32_t i = 0; i < W; i++) at[b][i] = i ^ b;
    }
};
static constexpr lane_table LANES;

/* Each lane becomes the one whose number differs in one bit. */
static inline vf partner(vf v, int32_t bit) {
    vi lanes;
    std::memcpy(&lanes, LANES.at[bit], sizeof lanes);
    return __builtin_shuffle(v, lanes);
}

static inline float sum(vf v) {
#pragma GCC unroll 4
    for (int32_t bit = W / 2; bit > 0; bit /= 2) v += partner(v, bit);
    return v[0];
}

static inline float maximum(vf v) {
#pragma GCC unroll 4
    for (int32_t bit = W / 2; bit > 0; bit /= 2) v = max(v, partner(v, bit));
    return v[0];
}

/* e^x to 2 ulp (Cephes' reduction and polynomial); 0 below -87.3, so that -infinity gives 0; NaN stays. */
static inline vf exp(vf x) {
    const vf magic = set(12582912.0f); /* 1.5 * 2^23: adding it rounds to an integer in the low bits */
    vf clamped = x < -87.3f ? set(-87.3f) : x;
    clamped = clamped > 88.3f ? set(88.3f) : clamped;
    vf shifted = clamped * 1.44269504088896341f + magic;
    vi n = (vi)shifted - (vi)magic;
    vf whole = shifted - magic;
    vf r = clamped - whole * 0.693359375f - whole * -2.12194440e-4f;
    vf p = set(1.9875691500e-4f);
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    vf result = (vf)((vi)p + (n << 23));
    return x < -87.3f ? vf{} : result;
}

/* Abramowitz and Stegun 7.1.26: absolute error below 2e-7. */
static inline vf erf(vf x) {
    vf z = abs(x);
    vf t = 1.0f / (1.0f + 0.3275911f * z);
    vf p = set(1.061405429f);
    p = p * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    vf y = 1.0f - p * t * exp(-z * z);
    return (vf)((vi)y | ((vi)x & (int32_t)0x80000000));
}

static inline vf sigmoid(vf x) { return 1.0f / (1.0f + exp(-x)); }
static inline vf tanh(vf x) { return 2.0f * sigmoid(2.0f * x) - 1.0f; }

} // namespace
