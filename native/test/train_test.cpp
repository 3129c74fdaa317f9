/* Training's kernels against plain loops in double. */
#include "testing.h"

#include <vector>

namespace {

void check_elements(int64_t n, numbers &random, outcome &o) {
    guarded<float> x(n), dy(n), dx(n), first(n);
    for (guarded<float> *each : {&x, &dy, &dx}) random.fill(*each, -1, 1);
    copy(dx, first);
    if (n > 2) x[2] = NOT_A_NUMBER, x[1] = 0;
    gatun_activation_backward(x.data(), dy.data(), dx.data(), n, GATUN_RELU);
    for (int64_t i = 0; i < n; i++) o.equal(dx[i], first[i] + (x[i] > 0 ? dy[i] : 0), 1e-6, "relu", i);
    copy(dx, first);
    gatun_add(dy.data(), -0.4f, dx.data(), n);
    for (int64_t i = 0; i < n; i++) o.equal(dx[i], first[i] - 0.4 * dy[i], 1e-6, "difference", i);
    copy(dx, first);
    gatun_multiply(dy.data(), dx.data(), n);
    for (int64_t i = 0; i < n; i++) o.equal(dx[i], (double)first[i] * dy[i], 1e-6, "multiplied", i);
    copy(dx, first);
    gatun_add(dy.data(), 1, dx.data(), n);
    for (int64_t i = 0; i < n; i++) o.equal(dx[i], (double)first[i] + dy[i], 1e-6, "sum", i);
    copy(dx, first);
    gatun_scale(dx.data(), 0.3f, n);
    for (int64_t i = 0; i < n; i++) o.equal(dx[i], 0.3 * first[i], 1e-6, "scaled", i);
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)dy[i] * dy[i];
    o.equal(gatun_squares(dy.data(), n), sum, 1e-12 * (sum + 1), "squares", n);
}

/* With equal ones. */
void check_binary(int64_t n, int32_t kind, numbers &random, outcome &o) {
    guarded<float> a(n), b(n), y(n), dy(n), da(n), db(n);
    random.fill(dy, -1, 1);
    for (int64_t i = 0; i < n; i++) {
        a[i] = std::nearbyint(random.between(-9, 9)) / 4, b[i] = std::nearbyint(random.between(-9, 9)) / 2 + 0.25f;
        if (kind > 3 && i % 3 == 0) b[i] = a[i];
        da[i] = db[i] = 1;
    }
    gatun_binary(a.data(), b.data(), y.data(), n, kind);
    gatun_binary_backward(a.data(), b.data(), dy.data(), da.data(), db.data(), n, kind);
    for (int64_t i = 0; i < n; i++) {
        double p = a[i], q = b[i], larger = p > q ? 1 : p < q ? 0 : 0.5;
        double results[] = {p + q, p - q, p * q, p / q, std::fmax(p, q), std::fmin(p, q)};
        double of_a[] = {1, 1, q, 1 / q, larger, 1 - larger}, of_b[] = {1, -1, p, -p / q / q, 1 - larger, larger};
        o.equal(y[i], results[kind], 1e-5, "binary", i);
        o.equal(da[i], 1 + dy[i] * of_a[kind], 1e-5, "of the first", i);
        o.equal(db[i], 1 + dy[i] * of_b[kind], 1e-5, "of the second", i);
    }
    gatun_binary_backward(a.data(), b.data(), dy.data(), nullptr, nullptr, n, kind);
    if (n) a[0] = NOT_A_NUMBER, gatun_binary(a.data(), b.data(), y.data(), n, kind), o.equal(std::isnan(y[0]), 1, 0, "NaN stays", 0);
}

