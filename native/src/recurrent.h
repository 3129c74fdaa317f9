/*
 * One direction of one recurrent layer over sequences of unequal length. The input's products are there already; a step is the product of
 * the previous states and what the cell makes of it. A thread has units of its own in every step: their part of the weights stays in its
 * cache, and the cell follows its product without waiting; or sequences of its own, where there are many of one length and few weights:
 * then no thread waits for another before the end. Sequences are in order of length, so that those under way are the first rows.
 */
#pragma once

#include "narrow.h"

namespace GATUN_NAMESPACE {

/* Fewer multiply-adds a step than this, and the threads would wait for each other longer than they compute. */
constexpr int64_t PARALLEL_STEP = 1 << 16;

/* Threads have sequences of their own from so many for each, up to so many weights, which each of them reads in every step. */
constexpr int64_t OWN_SEQUENCES = 12, SHARED_WEIGHTS = 3 << 17;

static inline int64_t recurrent_gates(int32_t cell) {
    return cell == GATUN_CELL_LSTM ? 4 : cell == GATUN_CELL_GRU || cell == GATUN_CELL_GRU_RESET_FIRST ? 3 : 1;
}

/*
 * Both to 4e-7 in absolute terms, which is what a gate is worth, at half the work of rows.h's: tanh as a quotient of polynomials, clamped
 * where it is 1 (Eigen's coefficients). NaN stays.
 */
static inline vf gate_tanh(vf x) {
    vf v = x > 7.90531110763549805f ? set(7.90531110763549805f) : x;
    v = v < -7.90531110763549805f ? set(-7.90531110763549805f) : v;
    vf z = v * v, p = set(-2.76076847742355e-16f), q = set(1.19825839466702e-06f);
    p = p * z + 2.00018790482477e-13f;
    p = p * z - 8.60467152213735e-11f;
    p = p * z + 5.12229709037114e-08f;
    p = p * z + 1.48572235717979e-05f;
    p = p * z + 6.37261928875436e-04f;
    p = p * z + 4.89352455891786e-03f;
    q = q * z + 1.18534705686654e-04f;
    q = q * z + 2.26843463243900e-03f;
    q = q * z + 4.89352518554385e-03f;
    return v * p / q;
}

static inline vf gate_sigmoid(vf x) { return gate_tanh(x * 0.5f) * 0.5f + 0.5f; }

/* Panels of a single row's product that are read side by side: one alone would wait for its own sums. */
constexpr int64_t SIDE_BY_SIDE = 8 / TILE_VECTORS;

/* Columns of panels first .. first + COUNT for one row, in the order of gemm's sums. */
template <int64_t COUNT>
static void row_of_panels(const float *a, const float *b, int64_t k, float *c) {
    vf total[COUNT][TILE_VECTORS] = {};
    for (int64_t from = 0; from < k; from += BLOCK_DEPTH) {
        int64_t to = k - from < BLOCK_DEPTH ? k : from + BLOCK_DEPTH;
        vf acc[COUNT][TILE_VECTORS] = {};
#pragma GCC unroll 1
        for (int64_t p = from; p < to; p++) {
            vf x = set(a[p]);
#pragma GCC unroll 8
            for (int64_t panel = 0; panel < COUNT; panel++)
#pragma GCC unroll 4
                for (int64_t j = 0; j < TILE_VECTORS; j++) acc[panel][j] += x * load(b + (panel * k + p) * TILE_COLS + j * W);
        }
#pragma GCC unroll 8
        for (int64_t panel = 0; panel < COUNT; panel++)
#pragma GCC unroll 4
            for (int64_t j = 0; j < TILE_VECTORS; j++) total[panel][j] += acc[panel][j];
    }
#pragma GCC unroll 8
    for (int64_t panel = 0; panel < COUNT; panel++)
#pragma GCC unroll 4
        for (int64_t j = 0; j < TILE_VECTORS; j++) store(c + panel * TILE_COLS + j * W, total[panel][j]);
}

static inline int64_t padded_units(int64_t n) { return (n + TILE_COLS - 1) / TILE_COLS * TILE_COLS; }

struct recurrent_layer {
    const gatun_recurrent_args &a;
    int64_t gates, hidden, units, width, rows; /* units: hidden, padded; width: columns of the state */
    int64_t state_stride, steps;
    bool two_phases;
    float *state[2], *cells, *products, *middle, *second;
    int32_t *order;
    char *numbers; /* states in whole numbers, where weights are bytes */

