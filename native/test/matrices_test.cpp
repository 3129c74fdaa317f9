/* Products with packed weights, and convolutions by Winograd's transform. */
#include "testing.h"

namespace {

double activated(double x, int32_t activation) {
    return activation == GATUN_RELU ? (x > 0 ? x : 0) : activation == GATUN_GELU_ERF ? x / 2 * (1 + std::erf(x / std::sqrt(2.0))) : x;
}

/* sum: 0 none, 1 a matrix of its own, 2 the result's memory. */
void product(int64_t m, int64_t n, int64_t k, int32_t activation, bool bias, int sum, numbers &random, outcome &o) {
    guarded<float> a(m * k), b(k * n), packed(gatun_panel_floats(k, n)), add(n), s(m * n), s0(m * n), c(m * n);
    random.fill(a, -1, 1); random.fill(b, -1, 1); random.fill(add, -1, 1); random.fill(s, -1, 1);
    copy(s, s0);
    c.fill(NOT_A_NUMBER);
    bool columns = random.below(2) != 0; /* b as [n, k] */
    gatun_pack_panels(b.data(), k, n, columns ? 1 : n, columns ? k : 1, packed.data());
    gatun_gemm_args g{};
    g.a = a.data(); g.b = packed.data(); g.bias = bias ? add.data() : nullptr; g.sum = sum ? s.data() : nullptr;
    g.c = sum == 2 ? s.data() : c.data();
    g.lda = k; g.ldc = n; g.sum_stride = n; g.m = m; g.n = n; g.k = k; g.activation = activation;
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
}

void convolution(int64_t n, int64_t h, int64_t w, int64_t c, int64_t oc, int64_t pad, bool relu, bool bias, int sum, numbers &random,
                 outcome &o) {
    int64_t oh = h + 2 * pad - 2, ow = w + 2 * pad - 2, results = n * oh * ow * oc;
    guarded<float> x(n * h * w * c), weights(oc * c * 9), u(gatun_winograd_floats(c, oc)), add(oc), s(results), s0(results), dst(results);
    random.fill(x, -1, 1); random.fill(weights, -1, 1); random.fill(add, -1, 1); random.fill(s, -1, 1);
    copy(s, s0);
    dst.fill(NOT_A_NUMBER);
    gatun_winograd_pack(weights.data(), c, oc, u.data());
    gatun_winograd_args g{};
    g.src = x.data(); g.u = u.data(); g.bias = bias ? add.data() : nullptr; g.sum = sum ? s.data() : nullptr;
    g.dst = sum == 2 ? s.data() : dst.data();
    g.n = n; g.h = h; g.w = w; g.c = c; g.oc = oc; g.pad = pad; g.activation = relu ? GATUN_RELU : GATUN_NONE;
    guarded<char> scratch(gatun_winograd_scratch_bytes(&g, gatun_get_max_threads()));
    g.scratch = scratch.data();
    gatun_winograd(&g);
    for (int64_t at = 0; at < results; at += 1 + random.below(7)) {
        int64_t q = at % oc, px = at / oc % ow, py = at / (oc * ow) % oh, picture = at / (oc * ow * oh);
        double value = (bias ? add[q] : 0) + (sum ? s0[at] : 0);
        for (int64_t i = 0; i < c * 9; i++) {
            int64_t sy = py + i % 9 / 3 - pad, sx = px + i % 3 - pad;
            if (sy >= 0 && sy < h && sx >= 0 && sx < w)
                value += (double)x[((picture * h + sy) * w + sx) * c + i / 9] * weights[q * c * 9 + i];
        }
        /* The transform's error is relative to the largest results, which are about the root of their terms. */
        o.equal(g.dst[at], relu && value < 0 ? 0 : value, 1e-5 * std::sqrt(9.0 * c), "winograd", at);
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
    product(0, 32, 8, GATUN_NONE, true, 0, random, o);
    product(300, 70, 1030, GATUN_RELU, true, 0, random, o);
    for (int64_t pad : {0, 1, 2})
        for (int64_t size : {3, 4, 5, 8, 11, 14})
            for (int sum : {0, 1, 2}) convolution(1 + size % 3, size, size + size % 2, 32, 64, pad, size % 2 != 0, sum != 1, sum, random, o);
    convolution(2, 19, 33, 96, 32, 1, true, true, 2, random, o);
    convolution(3, 14, 14, 320, 256, 1, true, true, 0, random, o);
    convolution(0, 8, 8, 32, 32, 1, true, true, 0, random, o);
}