void check_updates(int64_t n, int kind, numbers &random, outcome &o) {
    guarded<float> p(n), g(n), m(n), v(n), p0(n), m0(n), v0(n);
    for (guarded<float> *each : {&p, &g, &m, &v}) random.fill(*each, -1, 1);
    for (int64_t i = 0; i < n; i++) v[i] = std::fabs(v[i]);
    copy(p, p0), copy(m, m0), copy(v, v0);
    if (kind < 3) {
        gatun_sgd(p.data(), g.data(), kind ? m.data() : nullptr, n, 0.1f, 0.9f, 0.7f, 0.01f, kind == 2);
        for (int64_t i = 0; i < n; i++) {
            double d = (double)g[i] + 0.1 * p0[i], b = 0.9 * m0[i] + 0.7 * d;
            if (kind) o.equal(m[i], b, 1e-6, "buffer", i);
            o.equal(p[i], p0[i] - 0.01 * (kind == 0 ? d : kind == 1 ? b : d + 0.9 * b), 1e-6, "sgd", i);
        }
        return;
    }
    gatun_adamw(p.data(), g.data(), m.data(), v.data(), n, 0.99f, 0.02f, 0.3f, 1e-3f, 0.1f, 0.999f, 0.001f);
    for (int64_t i = 0; i < n; i++) {
        double d = (double)g[i], mean = m0[i] + 0.1 * (d - m0[i]), square = 0.999 * v0[i] + 0.001 * d * d;
        o.equal(m[i], mean, 1e-6, "mean", i);
        o.equal(v[i], square, 1e-6, "square", i);
        o.equal(p[i], 0.99 * p0[i] - 0.02 * mean / (std::sqrt(square) / 0.3 + 1e-3), 1e-5, "adamw", i);
    }
}

void check_max_pool(gatun_max_pool_args a, numbers &random, outcome &o) {
    const int64_t in = a.planes * a.h * a.w, out = a.planes * a.oh * a.ow;
    guarded<float> x(in), y(out), dy(out), dx(in), expected(in);
    guarded<int32_t> places(out);
    /* With equal ones. */
    for (int64_t i = 0; i < in; i++) dx[i] = expected[i] = 1, x[i] = std::nearbyint(random.between(-3, 3));
    x[a.h * a.w / 2] = NOT_A_NUMBER;
    random.fill(dy, -1, 1);
    a.x = x.data(), a.y = y.data(), a.places = places.data();
    gatun_max_pool(&a);
    gatun_max_pool_backward(dy.data(), places.data(), dx.data(), a.planes, a.h * a.w, a.oh * a.ow);
    for (int64_t plane = 0; plane < a.planes; plane++)
        for (int64_t p = 0; p < a.oh; p++)
            for (int64_t q = 0; q < a.ow; q++) {
                int64_t best = -1, at = (plane * a.oh + p) * a.ow + q;
                for (int64_t i = 0; i < a.kh; i++)
                    for (int64_t j = 0; j < a.kw; j++) {
                        int64_t row = p * a.stride_h - a.top + i * a.dilation_h, column = q * a.stride_w - a.left + j * a.dilation_w;
                        if (row < 0 || row >= a.h || column < 0 || column >= a.w) continue;
                        int64_t here = (plane * a.h + row) * a.w + column;
                        if (best < 0 || x[here] > x[best] || std::isnan(x[here])) best = here;
                    }
                o.equal(y[at], x[best], 0, "largest", at);
                expected[best] += dy[at];
            }
    for (int64_t i = 0; i < in; i++) o.equal(dx[i], expected[i], 1e-5, "gradient", i);
}

double function(int32_t activation, double x) {
    auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };
    switch (activation) {
    case GATUN_RELU: return x > 0 ? x : 0;
    case GATUN_GELU_ERF: return x * 0.5 * std::erfc(-x / std::sqrt(2.0));
    case GATUN_GELU_TANH: return x * 0.5 * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case GATUN_SILU: return x * sigmoid(x);
    case GATUN_RELU6: return x < 0 ? 0 : x > 6 ? 6 : x;
    case GATUN_HARDSWISH: return x * (x < -3 ? 0 : x > 3 ? 6 : x + 3) / 6;
    case GATUN_TANH: return std::tanh(x);
    case GATUN_SIGMOID: return sigmoid(x);
    case GATUN_RELU2: return x > 0 ? x * x : 0;
    case GATUN_QUICK_GELU: return x * sigmoid(1.702 * x);
    case GATUN_MISH: return x * std::tanh(std::log1p(std::exp(x)));
    default: return x;
    }
}

