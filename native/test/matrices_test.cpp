/* Products with packed weights, and convolutions by Winograd's transform. */
#include "testing.h"

namespace {

double activated(double x, int32_t activation) {
    return activation == GATUN_RELU ? (x < 0 ? 0 : x) : activation == GATUN_GELU_ERF ? x / 2 * (1 + std::erf(x / std::sqrt(2.0))) : x;
}

/* Columns of a become zeros, all but a share of them; weights there that are not finite must count. */
void with_zeros(double share, bool finite, const guarded<float> &a, const guarded<float> &packed_from, int64_t k, int64_t b_stride,
                numbers &random) {
    for (int64_t p = 0; p < k; p++)
        if (random.between(0, 1) >= share)
            for (int64_t at = p; at < a.count(); at += k) a[at] = random.below(2) ? 0.0f : -0.0f;
    if (!finite) packed_from[random.below(k) * b_stride] = random.below(2) ? INF : NOT_A_NUMBER;
}

/* sum: 0 none, 1 a matrix of its own, 2 the result's memory. live: the share of a's columns that are not zeros. */
void product(int64_t m, int64_t n, int64_t k, int32_t activation, bool bias, int sum, numbers &random, outcome &o, double live = 1,
             bool finite = true) {
    guarded<float> a(m * k), b(k * n), packed(gatun_panel_floats(k, n)), add(n), s(m * n), s0(m * n), c(m * n);
    random.fill(a, -1, 1); random.fill(b, -1, 1); random.fill(add, -1, 1); random.fill(s, -1, 1);
    copy(s, s0);
    c.fill(NOT_A_NUMBER);
    bool columns = random.below(2) != 0; /* b as [n, k] */
    with_zeros(live, finite, a, b, k, columns ? 1 : n, random);
    int32_t all_finite = gatun_pack_panels(b.data(), k, n, columns ? 1 : n, columns ? k : 1, packed.data());
    o.equal(all_finite, finite, 0, "finite", 0);
    gatun_gemm_args g{};
    g.a = a.data(); g.b = packed.data(); g.bias = bias ? add.data() : nullptr; g.sum = sum ? s.data() : nullptr;
    g.c = sum == 2 ? s.data() : c.data();
    g.lda = k; g.ldc = n; g.sum_stride = n; g.m = m; g.n = n; g.k = k; g.activation = activation; g.finite = all_finite;
    gatun_gemm(&g);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j += n > 40 ? 1 + random.below(5) : 1) {
            double x = (bias ? add[j] : 0) + (sum ? s0[i * n + j] : 0), magnitude = 1;
            for (int64_t p = 0; p < k; p++) {
                double y = (double)a[i * k + p] * (columns ? b[j * k + p] : b[p * n + j]);
                x += y;
                magnitude += std::fabs(y);
            }
            o.equal(g.c[i * n + j], activated(x, activation), 1e-6 * magnitude, "product", i * n + j);
        }
    /* A row alone gives the same bits as beside others. */
    guarded<float> one(n);
    for (int64_t i = 0; i < m; i += 1 + random.below(4)) {
        gatun_gemm_args alone = g;
        alone.a += i * k; alone.m = 1; alone.c = one.data(); alone.sum = sum ? s0.data() + i * n : nullptr;
        gatun_gemm(&alone);
        for (int64_t j = 0; j < n; j++) o.equal(one[j], g.c[i * n + j], 0, "a row alone", i * n + j);
    }
}

