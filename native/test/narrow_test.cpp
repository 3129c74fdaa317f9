/* Products with weights in halves and bytes, against the same rounding written plainly. */
#include "testing.h"

#include <algorithm>
#include <vector>

namespace {

double f16(double x) {
    if (x == 0 || !std::isfinite(x)) return x;
    int exponent;
    std::frexp(x, &exponent);
    double unit = std::ldexp(1, (exponent < -13 ? -13 : exponent) - 11), rounded = std::nearbyint(x / unit) * unit;
    return std::fabs(rounded) > 65504 ? (x > 0 ? INF : -INF) : rounded;
}

double bf16(double x) {
    if (x == 0 || !std::isfinite(x)) return x;
    int exponent;
    std::frexp(x, &exponent);
    double unit = std::ldexp(1, exponent - 8);
    return (float)(std::nearbyint(x / unit) * unit);
}

double activated(double x, int32_t activation) {
    return activation == GATUN_RELU ? (x < 0 ? 0 : x) : activation == GATUN_GELU_ERF ? x / 2 * (1 + std::erf(x / std::sqrt(2.0))) : x;
}

/* Sets without fused multiply-adds, as x86's least is, round a product before they round it to a whole number. */
double whole(float x, float inverse) {
#ifdef __x86_64__
    const bool fused = std::strcmp(gatun_isa(), "baseline") != 0;
#else
    const bool fused = true;
#endif
    return !fused ? std::nearbyint(x * inverse) : std::nearbyint((double)x * inverse);
}

struct row {
    std::vector<double> numbers;
    double scale = 0;
};

/* A row of a as GATUN_INT8 rounds it. */
row rounded(const float *x, int64_t k) {
    row r;
    r.numbers.assign(k, 0);
    float low = 0, high = 0;
    bool finite = true;
    for (int64_t p = 0; p < k; p++) {
        finite = finite && std::isfinite(x[p]);
        low = std::fmin(low, x[p]);
        high = std::fmax(high, x[p]);
    }
    float step = high / 255 - low / 255, inverse = 1 / step;
    if (!finite) r.scale = NOT_A_NUMBER;
    else if (step >= 1e-34f) {
        r.scale = step;
        double zero = whole(-low, inverse);
        for (int64_t p = 0; p < k; p++) r.numbers[p] = std::fmin(std::fmax(whole(x[p], inverse) + zero, 0), 255) - zero;
    }
    return r;
}

struct problem {
    int32_t type;
    int64_t m, n, k;
    int32_t activation = GATUN_NONE;
    bool bias = true;
    int sum = 0; /* 0 none, 1 a matrix of its own, 2 the result's memory */
    float magnitude = 1;
};

/* Values of a and b that a column or row has nothing else of, or one of. */
struct spoilt {
    int64_t a_row = -1, b_column = -1;
    float a_value = 0, b_value = 0;
    bool all = false;
};

double weight(int32_t type, float x, float scale) {
    return type == GATUN_F16 ? f16(x) : type == GATUN_BF16 ? bf16(x) : scale > 0 ? std::nearbyint(x * (1 / scale)) * (double)scale : scale;
}

/* What a unit of GATUN_INT8's weights is worth; NaN if one is not finite. */
float unit(const std::vector<float> &column) {
    float largest = 0;
    double sums[2][2] = {}, most = 0;
    for (size_t p = 0; p < column.size(); p++) {
        float x = column[p];
        if (!std::isfinite(x)) return NOT_A_NUMBER;
        if (p % 8 == 0) std::memset(sums, 0, sizeof sums);
        largest = std::fmax(largest, std::fabs(x));
        most = std::fmax(most, sums[p / 2 % 2][x > 0] += std::fabs(x));
    }
    return gatun_narrow_pairs() ? (float)(most / 126) : largest / 127;
}

void product(const problem &t, numbers &random, outcome &o, const spoilt &s = {}) {
    guarded<float> a(t.m * t.k), b(t.k * t.n), add(t.n), residual(t.m * t.n), before(t.m * t.n), c(t.m * t.n);
    guarded<char> packed(gatun_narrow_bytes(t.type, t.k, t.n)), scratch(gatun_narrow_scratch_bytes(t.type, t.m, t.k));
    random.fill(a, -t.magnitude, 1.7f * t.magnitude); random.fill(b, -1, 1); random.fill(add, -1, 1); random.fill(residual, -1, 1);
    bool columns = random.below(2) != 0; /* b as [n, k] */
    int64_t k_stride = columns ? 1 : t.n, n_stride = columns ? t.k : 1;
    for (int64_t p = 0; p < (s.all ? t.k : 1) && p < t.k; p++) {
        if (s.a_row >= 0) a[s.a_row * t.k + p] = s.a_value;
        if (s.b_column >= 0) b[p * k_stride + s.b_column * n_stride] = s.b_value;
    }
    copy(residual, before);
    c.fill(NOT_A_NUMBER);
    double lost = gatun_narrow_pack(t.type, b.data(), t.k, t.n, k_stride, n_stride, packed.data());
    gatun_narrow_args g{};
    g.a = a.data(); g.b = packed.data(); g.bias = t.bias ? add.data() : nullptr; g.sum = t.sum ? residual.data() : nullptr;
    g.c = t.sum == 2 ? residual.data() : c.data(); g.scratch = scratch.data();
    g.lda = t.k; g.ldc = t.n; g.sum_stride = t.n; g.m = t.m; g.n = t.n; g.k = t.k; g.activation = t.activation; g.type = t.type;
    gatun_narrow(&g);

    double shares = 0;
    std::vector<double> w(t.k * t.n);
    for (int64_t j = 0; j < t.n; j++) {
        double squares = 0, errors = 0;
        std::vector<double> sample;
        std::vector<float> column;
        for (int64_t p = 0; p < t.k; p++) column.push_back(b[p * k_stride + j * n_stride]);
        float scale = unit(column);
        for (int64_t p = 0; p < t.k; p++) {
            double x = b[p * k_stride + j * n_stride];
            w[p * t.n + j] = weight(t.type, (float)x, scale);
            squares += x * x / (double)t.k;
            errors += (x - w[p * t.n + j]) * (x - w[p * t.n + j]) / (double)t.k;
        }
        for (int64_t i = 0, count = std::min<int64_t>(t.k, 64); i < count; i++)
            sample.push_back(std::fabs(b[i * t.k / count * k_stride + j * n_stride]));
        std::sort(sample.begin(), sample.end());
        double median = sample.empty() || t.type != GATUN_INT8 ? 0 : sample[sample.size() / 2];
        shares += errors == 0 ? 0 : errors / (median > 0 ? median * median : squares) / (double)t.n;
    }
    double share = std::sqrt(shares);
    o.equal(lost, std::isfinite(share) ? share : NOT_A_NUMBER, 1e-5 * (1 + share), "what rounding lost", 0);
    for (int64_t i = 0; i < t.m; i++) {
        row r = rounded(a.data() + i * t.k, t.k);
        for (int64_t j = 0; j < t.n; j += t.n > 40 ? 1 + random.below(5) : 1) {
            double x = (t.bias ? add[j] : 0) + (t.sum ? before[i * t.n + j] : 0), magnitude = 1;
            for (int64_t p = 0; p < t.k; p++) {
                double y = w[p * t.n + j] * (t.type == GATUN_INT8 ? r.numbers[p] * r.scale : a[i * t.k + p]);
                x += y;
                magnitude += std::fabs(y);
            }
            if (t.type == GATUN_INT8 && std::isnan(r.scale)) x = NOT_A_NUMBER;
            o.equal(g.c[i * t.n + j], activated(x, t.activation), 1e-6 * magnitude, "narrow product", i * t.n + j);
        }
    }
}

/* A type's every value is read as it is: one row by the identity. */
void every_half(outcome &o) {
    for (int32_t type : {GATUN_F16, GATUN_BF16}) {
        const int64_t n = 1000;
        guarded<float> b(n), a(1), c(n);
        guarded<char> packed(gatun_narrow_bytes(type, 1, n));
        a[0] = 1;
        for (int64_t from = 0; from < 65536; from += n) {
            for (int64_t i = 0; i < n; i++) {
                uint32_t half = (uint32_t)(from + i) & 65535, bits = half << 16;
                float x;
                std::memcpy(&x, &bits, 4);
                if (type == GATUN_F16) {
                    int exponent = half >> 10 & 31, fraction = half & 1023;
                    x = exponent == 31 ? fraction ? NOT_A_NUMBER : INF
                                       : (float)std::ldexp(exponent ? 1024 + fraction : fraction, (exponent ? exponent : 1) - 25);
                    if (half & 32768) x = -x;
                }
                b[i] = x;
            }
            gatun_narrow_pack(type, b.data(), 1, n, n, 1, packed.data());
            gatun_narrow_args g{};
            g.a = a.data(); g.b = packed.data(); g.c = c.data(); g.lda = 1; g.ldc = n; g.m = 1; g.n = n; g.k = 1; g.type = type;
            gatun_narrow(&g);
            for (int64_t i = 0; i < n; i++) o.equal(c[i], b[i], 0, "half", from + i);
        }
    }
}

struct bytes_problem {
    int64_t m, n, k;
    int32_t a_type, b_type;
    bool whole = false, zeros = true;
};

/* Bytes of all values, extremes often. */
int any_byte(numbers &random, bool is_signed) {
    int x = random.below(3) ? (int)random.below(256) : random.below(2) ? 255 : 0;
    return is_signed ? x - 128 : x;
}

void bytes_product(const bytes_problem &t, numbers &random, outcome &o) {
    guarded<float> floats(t.m * t.k), scales(t.n), bias(t.n), residual(t.m * t.n), c(t.m * t.n), scale(1);
    guarded<uint8_t> given(t.m * t.k), b(t.k * t.n), zeros(t.n), zero(1);
    guarded<char> packed(gatun_bytes_packed_bytes(t.k, t.n)), scratch(gatun_bytes_scratch_bytes(t.m, t.k));
    random.fill(floats, -1, 2.5f); random.fill(scales, 0.1f, 1); random.fill(bias, -1, 1); random.fill(residual, -1, 1);
    bool a_signed = t.a_type == GATUN_S8, b_signed = t.b_type == GATUN_S8, columns = random.below(2) != 0;
    for (int64_t i = 0; i < t.m * t.k; i++) given[i] = (uint8_t)any_byte(random, a_signed);
    for (int64_t i = 0; i < t.k * t.n; i++) b[i] = (uint8_t)any_byte(random, b_signed);
    for (int64_t j = 0; j < t.n; j++) zeros[j] = t.zeros ? (uint8_t)any_byte(random, b_signed) : 0;
    zero[0] = t.zeros ? (uint8_t)any_byte(random, a_signed) : 0;
    scale[0] = 0.37f;
    gatun_bytes_source from{};
    from.b = b.data(); from.zeros = t.zeros ? zeros.data() : nullptr; from.scales = scales.data(); from.k = t.k; from.n = t.n;
    from.k_stride = columns ? 1 : t.n; from.n_stride = columns ? t.k : 1; from.zero_stride = from.scale_stride = 1; from.type = t.b_type;
    gatun_bytes_pack(&from, packed.data());
    gatun_bytes_args g{};
    bool dynamic = t.a_type == GATUN_F32;
    g.a = dynamic ? (const void *)floats.data() : given.data(); g.b = packed.data(); g.c = c.data(); g.scratch = scratch.data();
    g.m = t.m; g.n = t.n; g.k = t.k; g.a_type = t.a_type; g.whole = t.whole;
    if (!dynamic) g.a_scale = scale.data(), g.a_zero = t.zeros ? zero.data() : nullptr;
    if (!t.whole) g.bias = bias.data(), g.sum = residual.data(), g.activation = GATUN_RELU;
    gatun_bytes(&g);

    float low = 0, high = 0;
    for (int64_t i = 0; i < t.m * t.k; i++) low = std::fmin(low, floats[i]), high = std::fmax(high, floats[i]);
    float step = dynamic ? high == low ? 1 : (high - low) / 255 : scale[0];
    double point = dynamic ? std::nearbyint(-low / step) : a_signed ? (int8_t)zero[0] : zero[0];
    for (int64_t i = 0; i < t.m; i++)
        for (int64_t j = 0; j < t.n; j += t.n > 40 ? 1 + random.below(5) : 1) {
            double sum = 0;
            for (int64_t p = 0; p < t.k; p++) {
                double x = dynamic ? std::fmin(std::fmax(std::nearbyint(floats[i * t.k + p] / step) + point, 0), 255)
                                   : a_signed ? (int8_t)given[i * t.k + p] : given[i * t.k + p];
                uint8_t w = b[p * from.k_stride + j * from.n_stride];
                sum += (x - point) * ((b_signed ? (int8_t)w : w) - (b_signed ? (int8_t)zeros[j] : zeros[j]));
            }
            if (t.whole) {
                int32_t found;
                std::memcpy(&found, c.data() + i * t.n + j, 4);
                o.equal(found, sum, 0, "whole product of bytes", i * t.n + j);
                continue;
            }
            double y = sum * step * scales[j];
            o.equal(c[i * t.n + j], std::fmax(y + bias[j] + residual[i * t.n + j], 0), 1e-6 * (std::fabs(y) + 3), "product of bytes",
                    i * t.n + j);
        }
}

void check_bytes(numbers &random, outcome &o) {
    for (int32_t a : {GATUN_F32, GATUN_U8, GATUN_S8})
        for (int32_t b : {GATUN_U8, GATUN_S8}) {
            for (int64_t m : {1, 2, 5, 7, 13})
                for (int64_t n : {1, 8, 17, 33, 64})
                    for (int64_t k : {1, 2, 3, 5, 31, 66})
                        bytes_product({m, n, k, a, b, (m + n + k) % 3 == 0, (n + k) % 4 != 0}, random, o);
            for (bool whole : {false, true}) {
                bytes_product({300, 70, 385, a, b, whole}, random, o);
                bytes_product({2, 5, GATUN_BYTES_DEPTH, a, b, whole}, random, o);
                for (int64_t empty = 1; empty < 8; empty++)
                    bytes_product({empty & 1 ? 0 : 9, empty & 2 ? 0 : 37, empty & 4 ? 0 : 8, a, b, whole}, random, o);
            }
        }
}

} // namespace