/* By central differences in double, up to far from zero. */
void check_derivatives(int64_t n, numbers &random, outcome &o) {
    guarded<float> x(n), dy(n), dx(n);
    for (int32_t activation = GATUN_NONE; activation <= GATUN_MISH; activation++) {
        random.fill(x, -9, 9), random.fill(dy, -1, 1);
        for (int64_t i = 0; i < n; i++) dx[i] = 1;
        gatun_activation_backward(x.data(), dy.data(), dx.data(), n, activation);
        for (int64_t i = 0; i < n; i++) {
            double slope = (function(activation, x[i] + 1e-6) - function(activation, x[i] - 1e-6)) / 2e-6;
            o.equal(dx[i], 1 + slope * dy[i], 1e-5, "derivative", activation);
        }
    }
}

void check_matrices(int64_t m, int64_t n, numbers &random, outcome &o) {
    guarded<float> x(m * n), sums(n), t(n * m), gamma(n), dy(m * n), dx(m * n), dgamma(n), dbeta(n), scratch(2 * m), y(m * n),
        shares(m * n);
    random.fill(x, -1, 1), random.fill(dy, -1, 1), random.fill(gamma, -1, 1);
    for (int64_t j = 0; j < n; j++) sums[j] = dgamma[j] = dbeta[j] = 1;
    gatun_add_columns(x.data(), m, n, sums.data());
    gatun_transpose(x.data(), m, n, t.data());
    for (int64_t j = 0; j < n; j++) {
        double sum = 1;
        for (int64_t i = 0; i < m; i++) {
            sum += x[i * n + j];
            o.equal(t[j * m + i], x[i * n + j], 0, "transposed", i);
        }
        o.equal(sums[j], sum, 1e-4, "column", j);
    }
    for (int32_t rms = 0; rms < 2; rms++) {
        for (int64_t i = 0; i < m * n; i++) dx[i] = 1;
        for (int64_t j = 0; j < n; j++) dgamma[j] = dbeta[j] = 0;
        gatun_norm_backward_args a{x.data(), dy.data(), gamma.data(), dx.data(), dgamma.data(), rms ? nullptr : dbeta.data(),
                                   scratch.data(), m, n, 1e-3f, rms};
        gatun_norm_backward(&a);
        for (int64_t i = 0; i < m; i++) {
            double mean = 0, squares = 0, level = 0, slope = 0;
            for (int64_t j = 0; j < n; j++) mean += rms ? 0 : (double)x[i * n + j] / n;
            for (int64_t j = 0; j < n; j++) squares += (x[i * n + j] - mean) * (x[i * n + j] - mean);
            double inverse = 1 / std::sqrt(squares / n + 1e-3);
            for (int64_t j = 0; j < n; j++) {
                double g = (double)dy[i * n + j] * gamma[j];
                level += rms ? 0 : g / n, slope += g * (x[i * n + j] - mean) * inverse / n;
            }
            for (int64_t j = 0; j < n; j++) {
                double normal = (x[i * n + j] - mean) * inverse;
                dgamma[j] -= (float)(dy[i * n + j] * normal), dbeta[j] -= dy[i * n + j];
                o.equal(dx[i * n + j], 1 + ((double)dy[i * n + j] * gamma[j] - level - normal * slope) * inverse, 1e-3, "norm", i);
            }
        }
        for (int64_t j = 0; j < n; j++) o.equal(dgamma[j], 0, 1e-3, "gamma", j);
        for (int64_t j = 0; !rms && j < n; j++) o.equal(dbeta[j], 0, 1e-3, "beta", j);
    }
    for (int32_t log = 0; log < 2; log++) {
        for (int64_t i = 0; i < m * n; i++) dx[i] = 0;
        /* Along rows of n, or along m with n beside each other. */
        bool rows = n % 2;
        int64_t outer = rows ? m : 1, length = rows ? n : m, inner = rows ? 1 : n;
        gatun_softmax(x.data(), y.data(), shares.data(), outer, length, inner, log);
        gatun_softmax_backward(shares.data(), dy.data(), dx.data(), outer, length, inner, log);
        for (int64_t r = 0; r < outer * inner; r++) {
            int64_t first = r / inner * length * inner + r % inner;
            double total = 0, mean = 0;
            for (int64_t i = 0; i < length; i++) total += std::exp((double)x[first + i * inner]);
            for (int64_t i = 0; i < length; i++) {
                double p = std::exp((double)x[first + i * inner]) / total;
                mean += dy[first + i * inner] * (log ? 1 : p);
                o.equal(y[first + i * inner], log ? std::log(p) : p, 1e-5, "softmax", i);
            }
            for (int64_t i = first; i < first + length * inner; i += inner) {
                double p = std::exp((double)x[i]) / total;
                o.equal(dx[i], log ? dy[i] - p * mean : p * (dy[i] - mean), 1e-4, "softmax backward", i);
            }
        }
    }
}

