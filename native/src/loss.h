/* What training makes small, and its gradient. Sums have one order, whatever the number of threads. */
#pragma once

#include <cstring>

#include "train.h"

namespace GATUN_NAMESPACE {

/* Parts that sums are made of. */
constexpr int64_t LOSS_PARTS = 64;

/* f(first, last) for parts of 0 .. count, added in order. */
template <typename F>
static double add_parts(int64_t count, bool many, const F &f) {
    double sums[LOSS_PARTS] = {}, sum = 0;
    parallel_for(LOSS_PARTS, many, [&](int64_t i, int64_t) { sums[i] = f(count * i / LOSS_PARTS, count * (i + 1) / LOSS_PARTS); });
    for (double each : sums) sum += each;
    return sum;
}

/* What rows have in common; see gatun.h. */
struct cross_entropy_goal {
    const float *weights;
    double smoothing, scale, weight_sum;
};

/* With p = softmax(x): the gradient is p sum(a) - a. In double: what is nearly right has small gradients, differences of like numbers. */
static double cross_entropy_row(const cross_entropy_goal &a, const float *x, int64_t label, float *g, int64_t n) {
    float largest = -INFINITY;
    auto weight = [&](int64_t k) { return a.weights ? (double)a.weights[k] : 1; };
    for (int64_t k = 0; k < n; k++) largest = x[k] <= largest ? largest : x[k]; /* a NaN wins */
    const double total = add_up(n, [&](int64_t k) { return std::exp((double)x[k] - largest); }), whole = (double)largest + std::log(total);
    const double spread = a.smoothing / (double)n, own = (1 - a.smoothing) * weight(label), share = spread * a.weight_sum + own;
    double loss = own == 0 ? 0 : own * (whole - x[label]);
    if (spread != 0) loss += add_up(n, [&](int64_t k) { return weight(k) == 0 ? 0 : spread * weight(k) * (whole - x[k]); });
    for (int64_t k = 0; k < n; k++)
        g[k] = (float)((std::exp(x[k] - whole) * share - spread * weight(k) - (k == label ? own : 0)) * a.scale);
    return loss * a.scale;
}

static double cross_entropy(const float *x, const int32_t *labels, const float *weights, float *gradient, int64_t rows, int64_t classes,
                            double smoothing, double scale, int32_t ignored) {
    double sum = weights ? add_up(classes, [&](int64_t k) { return (double)weights[k]; }) : (double)classes;
    cross_entropy_goal goal{weights, smoothing, scale, sum};
    return add_parts(rows, rows * classes >= PARALLEL_ELEMENTS, [&](int64_t first, int64_t last) {
        double sum = 0;
        for (int64_t i = first; i < last; i++) {
            /* Read once: labels were checked, but whoever owns them may change them meanwhile. */
            const int32_t label = ((const volatile int32_t *)labels)[i];
            if (label >= 0 && label < classes && label != ignored)
                sum += cross_entropy_row(goal, x + i * classes, label, gradient + i * classes, classes);
            else {
                std::memset(gradient + i * classes, 0, classes * sizeof(float));
                if (label != ignored) sum = NAN;
            }
        }
        return sum;
    });
}

static double squared_error(const float *x, const float *target, float *gradient, int64_t count, double scale) {
    return scale * add_parts(count, count >= PARALLEL_ELEMENTS, [&](int64_t first, int64_t last) {
        double sum = 0;
        for (int64_t i = first; i < last; i++) {
            double difference = (double)x[i] - target[i];
            sum += difference * difference, gradient[i] = (float)(2 * difference * scale);
        }
        return sum;
    });
}

} // namespace
