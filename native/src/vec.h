/*
 * One source for every instruction set: compiler vectors of VEC_BYTES, a constant that each translation unit sets.
 * The compiler maps them to xmm, ymm or zmm registers (or NEON's), and contracts a * b + c to a fused multiply-add. Only
 * tails need instructions of their own.
 */
#pragma once

#include <cstdint>
#include <cstring>
#if VEC_BYTES > 16
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace GATUN_NAMESPACE {

constexpr int64_t W = VEC_BYTES / 4;
/* Vector registers, on which the shapes of tiles depend. */
#if VEC_BYTES == 64 || defined(__aarch64__)
constexpr int REGISTERS = 32;
#else
constexpr int REGISTERS = 16;
#endif
typedef float vf __attribute__((vector_size(VEC_BYTES), may_alias));
typedef int32_t vi __attribute__((vector_size(VEC_BYTES), may_alias));

static inline vf load(const float *p) { vf v; std::memcpy(&v, p, sizeof v); return v; }
static inline void store(float *p, vf v) { std::memcpy(p, &v, sizeof v); }
/* x - 0 is x for every x (x + 0 is not, for -0), so that this is one broadcast. */
static inline vf set(float x) { return x - vf{}; }

/* The first n lanes, zeros in the rest; memory behind them is not touched. 0 <= n <= W. */
#if VEC_BYTES == 64
static inline __mmask16 lanes_before(int64_t n) { return (__mmask16)((1u << n) - 1); }
static inline vf load_n(const float *p, int64_t n) { return (vf)_mm512_maskz_loadu_ps(lanes_before(n), p); }
static inline void store_n(float *p, vf v, int64_t n) { _mm512_mask_storeu_ps(p, lanes_before(n), (__m512)v); }
#elif VEC_BYTES == 32
static constexpr int32_t LANES_BEFORE[2 * W] = {-1, -1, -1, -1, -1, -1, -1, -1};
static inline __m256i lanes_before(int64_t n) { return _mm256_loadu_si256((const __m256i *)(LANES_BEFORE + W - n)); }
static inline vf load_n(const float *p, int64_t n) { return (vf)_mm256_maskload_ps(p, lanes_before(n)); }
static inline void store_n(float *p, vf v, int64_t n) { _mm256_maskstore_ps(p, lanes_before(n), (__m256)v); }
#else
static inline vf load_n(const float *p, int64_t n) { vf v{}; std::memcpy(&v, p, n * sizeof(float)); return v; }
static inline void store_n(float *p, vf v, int64_t n) { std::memcpy(p, &v, n * sizeof(float)); }
#endif

/* a * b + c, rounded once where the set can, whatever a compiler makes of such expressions elsewhere. */
static inline vf fused_multiply_add(vf a, vf b, vf c) {
#if VEC_BYTES == 64
    return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif VEC_BYTES == 32
    return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__aarch64__)
    return (vf)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
    return a * b + c;
#endif
}

static inline vf select(vi mask, vf a, vf b) { return (vf)((mask & (vi)a) | (~mask & (vi)b)); }
/* Of a NaN and another number the second, so that max(0, x) keeps x's. */
static inline vf max(vf a, vf b) { return a > b ? a : b; }
static inline vf min(vf a, vf b) { return a < b ? a : b; }
static inline vf abs(vf a) { return (vf)((vi)a & 0x7fffffff); }

/* Lanes 0 .. n of one, the rest of another. */
static inline vf join_lanes(vf first, vf rest, int64_t n) {
    vi lane;
    for (int32_t i = 0; i < W; i++) lane[i] = i;
    return lane < (int32_t)n ? first : rest;
}