void check_batch_norm(int64_t batch, int64_t channels, int64_t plane, numbers &random, outcome &o) {
    const int64_t n = batch * channels * plane;
    guarded<float> x(n), y(n), dy(n), dx(n), scale(channels), shift(channels), mean(channels), variance(channels), kept(2 * channels),
        dscale(channels), dshift(channels);
    for (guarded<float> *each : {&x, &dy, &scale, &shift}) random.fill(*each, -1, 1);
    for (int64_t c = 0; c < channels; c++) mean[c] = dscale[c] = dshift[c] = 0, variance[c] = 1;
    for (int64_t i = 0; i < n; i++) dx[i] = 0;
    gatun_batch_norm_args a{x.data(), scale.data(), shift.data(), y.data(), mean.data(), variance.data(), kept.data(), dy.data(), dx.data(),
                            dscale.data(), dshift.data(), batch, channels, plane, 1e-3, 0.1, 1};
    gatun_batch_norm(&a);
    gatun_batch_norm_backward(&a);
    for (int64_t c = 0; c < channels; c++) {
        double count = (double)batch * plane, m = 0, squares = 0, level = 0, slope = 0;
        auto each = [&](auto f) {
            for (int64_t b = 0; b < batch; b++)
                for (int64_t i = 0; i < plane; i++) f((b * channels + c) * plane + i);
        };
        each([&](int64_t i) { m += x[i] / count; });
        each([&](int64_t i) { squares += (x[i] - m) * (x[i] - m); });
        double inverse = 1 / std::sqrt(squares / count + 1e-3);
        each([&](int64_t i) { level += dy[i], slope += dy[i] * (x[i] - m) * inverse; });
        o.equal(dshift[c], level, 1e-3, "shift", c);
        o.equal(dscale[c], slope, 1e-3, "scale", c);
        o.equal(mean[c], 0.1 * m, 1e-5, "running mean", c);
        o.equal(variance[c], 0.9 + 0.1 * squares / std::fmax(1, count - 1), 1e-4, "running variance", c);
        each([&](int64_t i) {
            double normal = (x[i] - m) * inverse;
            o.equal(y[i], normal * scale[c] + shift[c], 1e-4, "batch norm", i);
            o.equal(dx[i], scale[c] * inverse * (dy[i] - level / count - normal * slope / count), 1e-3, "batch norm backward", i);
        });
    }
}