void convolution(int64_t n, int64_t h, int64_t w, int64_t c, int64_t oc, int64_t pad, bool relu, bool bias, int sum, numbers &random,
                 outcome &o, bool pool = false) {
    int64_t side = pool ? 2 : 1, oh = (h + 2 * pad - 2) / side, ow = (w + 2 * pad - 2) / side, results = n * oh * ow * oc;
    guarded<float> x(n * h * w * c), weights(oc * c * 9), u(gatun_winograd_floats(c, oc)), add(oc), s(results), s0(results), dst(results);
    random.fill(x, -1, 1); random.fill(weights, -1, 1); random.fill(add, -1, 1); random.fill(s, -1, 1);
    copy(s, s0);
    dst.fill(NOT_A_NUMBER);
    gatun_winograd_pack(weights.data(), c, oc, u.data());
    gatun_winograd_args g{};
    g.src = x.data(); g.u = u.data(); g.bias = bias ? add.data() : nullptr; g.sum = sum ? s.data() : nullptr;
    g.dst = sum == 2 ? s.data() : dst.data();
    g.n = n; g.h = h; g.w = w; g.c = c; g.oc = oc; g.pad = pad; g.activation = relu ? GATUN_RELU : GATUN_NONE; g.pool = pool;
    guarded<char> scratch(gatun_winograd_scratch_bytes(&g, gatun_get_max_threads()));
    g.scratch = scratch.data();
    gatun_winograd(&g);
    for (int64_t at = 0; at < results; at += 1 + random.below(7)) {
        int64_t q = at % oc, px = at / oc % ow, py = at / (oc * ow) % oh, picture = at / (oc * ow * oh);
        double value = -INFINITY;
        for (int64_t pixel = 0; pixel < side * side; pixel++) {
            double plain = (bias ? add[q] : 0) + (sum ? s0[at] : 0);
            for (int64_t i = 0; i < c * 9; i++) {
                int64_t sy = py * side + pixel / side + i % 9 / 3 - pad, sx = px * side + pixel % side + i % 3 - pad;
                if (sy >= 0 && sy < h && sx >= 0 && sx < w)
                    plain += (double)x[((picture * h + sy) * w + sx) * c + i / 9] * weights[q * c * 9 + i];
            }
            value = std::fmax(value, plain);
        }
        /* The transform's error is relative to the largest results, which are about the root of their terms. */
        o.equal(g.dst[at], relu && value < 0 ? 0 : value, 1e-5 * std::sqrt(9.0 * c), "winograd", at);
    }
}

struct stem_case {
    int64_t n, c, h, w, oc, kh, kw, stride, pad;
    bool relu, bias, pool;
};

void first_convolution(const stem_case &t, numbers &random, outcome &o) {
    int64_t side = t.pool ? 2 : 1, depth = t.c * t.kh * t.kw;
    int64_t oh = ((t.h + 2 * t.pad - t.kh) / t.stride + 1) / side, ow = ((t.w + 2 * t.pad - t.kw) / t.stride + 1) / side;
    guarded<float> x(t.n * t.c * t.h * t.w), weights(t.oc * depth), packed(gatun_panel_floats(depth, t.oc)), add(t.oc),
        dst(t.n * oh * ow * t.oc);
    random.fill(x, -1, 1); random.fill(weights, -1, 1); random.fill(add, -1, 1);
    dst.fill(NOT_A_NUMBER);
    gatun_pack_panels(weights.data(), depth, t.oc, 1, depth, packed.data());
    gatun_stem_args g{};
    g.src = x.data(); g.b = packed.data(); g.bias = t.bias ? add.data() : nullptr; g.dst = dst.data();
    g.n = t.n; g.c = t.c; g.h = t.h; g.w = t.w; g.oc = t.oc; g.kh = t.kh; g.kw = t.kw; g.stride = t.stride; g.pad = t.pad;
    g.activation = t.relu ? GATUN_RELU : GATUN_NONE; g.pool = t.pool;
    guarded<char> scratch(gatun_stem_scratch_bytes(&g, gatun_get_max_threads()));
    g.scratch = scratch.data();
    gatun_stem(&g);
    for (int64_t at = 0; at < t.n * oh * ow * t.oc; at += 1 + random.below(3)) {
        int64_t q = at % t.oc, px = at / t.oc % ow, py = at / (t.oc * ow) % oh, picture = at / (t.oc * ow * oh);
        double value = -INFINITY;
        for (int64_t pixel = 0; pixel < side * side; pixel++) {
            double plain = t.bias ? add[q] : 0;
            for (int64_t i = 0; i < depth; i++) {
                int64_t sy = (py * side + pixel / side) * t.stride + i / t.kw % t.kh - t.pad;
                int64_t sx = (px * side + pixel % side) * t.stride + i % t.kw - t.pad, plane = picture * t.c + i / (t.kh * t.kw);
                if (sy >= 0 && sy < t.h && sx >= 0 && sx < t.w) plain += (double)x[(plane * t.h + sy) * t.w + sx] * weights[q * depth + i];
            }
            value = std::fmax(value, plain);
        }
        o.equal(dst[at], t.relu && value < 0 ? 0 : value, 1e-6 * (1 + (double)depth), "stem", at);
    }
}

} // namespace