    explicit recurrent_layer(const gatun_recurrent_args &args) : a(args) {
        gates = recurrent_gates(a.cell);
        hidden = a.hidden;
        units = padded_units(hidden);
        width = a.projected ? a.projected : hidden;
        rows = a.num_seqs;
        state_stride = padded_units(width);
        two_phases = a.projected || a.cell == GATUN_CELL_GRU_RESET_FIRST;
        float *next = (float *)a.scratch;
        auto take = [&](int64_t floats) { float *from = next; next += (floats + 15) / 16 * 16; return from; };
        state[0] = take(rows * state_stride);
        state[1] = take(rows * state_stride);
        cells = take(rows * units);
        products = take(rows * gates * units);
        middle = take(rows * units);
        second = take(rows * units);
        order = (int32_t *)take(rows);
        numbers = (char *)take(number_floats());
    }

    int64_t number_floats() const {
        return a.type == GATUN_INT8 ? gatun_int8_rows(rows, hidden > width ? hidden : width, int8_depth()).size / 4 + 1 : 0;
    }

    int64_t floats() const { return 2 * rows * state_stride + rows * units * (gates + 3) + rows + number_floats() + 8 * 16; }

    int64_t length(int64_t i) const { return a.offsets[order[i] + 1] - a.offsets[order[i]]; }

    int64_t row(int64_t i, int64_t step) const {
        int64_t first = a.offsets[order[i]];
        return a.reverse ? first + length(i) - 1 - step : first + step;
    }

    static void copy(float *to, const float *from, int64_t n) {
        if (from) std::memcpy(to, from, n * sizeof(float));
        else std::memset(to, 0, n * sizeof(float));
    }

    /* Sorts, the longest first, and takes the first states, over which the last may be written. */
    void begin() {
        for (int64_t i = a.offsets[rows]; i < a.max_rows; i++) copy(a.out + i * a.out_stride, nullptr, width);
        if (a.hn) copy(a.hn + rows * width, nullptr, (a.max_seqs - rows) * width);
        if (a.cn) copy(a.cn + rows * hidden, nullptr, (a.max_seqs - rows) * hidden);
        for (int64_t i = 0; i < rows; i++) {
            int32_t seq = (int32_t)i;
            int64_t at = i, own = a.offsets[i + 1] - a.offsets[i];
            while (at > 0 && length(at - 1) < own) { order[at] = order[at - 1]; at--; }
            order[at] = seq;
        }
        steps = rows ? length(0) : 0;
        for (int64_t i = 0; i < rows; i++) {
            copy(state[0] + i * state_stride, a.h0 ? a.h0 + order[i] * width : nullptr, width);
            if (a.cell == GATUN_CELL_LSTM) {
                copy(cells + i * units, a.c0 ? a.c0 + order[i] * hidden : nullptr, hidden);
                std::memset(cells + i * units + hidden, 0, (units - hidden) * sizeof(float));
            }
            if (length(i)) continue;
            if (a.hn) std::memcpy(a.hn + order[i] * width, state[0] + i * state_stride, width * sizeof(float));
            if (a.cn) std::memcpy(a.cn + order[i] * hidden, cells + i * units, hidden * sizeof(float));
        }
    }

    /* A product with rows of states. */
    gatun_narrow_args narrow_product(const float *from, int64_t stride, int64_t k) const {
        return {from, nullptr, nullptr, nullptr, nullptr, numbers, stride, 0, 0, rows, 0, k, GATUN_NONE, a.type};
    }

    /*
     * Whether threads have sequences of their own, of like lengths so that none is done long before the others. Two products of a step have
     * whole numbers of two lengths in one place: there threads go step by step together.
     */
    bool apart(int64_t threads) const {
        return threads > 1 && rows >= threads * OWN_SEQUENCES && width * gates * units <= SHARED_WEIGHTS
            && length(rows - 1) * 10 >= length(0) * 9 && !(two_phases && a.type == GATUN_INT8);
    }

    /* Where weights are bytes, rows of states become whole numbers before a product, a share of them by each thread. */
    void round(const float *from, int64_t stride, int64_t k, int64_t row, int64_t active, int64_t thread, int64_t threads) const {
        if (a.type != GATUN_INT8) return;
        gatun_narrow_args g = narrow_product(from, stride, k);
        with_weights(a.type, [&](auto weights) {
            round_rows<decltype(weights)>(&g, row + (active - row) * thread / threads, row + (active - row) * (thread + 1) / threads);
        });
        if (threads > 1) barrier();
    }