void check_average_pool(gatun_max_pool_args a, int32_t inside, numbers &random, outcome &o) {
    const int64_t in = a.planes * a.h * a.w, out = a.planes * a.oh * a.ow;
    guarded<float> x(in), y(out), dy(out), dx(in), expected(in);
    random.fill(x, -1, 1), random.fill(dy, -1, 1);
    for (int64_t i = 0; i < in; i++) dx[i] = expected[i] = 1;
    a.x = x.data(), a.y = y.data();
    gatun_average_pool(&a, inside, 0);
    a.x = dy.data(), a.y = dx.data();
    gatun_average_pool(&a, inside, 1);
    for (int64_t at = 0; at < out; at++) {
        int64_t plane = at / (a.oh * a.ow), p = at / a.ow % a.oh, q = at % a.ow, count = 0, padded = 0;
        double sum = 0;
        for (int64_t i = 0; i < a.kh * a.kw; i++)
            padded += p * a.stride_h - a.top + i / a.kw < a.h + a.bottom && q * a.stride_w - a.left + i % a.kw < a.w + a.right;
        for (int pass = 0; pass < 2; pass++)
            for (int64_t i = 0; i < a.kh * a.kw; i++) {
                int64_t row = p * a.stride_h - a.top + i / a.kw, column = q * a.stride_w - a.left + i % a.kw;
                if (row < 0 || row >= a.h || column < 0 || column >= a.w) continue;
                int64_t here = (plane * a.h + row) * a.w + column;
                if (pass) expected[here] += dy[at] / (float)(inside ? count : padded);
                else sum += x[here], count++;
            }
        o.equal(y[at], sum / (double)(inside ? count : padded), 1e-5, "mean", at);
    }
    for (int64_t i = 0; i < in; i++) o.equal(dx[i], expected[i], 1e-4, "mean's gradient", i);
}

