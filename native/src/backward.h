/*
 * What training does with rows, sequences and heads, there and back. Gradients are added to what is there; sums have one order, whatever
 * the number of threads.
 */
#pragma once

#include "gather.h"
#include "loss.h"

namespace GATUN_NAMESPACE {

template <int ACTIVATION>
static inline vf derivative(vf x) {
    switch (ACTIVATION) {
    case GATUN_RELU: return x > 0 ? set(1) : vf{};
    case GATUN_GELU_ERF: return 0.5f + 0.5f * erf(x * 0.70710678118654752f) + x * 0.39894228040143268f * exp(-0.5f * x * x);
    case GATUN_GELU_TANH: {
        vf s = sigmoid(1.5957691216057308f * (x + 0.044715f * x * x * x));
        return s + x * s * (1.0f - s) * 1.5957691216057308f * (1.0f + 0.134145f * x * x);
    }
    case GATUN_SILU: { vf s = sigmoid(x); return s + x * s * (1.0f - s); }
    case GATUN_RELU6: return (x > 0) & (x < 6) ? set(1) : vf{};
    case GATUN_HARDSWISH: return x <= -3 ? vf{} : x >= 3 ? set(1) : x * (1.0f / 3.0f) + 0.5f;
    case GATUN_TANH: { vf t = tanh(x); return 1.0f - t * t; }
    case GATUN_SIGMOID: { vf s = sigmoid(x); return s * (1.0f - s); }
    case GATUN_RELU2: return 2.0f * max(vf{}, x);
    case GATUN_QUICK_GELU: { vf s = sigmoid(1.702f * x); return s + 1.702f * x * s * (1.0f - s); }
    case GATUN_MISH: {
        vf n = exp(x > 20.0f ? set(20) : x), m = n * (n + 2.0f), t = m / (m + 2.0f);
        return t + x * (1.0f - t * t) * sigmoid(x);
    }
    default: return set(1);
    }
}

static void activation_backward(const float *x, const float *dy, float *dx, int64_t count, int32_t activation) {
    with_activation(activation, [&](auto f) {
        each_range(count, [&](int64_t first, int64_t last) {
            for (int64_t i = first; i < last; i += W) {
                vf v = take(x + i, last - i), d = take(dy + i, last - i);
                /* Where the slope is 0 an infinite gradient is 0, as PyTorch's ReLU has it. */
                if (f() == GATUN_RELU) add_lanes(dx + i, v > 0 ? d : vf{}, last - i);
                else add_lanes(dx + i, d * derivative<f()>(v), last - i);
            }
        });
    });
}

static void add_columns(const float *x, int64_t rows, int64_t cols, float *to) {
    int64_t blocks = (cols + W - 1) / W;
    parallel_for(blocks, rows * cols >= PARALLEL_ELEMENTS, [&](int64_t b, int64_t) {
        vf s{};
        for (int64_t i = 0; i < rows; i++) s += take(x + i * cols + b * W, cols - b * W);
        add_lanes(to + b * W, s, cols - b * W);
    });
}

static void transpose_matrix(const float *from, int64_t m, int64_t n, float *to) {
    int64_t blocks = (n + W - 1) / W;
    parallel_for(blocks, m * n >= PARALLEL_ELEMENTS, [&](int64_t b, int64_t) {
        int64_t columns = n - b * W < W ? n - b * W : W;
        for (int64_t i = 0; i < m; i += W) {
            vf block[W];
            for (int64_t r = 0; r < W; r++) block[r] = i + r < m ? take(from + (i + r) * n + b * W, columns) : vf{};
            transpose(block);
            for (int64_t c = 0; c < columns; c++) give(to + (b * W + c) * m + i, block[c], m - i);
        }
    });
}

/* With g = dy gamma and x' the normalized row: dx = (g - mean(g) - x' mean(g x')) / deviation. */
static void norm_backward(const gatun_norm_backward_args *args) {
    const gatun_norm_backward_args &a = *args;
    int64_t n = a.cols;
    each_row(a.rows, n, [&](int64_t i) {
        const float *x = a.x + i * n, *dy = a.dy + i * n;
        float mean = a.rms ? 0 : mean_of(x, n);
        vf squares{}, sums{}, products{};
        for (int64_t j = 0; j < n; j += W) {
            vf d = take(x + j, n - j) - mean, g = take(dy + j, n - j) * take(a.gamma + j, n - j);
            d = n - j < W ? join_lanes(d, vf{}, n - j) : d;
            squares += d * d, sums += g, products += g * d;
        }
        float inverse = 1.0f / std::sqrt(sum(squares) / n + a.eps);
        a.scratch[2 * i] = mean, a.scratch[2 * i + 1] = inverse;
        float level = a.rms ? 0 : sum(sums) / n, slope = sum(products) * inverse * inverse / n;
        for (int64_t j = 0; a.dx && j < n; j += W) {
            vf g = take(dy + j, n - j) * take(a.gamma + j, n - j);
            add_lanes(a.dx + i * n + j, (g - level - (take(x + j, n - j) - mean) * slope) * inverse, n - j);
        }
    });
    parallel_for((n + W - 1) / W, a.rows * n >= PARALLEL_ELEMENTS, [&](int64_t b, int64_t) {
        vf gamma{}, beta{};
        for (int64_t i = 0; i < a.rows; i++) {
            vf d = take(a.dy + i * n + b * W, n - b * W);
            gamma += d * (take(a.x + i * n + b * W, n - b * W) - a.scratch[2 * i]) * a.scratch[2 * i + 1];
            beta += d;
        }
        add_lanes(a.dgamma + b * W, gamma, n - b * W);
        if (a.dbeta) add_lanes(a.dbeta + b * W, beta, n - b * W);
    });
}

/* body(first of a row) for rows whose elements are inner apart. */
template <typename Body>
static void each_strided(int64_t outer, int64_t length, int64_t inner, const Body &body) {
    parallel_for(outer * inner, outer * length * inner >= PARALLEL_ELEMENTS, [&](int64_t i, int64_t) {
        body(i / inner * length * inner + i % inner);
    });
}

static void softmax(const float *x, float *y, float *shares, int64_t outer, int64_t length, int64_t inner, int32_t log) {
    each_strided(outer, length, inner, [&](int64_t first) {
        float largest = -INFINITY;
        double total = 0;
        for (int64_t i = 0; i < length; i++) largest = x[first + i * inner] <= largest ? largest : x[first + i * inner];
        for (int64_t i = 0; i < length; i++) total += shares[first + i * inner] = std::exp(x[first + i * inner] - largest);
        float inverse = (float)(1 / total), whole = largest + (float)std::log(total);
        for (int64_t i = first; i < first + length * inner; i += inner) {
            shares[i] *= inverse;
            y[i] = log ? x[i] - whole : shares[i];
        }
    });
}

/* dx = p (dy - sum(p dy)); of the logarithm dy - p sum(dy). */
static void softmax_backward(const float *shares, const float *dy, float *dx, int64_t outer, int64_t length, int64_t inner, int32_t log) {
    each_strided(outer, length, inner, [&](int64_t first) {
        double total = 0;
        for (int64_t i = first; i < first + length * inner; i += inner) total += (double)dy[i] * (log ? 1 : shares[i]);
        for (int64_t i = first; i < first + length * inner; i += inner)
            dx[i] += (float)(log ? dy[i] - shares[i] * total : shares[i] * (dy[i] - total));
    });
}

/* f(first, count) for the planes of a channel. */
template <typename F>
static inline void each_plane(const gatun_batch_norm_args &a, int64_t channel, const F &f) {
    for (int64_t n = 0; n < a.batch; n++) f((n * a.channels + channel) * a.plane);
}

static void batch_norm(const gatun_batch_norm_args *args) {
    const gatun_batch_norm_args &a = *args;
    const double count = (double)a.batch * a.plane;
    parallel_for(a.channels, count * a.channels >= PARALLEL_ELEMENTS, [&](int64_t c, int64_t) {
        double mean = a.mean[c], variance = a.variance[c];
        if (a.training) {
            double sums = 0, squares = 0;
            each_plane(a, c, [&](int64_t from) { sums += add_up(a.plane, [&](int64_t i) { return (double)a.x[from + i]; }); });
            mean = sums / count;
            each_plane(a, c, [&](int64_t from) {
                squares += add_up(a.plane, [&](int64_t i) { return (a.x[from + i] - mean) * (a.x[from + i] - mean); });
            });
            variance = squares / count;
            a.mean[c] = (float)((1 - a.momentum) * a.mean[c] + a.momentum * mean);
            a.variance[c] = (float)((1 - a.momentum) * a.variance[c] + a.momentum * squares / (count > 1 ? count - 1 : 1));
        }
        float inverse = (float)(1 / std::sqrt(variance + a.eps)), factor = inverse * a.scale[c], shift = a.shift[c] - (float)mean * factor;
        a.kept[2 * c] = (float)mean, a.kept[2 * c + 1] = inverse;
        each_plane(a, c, [&](int64_t from) {
            for (int64_t i = from; i < from + a.plane; i++) a.y[i] = a.x[i] * factor + shift;
        });
    });
}

static void batch_norm_backward(const gatun_batch_norm_args *args) {
    const gatun_batch_norm_args &a = *args;
    const double count = (double)a.batch * a.plane;
    parallel_for(a.channels, count * a.channels >= PARALLEL_ELEMENTS, [&](int64_t c, int64_t) {
        const float mean = a.kept[2 * c], inverse = a.kept[2 * c + 1];
        double sums = 0, products = 0;
        each_plane(a, c, [&](int64_t from) {
            sums += add_up(a.plane, [&](int64_t i) { return (double)a.dy[from + i]; });
            products += add_up(a.plane, [&](int64_t i) { return (double)a.dy[from + i] * (a.x[from + i] - mean); });
        });
        products *= inverse;
        a.dshift[c] += (float)sums, a.dscale[c] += (float)products;
        const float factor = a.scale[c] * inverse, level = (float)(sums / count), slope = (float)(products / count) * inverse;
        if (!a.dx) return;
        each_plane(a, c, [&](int64_t from) {
            for (int64_t i = from; i < from + a.plane; i++) a.dx[i] += factor * (a.dy[i] - level - (a.x[i] - mean) * slope);
        });
    });
}

/* The row of a sequence at a step, or -1 if it has ended. */
static inline int64_t row_of_step(const gatun_cell_args &a, int64_t s) {
    int64_t first = a.offsets[s], end = a.offsets[s + 1];
    return first + a.step >= end ? -1 : a.reverse ? end - 1 - a.step : first + a.step;
}

/* body(sequence, row, unit, lanes) for what has not ended. */
template <typename Body>
static void each_unit(const gatun_cell_args &a, int64_t units, const Body &body) {
    parallel_for(a.num_seqs, a.num_seqs * a.hidden >= PARALLEL_ELEMENTS / 4, [&](int64_t s, int64_t) {
        int64_t row = row_of_step(a, s);
        for (int64_t u = 0; row >= 0 && u < units; u += W) body(s, row, u, units - u < W ? units - u : W);
    });
}

template <int32_t CELL>
static void cell_forward(const gatun_cell_args &a, int64_t gates) {
    const bool projected = CELL == GATUN_CELL_LSTM && a.middle;
    if (projected)
        each_unit(a, a.width, [&](int64_t s, int64_t row, int64_t u, int64_t n) {
            give(a.before + row * a.width + u, take(a.states + s * a.width + u, n), n);
        });
    each_unit(a, a.hidden, [&](int64_t s, int64_t row, int64_t u, int64_t n) {
        float *x = a.gates + row * gates * a.hidden + u, *h = a.states + s * a.hidden + u, *c = a.cells + s * a.hidden + u;
        const float *p = a.products + s * gates * a.hidden + u;
        const int64_t at = row * a.hidden + u;
        auto gate = [&](int64_t j) { return take(x + j * a.hidden, n) + take(p + j * a.hidden, n); };
        auto to_product = [&](vf v) { give(a.middle + s * a.hidden + u, v, n), give(a.middle_rows + at, v, n); };
        vf before{}, next{};
        if (!projected) before = take(h, n), give(a.before + at, before, n);
        if (CELL == GATUN_CELL_LSTM) {
            vf in = sigmoid(gate(0)), forget = sigmoid(gate(1)), fresh = tanh(gate(2)), out = sigmoid(gate(3)), old = take(c, n);
            vf cell = forget * old + in * fresh, shown = tanh(cell);
            give(x, in, n), give(x + a.hidden, forget, n), give(x + 2 * a.hidden, fresh, n), give(x + 3 * a.hidden, out, n);
            give(a.cell_before + at, old, n), give(a.own + at, shown, n), give(c, cell, n);
            next = out * shown;
            if (projected) return to_product(next);
        } else if (CELL == GATUN_CELL_GRU_RESET_FIRST) {
            vf reset = sigmoid(gate(0));
            give(x, reset, n), give(x + a.hidden, sigmoid(gate(1)), n);
            return to_product(reset * before);
        } else if (CELL == GATUN_CELL_GRU) {
            vf reset = sigmoid(gate(0)), update = sigmoid(gate(1)), product = take(p + 2 * a.hidden, n);
            vf fresh = tanh(take(x + 2 * a.hidden, n) + reset * product);
            give(x, reset, n), give(x + a.hidden, update, n), give(x + 2 * a.hidden, fresh, n), give(a.own + at, product, n);
            next = (1.0f - update) * fresh + update * before;
        } else {
            next = CELL == GATUN_CELL_TANH ? tanh(gate(0)) : max(vf{}, gate(0));
            give(x, next, n);
        }
        give(h, next, n), give(a.y + row * a.y_stride + u, next, n);
    });
}

/* Of a projected LSTM the state, of a GRU that resets first what the reset states make of it. */
static void cell_forward_second(const gatun_cell_args &a) {
    each_unit(a, a.width, [&](int64_t s, int64_t row, int64_t u, int64_t n) {
        vf next = take(a.second + s * a.width + u, n);
        if (a.cell == GATUN_CELL_GRU_RESET_FIRST) {
            float *x = a.gates + row * 3 * a.hidden + u;
            vf update = take(x + a.hidden, n), fresh = tanh(take(x + 2 * a.hidden, n) + next);
            give(x + 2 * a.hidden, fresh, n);
            next = (1.0f - update) * fresh + update * take(a.before + row * a.hidden + u, n);
        }
        give(a.states + s * a.width + u, next, n), give(a.y + row * a.y_stride + u, next, n);
    });
}

/* The gradient of what came from a second product; of a GRU that resets first also the update gate's. */
static void cell_back_first(const gatun_cell_args &a) {
    each_unit(a, a.width, [&](int64_t s, int64_t row, int64_t u, int64_t n) {
        vf d = take(a.states + s * a.width + u, n) + take(a.dy + row * a.y_stride + u, n), rest{};
        if (a.cell == GATUN_CELL_GRU_RESET_FIRST) {
            const int64_t gate = row * 3 * a.hidden + a.hidden + u;
            vf update = take(a.gates + gate, n), fresh = take(a.gates + gate + a.hidden, n);
            vf before = take(a.before + row * a.hidden + u, n);
            vf kept_more = d * (before - fresh) * update * (1.0f - update);
            rest = d * update, d = d * (1.0f - update) * (1.0f - fresh * fresh);
            give(a.d_input + gate, kept_more, n), give(a.d_state + gate, kept_more, n);
            give(a.d_step + s * 3 * a.hidden + a.hidden + u, kept_more, n), give(a.d_input + gate + a.hidden, d, n);
        }
        give(a.second + s * a.width + u, d, n), give(a.d_second + row * a.width + u, d, n);
        give(a.states + s * a.width + u, rest, n);
    });
}

/* What went through the reset gate. */
static void cell_back_reset(const gatun_cell_args &a) {
    each_unit(a, a.hidden, [&](int64_t s, int64_t row, int64_t u, int64_t n) {
        const int64_t gate = row * 3 * a.hidden + u;
        vf reset = take(a.gates + gate, n), d = take(a.middle + s * a.hidden + u, n);
        vf own = d * take(a.before + row * a.hidden + u, n) * reset * (1.0f - reset);
        give(a.d_input + gate, own, n), give(a.d_state + gate, own, n), give(a.d_step + s * 3 * a.hidden + u, own, n);
        add_lanes(a.states + s * a.hidden + u, d * reset, n);
    });
}

template <int32_t CELL>
static void cell_back(const gatun_cell_args &a, int64_t gates) {
    const bool projected = CELL == GATUN_CELL_LSTM && a.middle;
    each_unit(a, a.hidden, [&](int64_t s, int64_t row, int64_t u, int64_t n) {
        const float *x = a.gates + row * gates * a.hidden + u;
        float *h = a.states + s * a.hidden + u, *c = a.cells + s * a.hidden + u;
        const int64_t at = row * a.hidden + u;
        auto kept = [&](int64_t j) { return take(x + j * a.hidden, n); };
        auto put = [&](int64_t j, vf input, vf state) {
            give(a.d_input + (row * gates + j) * a.hidden + u, input, n);
            give(a.d_state + (row * gates + j) * a.hidden + u, state, n);
            give(a.d_step + (s * gates + j) * a.hidden + u, state, n);
        };
        vf first = kept(0), rest{};
        vf dh = projected ? take(a.middle + s * a.hidden + u, n) : take(h, n) + take(a.dy + row * a.y_stride + u, n);
        if (CELL == GATUN_CELL_LSTM) {
            vf forget = kept(1), fresh = kept(2), out = kept(3), shown = take(a.own + at, n);
            vf dc = take(c, n) + dh * out * (1.0f - shown * shown);
            vf d[] = {dc * fresh * first * (1.0f - first), dc * take(a.cell_before + at, n) * forget * (1.0f - forget),
                      dc * first * (1.0f - fresh * fresh), dh * shown * out * (1.0f - out)};
            for (int64_t j = 0; j < 4; j++) put(j, d[j], d[j]);
            give(c, dc * forget, n);
        } else if (CELL == GATUN_CELL_GRU) {
            vf update = kept(1), fresh = kept(2), d = dh * (1.0f - update) * (1.0f - fresh * fresh);
            vf reset = d * take(a.own + at, n) * first * (1.0f - first);
            vf kept_more = dh * (take(a.before + at, n) - fresh) * update * (1.0f - update);
            put(0, reset, reset), put(1, kept_more, kept_more), put(2, d, d * first);
            rest = dh * update;
        } else {
            vf d = CELL == GATUN_CELL_TANH ? dh * (1.0f - first * first) : first > 0 ? dh : vf{};
            put(0, d, d);
        }
        if (!projected) give(h, rest, n);
    });
}

/* What went through the product comes to what remained, of sequences under way. */
static void cell_rest(const gatun_cell_args &a) {
    each_unit(a, a.width, [&](int64_t s, int64_t, int64_t u, int64_t n) {
        add_lanes(a.states + s * a.width + u, take(a.d_states + s * a.width + u, n), n);
    });
}

static void cell(const gatun_cell_args *args, int32_t way) {
    const gatun_cell_args &a = *args;
    if (way == GATUN_CELL_REST) return cell_rest(a);
    if (way == GATUN_CELL_FORWARD_SECOND) return cell_forward_second(a);
    if (way == GATUN_CELL_BACK && a.middle) return cell_back_first(a);
    bool back = way != GATUN_CELL_FORWARD;
    switch (a.cell) {
    case GATUN_CELL_TANH: return back ? cell_back<GATUN_CELL_TANH>(a, 1) : cell_forward<GATUN_CELL_TANH>(a, 1);
    case GATUN_CELL_RELU: return back ? cell_back<GATUN_CELL_RELU>(a, 1) : cell_forward<GATUN_CELL_RELU>(a, 1);
    case GATUN_CELL_LSTM: return back ? cell_back<GATUN_CELL_LSTM>(a, 4) : cell_forward<GATUN_CELL_LSTM>(a, 4);
    case GATUN_CELL_GRU_RESET_FIRST: return back ? cell_back_reset(a) : cell_forward<GATUN_CELL_GRU_RESET_FIRST>(a, 3);
    default: return back ? cell_back<GATUN_CELL_GRU>(a, 3) : cell_forward<GATUN_CELL_GRU>(a, 3);
    }
}

static inline int64_t distance_column(const gatun_trained_attention_args &a, int64_t distance) {
    return a.reach + (distance < -a.reach ? -a.reach : distance > a.reach ? a.reach : distance);
}

/* One query of a head: shares of keys first .. last. False if it sees none. */
static bool attention_shares(const gatun_trained_attention_args &a, int64_t s, int64_t h, int64_t i, int64_t first, int64_t last,
                             float *shares) {
    const int64_t d = a.head_dim, kv = h * a.kv_heads / a.heads, query = i - a.query_offsets[s];
    const float *q = a.q + i * a.q_stride + h * d;
    const float *mask = a.mask ? a.mask + s * a.mask_seq_stride + h * a.mask_head_stride + query * a.mask_row_stride : nullptr;
    /* The last query stands at the last key. */
    const int64_t at = a.key_offsets[s + 1] - a.query_offsets[s + 1] + i;
    const float *distances = a.distances ? a.distances + h * a.distance_head_stride : nullptr;
    float largest = -INFINITY;
    for (int64_t j = first; j < last; j++) {
        bool hidden = (a.causal && j > at) || (a.window && (j - at >= a.window || at - j >= a.window)) || (a.padding && a.padding[j]);
        float score = hidden ? -INFINITY : a.scale * dot(q, a.k + j * a.k_stride + kv * d, d);
        if (!hidden && a.softcap != 0) score = a.softcap * std::tanh(score / a.softcap);
        if (!hidden && distances) score += distances[distance_column(a, j - at)];
        if (!hidden && mask) score += mask[j - first];
        shares[j - first] = score;
        largest = score <= largest ? largest : score;
    }
    if (largest == -INFINITY) return false;
    vf total{};
    for (int64_t j = 0; j < last - first; j += W) {
        vf e = exp(take(shares + j, last - first - j) - largest);
        if (last - first - j < W) e = join_lanes(e, vf{}, last - first - j);
        total += e;
        give(shares + j, e, last - first - j);
    }
    float inverse = 1 / sum(total);
    for (int64_t j = 0; j < last - first; j++) shares[j] *= inverse;
    return true;
}

static void attention_back(const gatun_trained_attention_args &a, int64_t h, int64_t i, int64_t at, int64_t first, int64_t last,
                           const float *shares, float *slopes) {
    const int64_t d = a.head_dim, kv = h * a.kv_heads / a.heads;
    float *distances = a.d_distances ? a.d_distances + h * a.distance_head_stride : nullptr;
    const float *q = a.q + i * a.q_stride + h * d, *dy = a.dy + (i * a.heads + h) * d;
    double mean = 0;
    for (int64_t j = first; j < last; j++) {
        slopes[j - first] = dot(dy, a.v + j * a.v_stride + kv * d, d);
        mean += (double)shares[j - first] * slopes[j - first];
    }
    for (int64_t j = first; j < last; j++) {
        float share = shares[j - first], ds = share * (slopes[j - first] - (float)mean);
        if (distances) distances[distance_column(a, j - at)] += ds;
        if (a.softcap != 0) {
            float capped = std::tanh(a.scale * dot(q, a.k + j * a.k_stride + kv * d, d) / a.softcap);
            ds *= 1 - capped * capped;
        }
        ds *= a.scale;
        if (a.dv) add_row_scaled(a.dv + j * a.v_stride + kv * d, share, dy, d);
        if (a.dq) add_row_scaled(a.dq + i * a.q_stride + h * d, ds, a.k + j * a.k_stride + kv * d, d);
        if (a.dk) add_row_scaled(a.dk + j * a.k_stride + kv * d, ds, q, d);
    }
}

/* A task is a head of keys and values of a sequence, and the heads of queries that share it; where distances learn, all that meet there. */
static void trained_attention(const gatun_trained_attention_args *args, int32_t backward) {
    const gatun_trained_attention_args &a = *args;
    const int64_t together = a.heads / a.kv_heads;
    const int64_t all = a.num_seqs * a.kv_heads, meeting = a.distance_head_stride ? a.kv_heads : 1;
    const int64_t tasks = backward && a.d_distances && meeting < all ? meeting : all;
    auto one = [&](int64_t task, int64_t thread) {
        const int64_t s = task / a.kv_heads, first = a.key_offsets[s], last = a.key_offsets[s + 1];
        float *shares = a.scratch + thread * 2 * a.max_keys, *slopes = shares + a.max_keys;
        for (int64_t h = task % a.kv_heads * together; h < (task % a.kv_heads + 1) * together; h++)
            for (int64_t i = a.query_offsets[s]; i < a.query_offsets[s + 1]; i++) {
                if (!attention_shares(a, s, h, i, first, last, shares)) continue;
                if (backward) attention_back(a, h, i, a.key_offsets[s + 1] - a.query_offsets[s + 1] + i, first, last, shares, slopes);
                else
                    for (int64_t j = first; j < last; j++)
                        if (shares[j - first] != 0)
                            add_row_scaled(a.y + (i * a.heads + h) * a.head_dim, shares[j - first],
                                           a.v + j * a.v_stride + h * a.kv_heads / a.heads * a.head_dim, a.head_dim);
            }
    };
    parallel_for(tasks, true, [&](int64_t first, int64_t thread) {
        for (int64_t task = first; task < all; task += tasks) one(task, thread);
    });
}

static const gatun_training training = {add_to, binary, binary_backward, multiply_by, scale_all, squares, dropout, sgd, adamw, max_pool,
    max_pool_backward, average_pool, activation_backward, add_columns, transpose_matrix, norm_backward, softmax, softmax_backward,
    batch_norm, batch_norm_backward, cell, trained_attention, table_rows, repeat, cross_entropy,
    squared_error, pool_backward, unit_rows};

} // namespace