/* W bytes or words as lanes and back, the lowest bits of each. Compilers take vectors as short as that apart, lane by lane. */
#if VEC_BYTES == 64
static inline vi lanes_of(const uint8_t *b) { return (vi)_mm512_maskz_cvtepu8_epi32(0xffff, _mm_loadu_si128((const __m128i *)b)); }
static inline vi lanes_of(const int8_t *b) { return (vi)_mm512_maskz_cvtepi8_epi32(0xffff, _mm_loadu_si128((const __m128i *)b)); }
static inline void store_lowest(uint8_t *to, vi x) { _mm_storeu_si128((__m128i *)to, _mm512_maskz_cvtepi32_epi8(0xffff, (__m512i)x)); }
static inline void store_lowest(int16_t *to, vi x) { _mm256_storeu_si256((__m256i *)to, _mm512_maskz_cvtepi32_epi16(0xffff, (__m512i)x)); }
#elif VEC_BYTES == 32
static inline vi lanes_of(const uint8_t *b) { return (vi)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)b)); }
static inline vi lanes_of(const int8_t *b) { return (vi)_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)b)); }
static inline void store_lowest(uint8_t *to, vi x) {
    const __m256i first = _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                                           0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
    __m256i four = _mm256_shuffle_epi8((__m256i)x, first);
    _mm_storel_epi64((__m128i *)to, _mm_unpacklo_epi32(_mm256_castsi256_si128(four), _mm256_extracti128_si256(four, 1)));
}
static inline void store_lowest(int16_t *to, vi x) {
    const __m256i first = _mm256_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1,
                                           0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1);
    __m256i four = _mm256_shuffle_epi8((__m256i)x, first);
    _mm_storeu_si128((__m128i *)to, _mm_unpacklo_epi64(_mm256_castsi256_si128(four), _mm256_extracti128_si256(four, 1)));
}
#else
template <typename T>
static inline vi lanes_of(const T *b) {
    typedef T vt __attribute__((vector_size(sizeof(T) * W), may_alias));
    vt few;
    std::memcpy(&few, b, sizeof few);
    return __builtin_convertvector(few, vi);
}
template <typename T>
static inline void store_lowest(T *to, vi x) {
    typedef T vt __attribute__((vector_size(sizeof(T) * W), may_alias));
    vt few = __builtin_convertvector(x, vt);
    std::memcpy(to, &few, sizeof few);
}
#endif
/* Of so many, zeros behind them; memory behind them is not touched. */
template <typename T>
static inline vi lanes_of(const T *b, int64_t left) {
    if (left >= W) return lanes_of(b);
    T few[W] = {};
    std::memcpy(few, b, left * sizeof(T));
    return lanes_of(few);
}
template <typename T>
static inline void store_lowest(T *to, vi x, int64_t left) {
    if (left >= W) return store_lowest(to, x);
    T few[W];
    store_lowest(few, x);
    std::memcpy(to, few, left * sizeof(T));
}

/* All bits of a lane whose byte is not 0; of the first n bytes. */
static inline vi marked(const uint8_t *bytes, int64_t n) { return lanes_of(bytes, n) != 0; }

typedef uint16_t halves __attribute__((vector_size(VEC_BYTES / 2), may_alias));

template <typename T>
static inline T read_as(const void *p) { T v; std::memcpy(&v, p, sizeof v); return v; }

static inline vf widened_f16(halves h) {
#if VEC_BYTES == 64
    return (vf)_mm512_maskz_cvtph_ps(0xffff, (__m256i)h);
#elif VEC_BYTES == 32
    return (vf)_mm256_cvtph_ps((__m128i)h);
#else
    vi bits = __builtin_convertvector(h, vi), magnitude = (bits & 0x7fff) << 13;
    vf value = (vf)magnitude * 5.192296858534828e33f; /* 2^112: subnormals too */
    vi special = (bits & 0x7c00) == 0x7c00;
    return (vf)((vi)select(special, (vf)(magnitude | 0x7f800000), value) | (bits & 0x8000) << 16);
#endif
}

/* To the nearest, of two equally near the even one. Finite numbers stay finite: beyond the largest half they become that. */
static inline halves narrowed_f16(vf x) {
    vf limited = max(set(-65504.0f), min(set(65504.0f), x));
    limited = abs(x) == __builtin_inff() ? x : limited;
#if VEC_BYTES == 64
    return (halves)_mm512_maskz_cvtps_ph(0xffff, (__m512)limited, _MM_FROUND_TO_NEAREST_INT);
#elif VEC_BYTES == 32
    return (halves)_mm256_cvtps_ph((__m256)limited, _MM_FROUND_TO_NEAREST_INT);
#else
    vi magnitude = (vi)limited & 0x7fffffff, sign = (vi)limited >> 16 & 0x8000;
    vi normal = ((magnitude + 0xfff + (magnitude >> 13 & 1)) >> 13) - (112 << 10);
    vi small = (vi)((vf)magnitude + 0.5f) - 0x3f000000; /* subnormal: a unit of 0.5f's last bit is one of theirs */
    vi special = magnitude > 0x7f800000 ? vi{} + 0x7e00 : vi{} + 0x7c00;
    vi half = magnitude < 0x38800000 ? small : magnitude >= 0x7f800000 ? special : normal;
    halves few;
    store_lowest((int16_t *)&few, half | sign);
    return few;
#endif
}

/* Lanes by their numbers, those of b behind those of a. */
#ifdef __clang__
#define GATUN_LANES(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define GATUN_LANES(a, b, ...) __builtin_shuffle(a, b, (vi){__VA_ARGS__})
#endif

/* Of the first (or second) halves of a and b in turn: a0 b0 a1 b1 ... */
#if VEC_BYTES == 64
static inline vf low_lanes(vf a, vf b) { return GATUN_LANES(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23); }
static inline vf high_lanes(vf a, vf b) { return GATUN_LANES(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31); }
#elif VEC_BYTES == 32
static inline vf low_lanes(vf a, vf b) { return GATUN_LANES(a, b, 0, 8, 1, 9, 2, 10, 3, 11); }
static inline vf high_lanes(vf a, vf b) { return GATUN_LANES(a, b, 4, 12, 5, 13, 6, 14, 7, 15); }
#else
static inline vf low_lanes(vf a, vf b) { return GATUN_LANES(a, b, 0, 4, 1, 5); }
static inline vf high_lanes(vf a, vf b) { return GATUN_LANES(a, b, 2, 6, 3, 7); }
#endif