void check_narrow(outcome &o) {
    numbers random{17};
    every_half(o);
    check_bytes(random, o);
    for (int32_t type : {GATUN_F16, GATUN_BF16, GATUN_INT8}) {
        for (int64_t m : {1, 2, 3, 5, 6, 7, 12, 13, 40})
            for (int64_t n : {1, 3, 8, 17, 32, 63, 100})
                for (int64_t k : {1, 2, 3, 17, 63, 385}) product({type, m, n, k}, random, o);
        for (int32_t activation : {GATUN_NONE, GATUN_RELU, GATUN_GELU_ERF})
            for (int sum : {0, 1, 2})
                for (int64_t n : {31, 64, 97})
                    for (int64_t m : {1, 5, 30, 130}) product({type, m, n, 1000, activation, m % 2 != 0, sum}, random, o);
        for (int64_t k : {4129, 4130, 9000, 65999}) product({type, 2, 5, k}, random, o);
        for (int64_t empty = 1; empty < 8; empty++)
            product({type, empty & 1 ? 0 : 9, empty & 2 ? 0 : 37, empty & 4 ? 0 : 8, GATUN_RELU, empty % 3 != 0, (int)empty % 3},
                    random, o);
        for (float magnitude : {1e-36f, 1e-30f, 1e30f}) product({type, 7, 33, 63, GATUN_NONE, false, 0, magnitude}, random, o);
        product({type, 700, 70, 384, GATUN_GELU_ERF}, random, o);
        for (float value : {NOT_A_NUMBER, INF, -INF, 0.0f, 1e37f})
            for (bool all : {false, true}) {
                if (type != GATUN_INT8 && std::isinf(value)) continue; /* as F32 has it: infinity or NaN */
                product({type, 9, 35, 19}, random, o, {4, -1, value, 0, all});
                product({type, 9, 35, 19}, random, o, {-1, 34, 0, value > 1e6f && type == GATUN_F16 ? 1 : value, all});
            }
    }
}
