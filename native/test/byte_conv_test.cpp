/* Convolutions over bytes, and what lies between them, against whole numbers written plainly. */
#include "testing.h"

#include <vector>

namespace {

struct shape {
    int64_t n, h, w, groups, oc, c, kh, kw, stride = 1, dilation = 1, pad = 0;
};

int32_t byte(const guarded<uint8_t> &from, int64_t at, int32_t type) { return type == GATUN_U8 ? from[at] : (int8_t)from[at]; }

int32_t becomes(double v, const gatun_byte_result &r) { return (int32_t)std::fmin(std::fmax(std::nearbyint(v) + r.zero, r.low), r.high); }

gatun_byte_result result_of(int32_t type, numbers &random) {
    gatun_byte_result r{type, 0, 0, 0};
    if (type == GATUN_U8) r = {type, (int32_t)random.below(256), (int32_t)random.below(20), 255 - (int32_t)random.below(20)};
    if (type == GATUN_S8) r = {type, (int32_t)random.below(256) - 128, -128, 127};
    return r;
}

/* A number of the result, and of bytes one that may be rounded either way. */
void same(outcome &o, const gatun_byte_result &r, const guarded<uint8_t> &dst, int64_t at, double v, const char *what,
          double magnitude = 0) {
    if (r.type == GATUN_F32) o.equal(((float *)dst.data())[at], v, 1e-6 * (1 + std::fmax(magnitude, std::fabs(v))), what, at);
    else if (std::fabs(std::fabs(v - std::floor(v)) - 0.5) > 1e-4) o.equal(byte(dst, at, r.type), becomes(v, r), 0, what, at);
}

void convolution(const shape &s, numbers &random, outcome &o) {
    int32_t src_type = GATUN_U8 + (int32_t)random.below(2), type = GATUN_U8 + (int32_t)random.below(2);
    int64_t reach_h = s.dilation * (s.kh - 1) + 1, reach_w = s.dilation * (s.kw - 1) + 1, pixels = s.n * s.h * s.w;
    int64_t oh = (s.h + 2 * s.pad - reach_h) / s.stride + 1, ow = (s.w + 2 * s.pad - reach_w) / s.stride + 1, taps = s.kh * s.kw;
    guarded<uint8_t> src(pixels * s.groups * s.c), w(s.oc * s.c * taps), zeros(s.oc);
    guarded<float> factors(s.oc), add(s.oc);
    guarded<int32_t> bias(s.oc);
    bool extreme = random.below(3) == 0, zeroed = random.below(2) == 0;
    for (int64_t i = 0; i < src.count(); i++) src[i] = extreme ? (src_type == GATUN_U8 ? 255 : 128) : random.next();
    for (int64_t i = 0; i < w.count(); i++) w[i] = extreme ? (type == GATUN_U8 ? 255 : 127) : random.next();
    for (int64_t j = 0; j < s.oc; j++) {
        zeros[j] = random.next();
        bias[j] = (int32_t)random.next() % 100000;
        factors[j] = random.between(1e-4f, 2e-3f), add[j] = random.between(-3, 3);
    }
    gatun_byte_filters f{w.data(), zeroed ? zeros.data() : nullptr, random.below(2) ? bias.data() : nullptr, factors.data(),
                         random.below(2) ? add.data() : nullptr, s.groups, s.oc, s.c, s.kh, s.kw, type};
    guarded<char> packed(gatun_byte_filters_bytes(s.groups, s.oc, s.c, s.kh, s.kw));
    gatun_byte_filters_pack(&f, packed.data());
    const int32_t types[] = {GATUN_F32, GATUN_U8, GATUN_S8, GATUN_S32};
    int32_t wanted = types[random.below(4)], size = wanted == GATUN_U8 || wanted == GATUN_S8 ? 1 : 4;
    guarded<uint8_t> dst(s.n * oh * ow * s.oc * size);
    gatun_byte_conv_args g{};
    g.src = src.data(), g.filters = packed.data(), g.dst = dst.data();
    g.n = s.n, g.h = s.h, g.w = s.w, g.groups = s.groups, g.oc = s.oc, g.c = s.c, g.kh = s.kh, g.kw = s.kw, g.oh = oh, g.ow = ow;
    g.stride_h = g.stride_w = s.stride, g.dilation_h = g.dilation_w = s.dilation, g.top = g.left = s.pad;
    g.src_type = src_type, g.src_zero = src_type == GATUN_U8 ? (int32_t)random.below(256) : (int32_t)random.below(256) - 128;
    g.result = result_of(wanted, random);
    guarded<char> scratch(gatun_byte_conv_scratch_bytes(&g, gatun_get_max_threads()));
    g.scratch = scratch.data();
    gatun_byte_conv(&g);
    for (int64_t i = 0; i < s.n * oh * ow * s.oc; i += i + 7 < s.n * oh * ow * s.oc && random.below(4) ? 1 + random.below(6) : 1) {
        int64_t oc = i % s.oc, x = i / s.oc % ow, y = i / s.oc / ow % oh, n = i / s.oc / ow / oh, group = oc / (s.oc / s.groups);
        int64_t sum = f.bias ? bias[oc] : 0;
        for (int64_t t = 0; t < taps; t++)
            for (int64_t c = 0; c < s.c; c++) {
                int64_t iy = y * s.stride - s.pad + t / s.kw * s.dilation, ix = x * s.stride - s.pad + t % s.kw * s.dilation;
                if (iy < 0 || iy >= s.h || ix < 0 || ix >= s.w) continue;
                sum += (int64_t)(byte(src, ((n * s.h + iy) * s.w + ix) * s.groups * s.c + group * s.c + c, src_type) - g.src_zero) *
                       (byte(w, (oc * s.c + c) * taps + t, type) - (zeroed ? byte(zeros, oc, type) : 0));
            }
        if (wanted == GATUN_S32) o.equal(((int32_t *)dst.data())[i], (double)sum, 0, "sum of bytes", i);
        else same(o, g.result, dst, i, (double)((float)sum * factors[oc] + (f.add ? add[oc] : 0)), "convolution of bytes");
    }
}

void pair(int64_t pages, int64_t rows, int64_t cols, numbers &random, outcome &o) {
    guarded<uint8_t> a(pages * rows * cols), b(pages * cols);
    for (int64_t i = 0; i < a.count(); i++) a[i] = random.next();
    for (int64_t i = 0; i < b.count(); i++) b[i] = random.next();
    const int32_t types[] = {GATUN_F32, GATUN_U8, GATUN_S8};
    gatun_byte_pair_args g{};
    g.result = result_of(types[random.below(3)], random);
    guarded<uint8_t> dst(a.count() * (g.result.type == GATUN_F32 ? 4 : 1));
    g.a = a.data(), g.b = b.data(), g.dst = dst.data(), g.pages = pages, g.rows = rows, g.cols = cols;
    g.product = (int32_t)random.below(2), g.a_factor = random.between(0.001f, 0.4f), g.b_factor = random.between(0.1f, 2);
    g.a_type = GATUN_U8 + (int32_t)random.below(2), g.b_type = GATUN_U8 + (int32_t)random.below(2), g.a_zero = 3, g.b_zero = 77;
    gatun_byte_pair(&g);
    for (int64_t i = 0; i < a.count(); i++) {
        double x = byte(a, i, g.a_type) - g.a_zero, y = byte(b, i / cols / rows * cols + i % cols, g.b_type) - g.b_zero;
        same(o, g.result, dst, i, g.product ? x * y * g.a_factor : x * g.a_factor + y * g.b_factor, "two bytes",
             std::fabs(x * g.a_factor) + std::fabs(y * g.b_factor));
    }
}

void mean(int64_t pages, int64_t rows, int64_t cols, numbers &random, outcome &o) {
    guarded<uint8_t> src(pages * rows * cols), dst(pages * cols);
    for (int64_t i = 0; i < src.count(); i++) src[i] = random.next();
    gatun_byte_mean_args g{src.data(), dst.data(), pages, rows, cols, 0.7f / (float)rows, GATUN_U8 + (int32_t)random.below(2), 9,
                           result_of(GATUN_U8, random)};
    gatun_byte_mean(&g);
    for (int64_t i = 0; i < pages * cols; i++) {
        double sum = 0;
        for (int64_t r = 0; r < rows; r++) sum += byte(src, (i / cols * rows + r) * cols + i % cols, g.type) - g.zero;
        same(o, g.result, dst, i, sum * g.factor, "mean of bytes");
    }
}

void scaled(int64_t count, numbers &random, outcome &o) {
    guarded<float> x(count), back(count);
    guarded<uint8_t> bytes(count);
    random.fill(x, -40, 40);
    int32_t type = GATUN_U8 + (int32_t)random.below(2);
    gatun_byte_scale_args g{x.data(), bytes.data(), count, 0.173f, GATUN_F32, 0, result_of(type, random)};
    gatun_byte_scale(&g);
    gatun_byte_scale_args b{bytes.data(), back.data(), count, 0.173f, type, g.result.zero, {GATUN_F32, 0, 0, 0}};
    gatun_byte_scale(&b);
    for (int64_t i = 0; i < count; i++) {
        same(o, g.result, bytes, i, (double)(x[i] / 0.173f), "a float's byte");
        o.equal(back[i], (byte(bytes, i, type) - g.result.zero) * 0.173f, 1e-6, "a byte's float", i);
    }
}

} // namespace

