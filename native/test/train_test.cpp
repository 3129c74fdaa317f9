/* Training's kernels against plain loops in double. */
#include "testing.h"

namespace {

void check_elements(int64_t n, numbers &random, outcome &o) {
    guarded<float> x(n), dy(n), dx(n), first(n);
    for (guarded<float> *each : {&x, &dy, &dx}) random.fill(*each, -1, 1);
    copy(dx, first);
    if (n > 2) x[2] = NOT_A_NUMBER, x[1] = 0;
    gatun_relu_backward(x.data(), dy.data(), dx.data(), n);
    for (int64_t i = 0; i < n; i++) o.equal(dx[i], first[i] + (x[i] > 0 ? dy[i] : 0), 1e-6, "relu", i);
    copy(dx, first);
    gatun_add(dy.data(), dx.data(), n);
    for (int64_t i = 0; i < n; i++) o.equal(dx[i], (double)first[i] + dy[i], 1e-6, "sum", i);
    copy(dx, first);
    gatun_scale(dx.data(), 0.3f, n);
    for (int64_t i = 0; i < n; i++) o.equal(dx[i], 0.3 * first[i], 1e-6, "scaled", i);
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)dy[i] * dy[i];
    o.equal(gatun_squares(dy.data(), n), sum, 1e-12 * (sum + 1), "squares", n);
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

} // namespace

void check_training(outcome &o) {
    numbers random{77};
    for (int64_t n : {0, 1, 7, 16, 33, 1000, 100001}) {
        check_elements(n, random, o);
        for (int kind = 0; kind < 4; kind++) check_updates(n, kind, random, o);
    }
    check_max_pool({nullptr, nullptr, nullptr, 3, 6, 8, 3, 4, 2, 2, 2, 2, 1, 1, 0, 0}, random, o);
    check_max_pool({nullptr, nullptr, nullptr, 40, 25, 25, 12, 12, 2, 2, 2, 2, 1, 1, 0, 0}, random, o);
    check_max_pool({nullptr, nullptr, nullptr, 2, 7, 5, 4, 3, 3, 3, 2, 2, 1, 1, 1, 1}, random, o);
    check_max_pool({nullptr, nullptr, nullptr, 5, 9, 8, 5, 4, 3, 2, 1, 2, 2, 1, 0, 0}, random, o);
}