/* Windows of a size for each, which overlap: the largest, and means. */
void check_adaptive(int64_t h, int64_t w, int64_t oh, int64_t ow, numbers &random, outcome &o) {
    const int64_t in = 3 * h * w, out = 3 * oh * ow;
    guarded<float> x(in), y(out), mean(out), dy(out), dx(in), dmean(in), e(in), f(in);
    guarded<int32_t> places(out);
    random.fill(x, -1, 1), random.fill(dy, -1, 1);
    for (int64_t i = 0; i < in; i++) dx[i] = dmean[i] = e[i] = f[i] = 1;
    gatun_max_pool_args a{x.data(), y.data(), places.data(), 3, h, w, oh, ow, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    gatun_max_pool(&a);
    gatun_max_pool_backward(dy.data(), places.data(), dx.data(), 3, h * w, oh * ow);
    a.y = mean.data();
    gatun_average_pool(&a, 1, 0);
    a.x = dy.data(), a.y = dmean.data();
    gatun_average_pool(&a, 1, 1);
    for (int64_t at = 0; at < out; at++) {
        int64_t plane = at / (oh * ow), p = at / ow % oh, q = at % ow, best = -1;
        int64_t bottom = (int64_t)std::ceil((double)(p + 1) * h / oh), right = (int64_t)std::ceil((double)(q + 1) * w / ow);
        double sum = 0, count = 0;
        for (int pass = 0; pass < 2; pass++)
            for (int64_t row = p * h / oh; row < bottom; row++)
                for (int64_t column = q * w / ow; column < right; column++) {
                    int64_t here = (plane * h + row) * w + column;
                    if (pass) f[here] += (float)(dy[at] / count);
                    else sum += x[here], count++, best = best < 0 || x[here] > x[best] ? here : best;
                }
        o.equal(y[at], x[best], 0, "largest of an own window", at);
        o.equal(mean[at], sum / count, 1e-5, "mean of an own window", at);
        e[best] += dy[at];
    }
    for (int64_t i = 0; i < in; i++) {
        o.equal(dx[i], e[i], 1e-5, "largest's gradient", i);
        o.equal(dmean[i], f[i], 1e-5, "own mean's gradient", i);
    }
}

void check_table(int64_t rows, int64_t count, int64_t cols, numbers &random, outcome &o) {
    guarded<float> table(rows * cols), out(count * cols), first(rows * cols), was(count * cols);
    guarded<int32_t> ids(count);
    random.fill(table, -1, 1), random.fill(out, -1, 1), copy(out, was);
    for (int64_t i = 0; i < count; i++) ids[i] = (int32_t)(i * i % rows);
    gatun_table_rows(table.data(), ids.data(), 0.3f, out.data(), count, cols, 0);
    for (int64_t i = 0; i < count * cols; i++)
        o.equal(out[i], was[i] + 0.3 * table[ids[i / cols] * cols + i % cols], 1e-5, "looked up", i);
    std::vector<double> sums(table.data(), table.data() + table.count());
    for (int64_t i = 0; i < count * cols; i++) sums[ids[i / cols] * cols + i % cols] += 0.3 * out[i];
    gatun_table_rows(table.data(), ids.data(), 0.3f, out.data(), count, cols, 1);
    for (int64_t i = 0; i < table.count(); i++) o.equal(table[i], sums[i], 1e-3, "learnt", i);
}

/* [a, b, c] of [a or 1, b or 1, c or 1], all eight ways. */
void check_repeat(int64_t a, int64_t b, int64_t c, numbers &random, outcome &o) {
    for (int which = 0; which < 8; which++) {
        int64_t dims[] = {a, b, c}, own[] = {which & 1 ? a : 1, which & 2 ? b : 1, which & 4 ? c : 1};
        int64_t strides[] = {which & 1 ? own[1] * own[2] : 0, which & 2 ? own[2] : 0, which & 4 ? 1 : 0};
        guarded<float> x(own[0] * own[1] * own[2]), y(a * b * c);
        random.fill(x, -1, 1);
        gatun_repeat(x.data(), y.data(), dims, strides, 3, 0);
        std::vector<double> sums(x.data(), x.data() + x.count());
        for (int64_t i = 0; i < y.count(); i++) {
            int64_t from = i / (b * c) * strides[0] + i / c % b * strides[1] + i % c * strides[2];
            o.equal(y[i], x[from], 0, "repeated", i);
            sums[from] += y[i] = (float)random.between(-1, 1);
        }
        gatun_repeat(x.data(), y.data(), dims, strides, 3, 1);
        for (int64_t i = 0; i < x.count(); i++) o.equal(x[i], sums[i], 1e-3, "sum of the repeated", i);
    }
}

void check_pool(int32_t kind, int64_t cols, numbers &random, outcome &o) {
    guarded<int32_t> offsets(5);
    const int32_t starts[] = {0, 3, 3, 4, 9};
    for (int i = 0; i < 5; i++) offsets[i] = starts[i];
    guarded<float> x(9 * cols), y(4 * cols), dy(4 * cols), dx(9 * cols), unit(9 * cols);
    random.fill(dy, -1, 1), dx.fill(1);
    /* No two of a column near each other. */
    for (int64_t i = 0; i < x.count(); i++) x[i] = (float)(i / cols * 5 % 9) * 0.2f - 0.77f + (float)(i % cols) * 0.001f;
    gatun_pool_args a{x.data(), dy.data(), offsets.data(), 4, cols, kind, 0};
    gatun_pool_backward(&a, dx.data());
    for (int64_t i = 0; i < dx.count(); i++) {
        /* Steps that change no maximum: pools are linear between them. */
        a.out = y.data();
        double values[2], kept = x[i];
        for (int side = 0; side < 2; side++) {
            x[i] = (float)(kept + (side ? -1e-3 : 1e-3));
            gatun_pool(&a), values[side] = 0;
            for (int64_t j = 0; j < y.count(); j++) values[side] += (double)y[j] * dy[j];
        }
        x[i] = (float)kept;
        o.equal(dx[i], 1 + (values[0] - values[1]) / 2e-3, 2e-3, "pool's gradient", i);
    }
    copy(x, unit), dx.fill(1);
    for (int64_t j = 0; j < cols; j++) x[j] = 0;
    gatun_unit_rows(x.data(), unit.data(), nullptr, nullptr, 9, cols);
    guarded<float> slopes(9 * cols);
    random.fill(slopes, -1, 1);
    gatun_unit_rows(x.data(), nullptr, slopes.data(), dx.data(), 9, cols);
    for (int64_t i = 0; i < 9; i++) {
        double square = 0, product = 0;
        for (int64_t j = i * cols; j < (i + 1) * cols; j++) square += (double)x[j] * x[j], product += (double)x[j] * slopes[j];
        for (int64_t j = i * cols; j < (i + 1) * cols; j++) {
            o.equal(unit[j], square ? x[j] / std::sqrt(square) : 0, 1e-5, "of length 1", j);
            if (square) o.equal(dx[j], 1 + (slopes[j] - x[j] * product / square) / std::sqrt(square), 1e-3, "length's gradient", j);
        }
    }
}

void check_losses(int64_t rows, int64_t classes, double smoothing, bool weighted, numbers &random, outcome &o) {
    guarded<float> x(rows * classes), weights(classes), gradient(rows * classes), target(rows * classes);
    guarded<int32_t> labels(rows);
    random.fill(x, -4, 4), random.fill(weights, 0, 2), random.fill(target, -1, 1);
    for (int64_t i = 0; i < rows; i++) labels[i] = i % 5 == 3 ? -7 : (int32_t)(i * 31 % classes);
    if (classes > 2) weights[1] = 0, x[1] = -INFINITY;
    double loss = 0, squares = 0, found = gatun_cross_entropy(x.data(), labels.data(), weighted ? weights.data() : nullptr, gradient.data(),
                                                              rows, classes, smoothing, 0.3, -7);
    for (int64_t i = 0; i < rows; i++) {
        double total = 0, share = 0;
        auto goal = [&](int64_t k) {
            return (weighted ? weights[k] : 1) * (smoothing / (double)classes + (k == labels[i] ? 1 - smoothing : 0));
        };
        for (int64_t k = 0; k < classes; k++) total += std::exp((double)x[i * classes + k]), share += goal(k);
        for (int64_t k = 0; k < classes; k++) {
            double p = std::exp((double)x[i * classes + k]) / total, counts = labels[i] == -7 ? 0 : 0.3;
            if (counts && goal(k) != 0) loss -= counts * goal(k) * std::log(p);
            o.equal(gradient[i * classes + k], counts * (p * share - goal(k)), 1e-6, "of the cross-entropy", k);
        }
    }
    if (std::isfinite(loss)) o.equal(found, loss, 1e-5 * (1 + loss), "cross-entropy", rows);
    else o.equal(std::isfinite(found), 0, 0, "cross-entropy without end", rows);
    for (int32_t label : {(int32_t)classes, -1, INT32_MAX}) {
        labels[rows - 1] = label;
        found = gatun_cross_entropy(x.data(), labels.data(), weighted ? weights.data() : nullptr, gradient.data(), rows, classes,
                                    smoothing, 0.3, -7);
        o.equal(std::isnan(found), 1, 0, "cross-entropy of a label that is none", label);
        for (int64_t k = 0; k < classes; k++) o.equal(gradient[(rows - 1) * classes + k], 0, 0, "gradient of a label that is none", k);
    }
    x[0] = 1, x[classes > 2] = 2;
    found = gatun_squared_error(x.data(), target.data(), gradient.data(), x.count(), 0.3);
    for (int64_t i = 0; i < x.count(); i++) {
        double difference = (double)x[i] - target[i];
        squares += 0.3 * difference * difference;
        o.equal(gradient[i], 0.6 * difference, 1e-5, "of the squares", i);
    }
    o.equal(found, squares, 1e-6 * (1 + squares), "squared error", rows);
}

/* Shares of the ones of a mask. */
void check_dropout(outcome &o) {
    guarded<float> first(100003), again(100003);
    gatun_dropout(first.data(), first.count(), 0.3f, 5);
    gatun_dropout(again.data(), again.count(), 0.3f, 5);
    int64_t zeros = 0, pairs = 0;
    for (int64_t i = 0; i < first.count(); i++) {
        o.equal(again[i], first[i], 0, "mask again", i);
        o.equal(first[i], first[i] == 0 ? 0 : 1 / 0.7, 1e-6, "mask", i);
        zeros += first[i] == 0, pairs += i && first[i] == 0 && first[i - 1] == 0;
    }
    o.equal((double)zeros / first.count(), 0.3, 0.006, "share", zeros);
    o.equal((double)pairs / first.count(), 0.09, 0.004, "pairs", pairs);
}

} // namespace