void check_byte_conv(outcome &o) {
    numbers random{29};
    const shape shapes[] = {{1, 1, 1, 1, 1, 1, 1, 1}, {2, 5, 7, 1, 17, 3, 3, 3, 1, 1, 1}, {1, 9, 8, 1, 33, 3, 7, 7, 2, 1, 3},
                            {1, 7, 7, 1, 70, 19, 1, 1}, {3, 6, 5, 1, 16, 32, 1, 1, 2}, {1, 13, 11, 4, 12, 5, 3, 3, 1, 2, 2},
                            {1, 9, 9, 37, 37, 1, 3, 3, 1, 1, 1}, {2, 8, 6, 72, 72, 1, 5, 5, 2, 1, 2}, {1, 4, 4, 8, 16, 1, 3, 3, 1, 1, 1},
                            {1, 3, 2, 1, 5, 64, 3, 3, 1, 1, 1}, {1, 40, 41, 1, 40, 16, 3, 3, 1, 1, 1}, {1, 2, 3, 1, 64, 200, 3, 3, 2, 1, 2},
                            {1, 130, 1, 1, 48, 96, 1, 1}, {1, 6, 6, 1, 9, 2, 1, 3, 1, 3, 3}};
    for (const shape &s : shapes)
        for (int i = 0; i < 6; i++) convolution(s, random, o);
    for (int64_t cols : {1, 8, 31, 64})
        for (int64_t rows : {1, 5}) pair(2, rows, cols, random, o), mean(2, rows, cols, random, o);
    scaled(1, random, o), scaled(37, random, o), scaled(70003, random, o);
    pair(1, 1, 70001, random, o), pair(3, 300, 100, random, o), mean(2, 700, 100, random, o);
    guarded<uint8_t> src(1000), table(256), dst(1000);
    for (int64_t i = 0; i < 1000; i++) src[i] = random.next();
    for (int64_t i = 0; i < 256; i++) table[i] = random.next();
    gatun_byte_map(src.data(), table.data(), dst.data(), 1000);
    for (int64_t i = 0; i < 1000; i++) o.equal(dst[i], table[src[i]], 0, "table of bytes", i);
}