void check_matrices(outcome &o) {
    numbers random{11};
    for (int64_t m : {1, 2, 7, 12, 13, 49, 241})
        for (int64_t n : {1, 15, 32, 33, 100, 128})
            for (int64_t k : {1, 3, 64, 385})
                product(m, n, k, GATUN_NONE, false, 0, random, o);
    for (int32_t activation : {GATUN_NONE, GATUN_RELU, GATUN_GELU_ERF})
        for (int sum : {0, 1, 2})
            for (int64_t n : {31, 64, 97})
                for (int64_t m : {1, 5, 30, 253}) product(m, n, 800, activation, m % 2 != 0, sum, random, o);
    for (double live : {0.0, 0.02, 0.5, 0.9})
        for (int64_t m : {1, 2, 6, 7})
            for (int64_t k : {1, 3, 63, 64, 65, 1000, 16384, 16385})
                product(m, k > 9999 ? 70 : 161, k, GATUN_RELU, m % 2 != 0, m % 3, random, o, live, k % 5 != 0);
    for (int sum : {0, 1, 2})
        for (int32_t activation : {GATUN_NONE, GATUN_RELU, GATUN_GELU_ERF})
            for (int64_t empty = 1; empty < 8; empty++)
                product(empty & 1 ? 0 : 9, empty & 2 ? 0 : 37, empty & 4 ? 0 : 8, activation, empty % 3 != 0, sum, random, o);
    product(300, 70, 1030, GATUN_RELU, true, 0, random, o);
    for (int64_t pad : {0, 1, 2})
        for (int64_t size : {3, 4, 5, 8, 11, 14})
            for (int sum : {0, 1, 2})
                convolution(1 + size % 3, size, size + size % 2, 32, 64, pad, size % 2 != 0, sum != 1, sum, random, o);
    for (int64_t pad : {0, 1})
        for (int64_t size : {4, 5, 7, 8, 12, 14})
            convolution(1 + size % 2, size, size + pad, 32, 96, pad, size % 3 != 0, pad, 0, random, o, true);
    convolution(1, 12, 12, 64, 128, 1, true, true, 0, random, o, true);
    for (bool pool : {false, true}) {
        first_convolution({1, 3, 24, 24, 64, 3, 3, 1, 1, true, true, pool}, random, o);
        first_convolution({2, 3, 37, 41, 64, 7, 7, 2, 3, true, false, pool}, random, o);
        first_convolution({3, 1, 5, 9, 32, 5, 3, 1, 0, false, true, pool}, random, o);
        first_convolution({1, 4, 11, 2, 96, 2, 2, 3, 2, false, true, pool}, random, o);
        first_convolution({1, 2, 3, 600, 160, 3, 3, 1, 2, true, true, pool}, random, o);
        first_convolution({7, 1, 2, 2, 32, 1, 1, 1, 0, true, false, pool}, random, o);
    }
    first_convolution({1, 3, 8, 8, 32, 8, 8, 1, 0, true, true, false}, random, o);
    first_convolution({0, 3, 8, 8, 32, 3, 3, 1, 0, true, true, true}, random, o);
    convolution(2, 19, 33, 96, 32, 1, true, true, 2, random, o);
    convolution(3, 14, 14, 320, 256, 1, true, true, 0, random, o);
    convolution(0, 8, 8, 32, 32, 1, true, true, 0, random, o);
    convolution(2, 5, 6, 0, 32, 1, true, true, 1, random, o);
    convolution(2, 5, 6, 0, 64, 1, false, false, 0, random, o, true);
    convolution(2, 5, 6, 32, 0, 1, true, true, 0, random, o);
    first_convolution({2, 0, 5, 6, 32, 3, 3, 1, 1, true, true, false}, random, o);
    first_convolution({2, 3, 5, 6, 0, 3, 3, 1, 1, true, true, false}, random, o);
    first_convolution({2, 3, 2, 0, 32, 3, 3, 2, 1, true, true, true}, random, o);
}