void check_training(outcome &o) {
    numbers random{77};
    for (int64_t n : {0, 1, 7, 16, 33, 1000, 100001}) {
        check_elements(n, random, o);
        for (int32_t kind = 0; kind < 6; kind++) check_binary(n, kind, random, o);
        for (int kind = 0; kind < 4; kind++) check_updates(n, kind, random, o);
    }
    for (int64_t n : {1, 7, 33, 40001}) check_derivatives(n, random, o);
    for (int64_t m : {1, 5, 16, 33})
        for (int64_t n : {1, 3, 8, 17, 64, 1001}) check_matrices(m, n, random, o);
    check_batch_norm(4, 3, 5, random, o), check_batch_norm(1, 1, 1, random, o), check_batch_norm(9, 7, 641, random, o);
    for (int32_t inside = 0; inside < 2; inside++) {
        check_average_pool({nullptr, nullptr, nullptr, 3, 6, 8, 3, 4, 2, 2, 2, 2, 1, 1, 0, 0, 0, 0}, inside, random, o);
        check_average_pool({nullptr, nullptr, nullptr, 40, 25, 25, 13, 13, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1}, inside, random, o);
        /* The last windows reach beyond the padding. */
        check_average_pool({nullptr, nullptr, nullptr, 3, 6, 8, 3, 4, 3, 3, 3, 3, 1, 1, 1, 1, 1, 0}, inside, random, o);
        check_average_pool({nullptr, nullptr, nullptr, 5, 4, 9, 1, 1, 4, 9, 1, 1, 1, 1, 0, 0, 0, 0}, inside, random, o);
    }
    check_adaptive(7, 5, 3, 2, random, o), check_adaptive(6, 9, 3, 3, random, o), check_adaptive(2, 3, 5, 7, random, o);
    check_table(7, 20, 5, random, o), check_table(3, 40, 1001, random, o), check_table(1, 0, 4, random, o);
    check_repeat(1, 1, 1, random, o), check_repeat(3, 5, 17, random, o), check_repeat(2, 4, 9001, random, o);
    for (int32_t kind = GATUN_POOL_MEAN; kind <= GATUN_POOL_LAST; kind++)
        for (int64_t cols : {1, 7, 33}) check_pool(kind, cols, random, o);
    for (int64_t rows : {1, 6, 131})
        for (int64_t classes : {1, 2, 10, 1003})
            for (int kind = 0; kind < 4; kind++) check_losses(rows, classes, kind & 1 ? 0.2 : 0, kind & 2, random, o);
    check_dropout(o);
    check_max_pool({nullptr, nullptr, nullptr, 3, 6, 8, 3, 4, 2, 2, 2, 2, 1, 1, 0, 0, 0, 0}, random, o);
    check_max_pool({nullptr, nullptr, nullptr, 40, 25, 25, 12, 12, 2, 2, 2, 2, 1, 1, 0, 0, 0, 0}, random, o);
    check_max_pool({nullptr, nullptr, nullptr, 2, 7, 5, 4, 3, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1}, random, o);
    check_max_pool({nullptr, nullptr, nullptr, 5, 9, 8, 5, 4, 3, 2, 1, 2, 2, 1, 0, 0, 0, 0}, random, o);
}