    void product(const float *from, int64_t stride, const float *weights, int64_t k, int64_t n, float *to, int64_t to_stride, int64_t row,
                 int64_t active, int64_t first, int64_t last) const {
        if (first >= last) return;
        if (a.type) {
            gatun_narrow_args g = narrow_product(from, stride, k);
            g.b = weights, g.c = to, g.ldc = to_stride, g.n = n;
            return with_weights(a.type, [&](auto kind) {
                typedef decltype(kind) D;
                narrow_part<D>(task_of<D>(&g), row, active, first, last);
            });
        }
        if (active - row == 1)
            for (; last - first >= SIDE_BY_SIDE && (first + SIDE_BY_SIDE) * TILE_COLS <= n; first += SIDE_BY_SIDE)
                row_of_panels<SIDE_BY_SIDE>(from + row * stride, weights + first * TILE_COLS * k, k,
                                            to + row * to_stride + first * TILE_COLS);
        gemm_task t{from, weights, nullptr, nullptr, to, stride, to_stride, 0, n, k, GATUN_NONE, nullptr, nullptr};
        gemm_part(t, row, active, first, last);
    }

    static vf part(const float *from, int64_t n) { return n == W ? load(from) : load_n(from, n); }
    static void part(float *to, vf v, int64_t n) { n == W ? store(to, v) : store_n(to, v, n); }

    /* What becomes of units of a state: the next step's, the row's, and the last. */
    void put(int64_t i, int64_t step, float *next, int64_t unit, vf h, int64_t n) const {
        part(next + i * state_stride + unit, h, n);
        part(a.out + row(i, step) * a.out_stride + unit, h, n);
        if (a.hn && step == length(i) - 1) part(a.hn + order[i] * width + unit, h, n);
    }

    template <int32_t CELL>
    void cell(int64_t i, int64_t step, int64_t block, const float *previous, float *next) const {
        constexpr bool RESET_FIRST = CELL == GATUN_CELL_GRU_RESET_FIRST;
        const float *x = a.gates + row(i, step) * a.gates_stride + block * gates * TILE_COLS;
        float *g = products + i * gates * units + block * (RESET_FIRST ? 2 : gates) * TILE_COLS;
        bool last = step == length(i) - 1;
        for (int64_t u = 0; u < TILE_COLS && block * TILE_COLS + u < hidden; u += W) {
            int64_t unit = block * TILE_COLS + u, n = hidden - unit < W ? hidden - unit : W;
            auto gate = [&](int64_t j) { return load(x + j * TILE_COLS + u) + load(g + j * TILE_COLS + u); };
            if (CELL == GATUN_CELL_TANH) put(i, step, next, unit, gate_tanh(gate(0)), n);
            else if (CELL == GATUN_CELL_RELU) put(i, step, next, unit, max(vf{}, gate(0)), n);
            else if (CELL == GATUN_CELL_LSTM) {
                vf c = gate_sigmoid(gate(1)) * load(cells + i * units + unit) + gate_sigmoid(gate(0)) * gate_tanh(gate(2));
                store(cells + i * units + unit, c);
                if (a.cn && last) part(a.cn + order[i] * hidden + unit, c, n);
                vf h = gate_sigmoid(gate(3)) * gate_tanh(c);
                if (a.projected) store(middle + i * units + unit, h);
                else put(i, step, next, unit, h, n);
            } else if (CELL == GATUN_CELL_GRU) {
                vf z = gate_sigmoid(gate(1)), own = load(g + 2 * TILE_COLS + u) + (a.bias ? load(a.bias + unit) : vf{});
                vf candidate = gate_tanh(load(x + 2 * TILE_COLS + u) + gate_sigmoid(gate(0)) * own);
                put(i, step, next, unit, candidate + z * (part(previous + i * state_stride + unit, n) - candidate), n);
            } else {
                vf z = gate_sigmoid(gate(1));
                store(middle + i * units + unit, gate_sigmoid(gate(0)) * part(previous + i * state_stride + unit, n));
                store(g + TILE_COLS + u, z);
            }
        }
    }