/* Rows become columns: each round moves the highest bit of a row's number to the lowest of a lane's. */
static inline void transpose(vf (&m)[W]) {
#pragma GCC unroll 4
    for (int64_t round = 1; round < W; round *= 2) {
        vf from[W];
#pragma GCC unroll 16
        for (int64_t i = 0; i < W; i++) from[i] = m[i];
#pragma GCC unroll 8
        for (int64_t i = 0; i < W / 2; i++) {
            m[2 * i] = low_lanes(from[i], from[i + W / 2]);
            m[2 * i + 1] = high_lanes(from[i], from[i + W / 2]);
        }
    }
}

/* Each lane becomes the one whose number differs in one bit. */
#if VEC_BYTES == 64
static inline vf partner8(vf v) { return GATUN_LANES(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7); }
static inline vf partner4(vf v) { return GATUN_LANES(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11); }
static inline vf partner2(vf v) { return GATUN_LANES(v, v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13); }
static inline vf partner1(vf v) { return GATUN_LANES(v, v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14); }
#elif VEC_BYTES == 32
static inline vf partner4(vf v) { return GATUN_LANES(v, v, 4, 5, 6, 7, 0, 1, 2, 3); }
static inline vf partner2(vf v) { return GATUN_LANES(v, v, 2, 3, 0, 1, 6, 7, 4, 5); }
static inline vf partner1(vf v) { return GATUN_LANES(v, v, 1, 0, 3, 2, 5, 4, 7, 6); }
#else
static inline vf partner2(vf v) { return GATUN_LANES(v, v, 2, 3, 0, 1); }
static inline vf partner1(vf v) { return GATUN_LANES(v, v, 1, 0, 3, 2); }
#endif

/* All lanes by one function of two; every lane becomes the result. */
template <typename F>
static inline vf reduce(vf v, F f) {
#if VEC_BYTES == 64
    v = f(v, partner8(v));
#endif
#if VEC_BYTES >= 32
    v = f(v, partner4(v));
#endif
    v = f(v, partner2(v));
    return f(v, partner1(v));
}

static inline float sum(vf v) { return reduce(v, [](vf a, vf b) { return a + b; })[0]; }
static inline float maximum(vf v) { return reduce(v, [](vf a, vf b) { return max(a, b); })[0]; }
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

/* 2^(x factor) for products <= 0 and little above, to 3 ulp: a polynomial of degree 5 fitted to the relative error on [-1/2, 1/2].
 * Half the work of exp: no clamps, and the exponent comes out of the rounding. 0 where x < lowest, which is -126 / factor; NaN
 * stays. */
static inline vf exp2_below(vf x, vf factor, vf lowest) {
    const float magic = 12582912.0f + 127.0f; /* 1.5 * 2^23, and the bias of exponents */
    vf shifted = x * factor + magic;
    vf f = x * factor - (shifted - magic);
    vf p = set(1.3264591107144952e-3f);
    p = p * f + 9.671619161963463e-3f;
    p = p * f + 5.55073507130146e-2f;
    p = p * f + 2.4022240936756134e-1f;
    p = p * f + 6.931470036506653e-1f;
    p = p * f + 1.0f;
    vf result = p * (vf)((vi)shifted << 23);
    return x < lowest ? vf{} : result;
}

static inline vf exp2_below(vf x) { return exp2_below(x, set(1), set(-126)); }

/* 1 - 2^(z q(z)), z = |x|: q is fitted to log2(1 - erf) on [0, 4], beyond which erf rounds to 1. Absolute error below 2e-7. */
static inline vf erf(vf x) {
    vf z = abs(x);
    z = z > 4.0f ? set(4.0f) : z;
    vf q = set(-4.535860352916643e-5f);
    q = q * z + 4.455077287275344e-4f;
    q = q * z - 1.4894419582560658e-3f;
    q = q * z - 7.746289484202862e-4f;
    q = q * z + 2.825368009507656e-2f;
    q = q * z - 1.484816074371338e-1f;
    q = q * z - 9.184163808822632e-1f;
    q = q * z - 1.6279085874557495f;
    vf y = 1.0f - exp2_below(q * z);
    return (vf)((vi)y | ((vi)x & (int32_t)0x80000000));
}

static inline vf sigmoid(vf x) { return 1.0f / (1.0f + exp(-x)); }

/* To 3 ulp; near 0 by Cephes' polynomial, where the difference of sigmoids would lose what is small. */
static inline vf tanh(vf x) {
    vf z = x * x, p = set(-5.70498872745e-3f);
    p = p * z + 2.06390887954e-2f;
    p = p * z - 5.37397155531e-2f;
    p = p * z + 1.33314422036e-1f;
    p = p * z - 3.33332819422e-1f;
    vf near = p * z * x + x, far = 2.0f * sigmoid(2.0f * x) - 1.0f;
    return abs(x) < 0.625f ? near : far;
}

} // namespace