    /* The candidate from the states that were reset, and the new state. */
    void finish_reset(int64_t i, int64_t step, int64_t block, const float *previous, float *next) const {
        const float *x = a.gates + row(i, step) * a.gates_stride + (block * gates + 2) * TILE_COLS;
        const float *z = products + i * gates * units + (block * 2 + 1) * TILE_COLS;
        for (int64_t u = 0; u < TILE_COLS && block * TILE_COLS + u < hidden; u += W) {
            int64_t unit = block * TILE_COLS + u, n = hidden - unit < W ? hidden - unit : W;
            vf candidate = gate_tanh(load(x + u) + load(second + i * units + unit));
            put(i, step, next, unit, candidate + load(z + u) * (part(previous + i * state_stride + unit, n) - candidate), n);
        }
    }

    void finish_projection(int64_t i, int64_t step, const float *next, int64_t from, int64_t to) const {
        const float *h = next + i * state_stride + from;
        std::memcpy(a.out + row(i, step) * a.out_stride + from, h, (to - from) * sizeof(float));
        if (a.hn && step == length(i) - 1) std::memcpy(a.hn + order[i] * width + from, h, (to - from) * sizeof(float));
    }

    template <int32_t CELL>
    void run(int64_t thread, int64_t threads) {
        int64_t row = 0, active = rows;
        if (apart(threads)) {
            row = rows * thread / threads, active = rows * (thread + 1) / threads;
            thread = 0, threads = 1;
        }
        const int64_t blocks = units / TILE_COLS, first = blocks * thread / threads, last = blocks * (thread + 1) / threads;
        const int64_t count = CELL == GATUN_CELL_GRU_RESET_FIRST ? 2 : gates;
        const int64_t panels = (width + TILE_COLS - 1) / TILE_COLS, from = panels * thread / threads, to = panels * (thread + 1) / threads;
        auto together = [&] { if (threads > 1) barrier(); };
        for (int64_t step = 0; step < steps; step++) {
            while (active > row && length(active - 1) <= step) active--;
            const float *previous = state[step & 1];
            float *next = state[~step & 1];
            if (step == 0 && !a.h0 && a.finite) /* zeros times finite weights */
                for (int64_t i = row; i < active; i++)
                    copy(products + i * gates * units + first * count * TILE_COLS, nullptr, (last - first) * count * TILE_COLS);
            else {
                round(previous, state_stride, width, row, active, thread, threads);
                product(previous, state_stride, a.weights, width, count * units, products, gates * units, row, active, first * count,
                        last * count);
            }
            /* Row by row: what a row's gates are lies end to end, and comes from far. */
            for (int64_t i = row; i < active; i++)
                for (int64_t block = first; block < last; block++) cell<CELL>(i, step, block, previous, next);
            if (two_phases) {
                together();
                round(middle, units, hidden, row, active, thread, threads);
                if (a.projected) {
                    product(middle, units, a.more_weights, hidden, width, next, state_stride, row, active, from, to);
                    for (int64_t i = row; i < active && from < to; i++)
                        finish_projection(i, step, next, from * TILE_COLS, to * TILE_COLS < width ? to * TILE_COLS : width);
                } else {
                    product(middle, units, a.more_weights, hidden, units, second, units, row, active, first, last);
                    for (int64_t i = row; i < active; i++)
                        for (int64_t block = first; block < last; block++) finish_reset(i, step, block, previous, next);
                }
            }
            together();
        }
    }

    void run(int64_t thread, int64_t threads) {
        switch (a.cell) {
        case GATUN_CELL_TANH: return run<GATUN_CELL_TANH>(thread, threads);
        case GATUN_CELL_RELU: return run<GATUN_CELL_RELU>(thread, threads);
        case GATUN_CELL_LSTM: return run<GATUN_CELL_LSTM>(thread, threads);
        case GATUN_CELL_GRU: return run<GATUN_CELL_GRU>(thread, threads);
        default: return run<GATUN_CELL_GRU_RESET_FIRST>(thread, threads);
        }
    }
};

static int64_t recurrent_scratch_floats(const gatun_recurrent_args *args) {
    gatun_recurrent_args sizes = *args;
    sizes.scratch = nullptr;
    return recurrent_layer(sizes).floats();
}

static void recurrent(const gatun_recurrent_args *args) {
    recurrent_layer layer(*args);
    layer.begin();
    int64_t threads = layer.rows * layer.width * layer.gates * layer.units < PARALLEL_STEP ? 1 : threads_here();
    parallel(threads, [&](int64_t thread, int64_t of) { layer.run(thread, of); });
}

} // namespace
