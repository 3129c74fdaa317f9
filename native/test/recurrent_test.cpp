/* Recurrent layers of every cell against plain loops, sequence by sequence. */
#include "testing.h"

#include <vector>

namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

struct layer {
    int32_t cell;
    int64_t hidden, projected, input;
    int64_t gates() const { return cell == GATUN_CELL_LSTM ? 4 : cell >= GATUN_CELL_GRU ? 3 : 1; }
    int64_t width() const { return projected ? projected : hidden; }
};

struct parameters {
    guarded<float> wx, wh, wr, bx, bh;
    parameters(const layer &l, numbers &random)
        : wx(l.gates() * l.hidden * l.input), wh(l.gates() * l.hidden * l.width()), wr(l.projected * l.hidden), bx(l.gates() * l.hidden),
          bh(l.gates() * l.hidden) {
        float bound = 1 / std::sqrt((float)l.hidden);
        for (const guarded<float> *p : {&wx, &wh, &wr, &bx, &bh}) random.fill(*p, -bound, bound);
    }
};

/* One step, in double. */
void step(const layer &l, const parameters &w, const float *x, std::vector<double> &h, std::vector<double> &c) {
    std::vector<double> next(l.hidden), old = h;
    auto input = [&](int64_t gate, int64_t u) {
        int64_t r = gate * l.hidden + u;
        double sum = w.bx[r];
        for (int64_t p = 0; p < l.input; p++) sum += (double)w.wx[r * l.input + p] * x[p];
        return sum;
    };
    auto state = [&](int64_t gate, int64_t u, const std::vector<double> &from) {
        int64_t r = gate * l.hidden + u;
        double sum = w.bh[r];
        for (int64_t p = 0; p < l.width(); p++) sum += w.wh[r * l.width() + p] * from[p];
        return sum;
    };
    std::vector<double> reset(l.hidden);
    if (l.cell == GATUN_CELL_GRU_RESET_FIRST)
        for (int64_t u = 0; u < l.hidden; u++) reset[u] = sigmoid(input(0, u) + state(0, u, old)) * old[u];
    for (int64_t u = 0; u < l.hidden; u++) {
        double first = input(0, u) + state(0, u, old);
        if (l.cell == GATUN_CELL_TANH) next[u] = std::tanh(first);
        else if (l.cell == GATUN_CELL_RELU) next[u] = first < 0 ? 0 : first;
        else if (l.cell == GATUN_CELL_LSTM) {
            c[u] = sigmoid(input(1, u) + state(1, u, old)) * c[u] + sigmoid(first) * std::tanh(input(2, u) + state(2, u, old));
            next[u] = sigmoid(input(3, u) + state(3, u, old)) * std::tanh(c[u]);
        } else {
            double z = sigmoid(input(1, u) + state(1, u, old));
            double n = l.cell == GATUN_CELL_GRU ? std::tanh(input(2, u) + sigmoid(first) * state(2, u, old))
                                                : std::tanh(input(2, u) + state(2, u, reset));
            next[u] = (1 - z) * n + z * old[u];
        }
    }
    if (!l.projected) { h = next; return; }
    for (int64_t j = 0; j < l.projected; j++) {
        h[j] = 0;
        for (int64_t u = 0; u < l.hidden; u++) h[j] += w.wr[j * l.hidden + u] * next[u];
    }
}

/* Whole numbers by a power of two, of which each column's largest, or largest sum of four, is such that no kind of weights rounds them. */
void make_narrow(guarded<float> &w, int64_t rows, int64_t k) {
    for (int64_t i = 0; i < rows * k; i++) {
        double number = std::fmin(std::fmax(std::nearbyint(w[i] * 100), -31), 31);
        if (i % k == 1 || i % k == 4 || i % k == 5) number = -std::fabs(number);
        w[i] = (float)(i % k ? number : gatun_narrow_pairs() ? 126 : 127) / 1024;
    }
}

/* Packed as the recurrent layer wants them: of each block of units the gates in turn, zeros beyond the last. */
struct narrow_weights {
    guarded<char> packed;
    narrow_weights(int32_t type, const guarded<float> &w, int64_t k, int64_t hidden, int64_t first, int64_t gates)
        : packed(gatun_narrow_bytes(type, k, gatun_recurrent_floats(1, hidden, gates))) {
        int64_t panel = gatun_recurrent_floats(1, 1, 1), columns = gatun_recurrent_floats(1, hidden, gates);
        std::vector<float> all(columns * k);
        for (int64_t gate = 0; gate < gates; gate++)
            for (int64_t u = 0; u < hidden; u++)
                for (int64_t p = 0; p < k; p++)
                    all[((u / panel * gates + gate) * panel + u % panel) * k + p] = w[((first + gate) * hidden + u) * k + p];
        gatun_narrow_pack(type, all.data(), k, columns, 1, k, packed.data());
    }
};

/* states: 0 none, 1 given and wanted, 2 in place. */
void check(const layer &l, const std::vector<int> &lengths, bool reverse, int states, numbers &random, outcome &o, int32_t type = 0) {
    int64_t G = l.gates(), H = l.hidden, P = l.width(), seqs = (int64_t)lengths.size(), room = seqs + 1, rows = 0;
    guarded<int32_t> offsets(seqs + 1);
    offsets[0] = 0;
    int64_t at = 0;
    for (int length : lengths) offsets[++at] = (int32_t)(rows += length);
    parameters w(l, random);
    if (type) make_narrow(w.wh, G * H, P), make_narrow(w.wr, l.projected, H);
    guarded<float> x(rows * l.input), h0(room * P), c0(room * H), hn(room * P), cn(room * H), out((rows + 2) * (P + 3));
    random.fill(x, -1, 1); random.fill(h0, -1, 1); random.fill(c0, -1, 1);
    bool late = l.cell == GATUN_CELL_GRU, split = l.cell == GATUN_CELL_GRU_RESET_FIRST;
    int64_t columns = gatun_recurrent_floats(1, H, G);
    guarded<float> wx(gatun_recurrent_floats(l.input, H, G)), wh(gatun_recurrent_floats(P, H, split ? 2 : G)), bias(columns), bh(G * H),
        own(gatun_recurrent_floats(1, H, 1)), more(split ? gatun_recurrent_floats(H, H, 1) : l.projected ? gatun_panel_floats(H, P) : 1);
    for (int64_t i = 0; i < G * H; i++) bh[i] = w.bx[i] + (late && i >= 2 * H ? 0 : w.bh[i]);
    gatun_recurrent_pack(w.wx.data(), l.input, H, 0, G, wx.data());
    o.equal(gatun_recurrent_pack(w.wh.data(), P, H, 0, split ? 2 : G, wh.data()), 1, 0, "finite", 0);
    gatun_recurrent_pack(bh.data(), 1, H, 0, G, bias.data());
    if (late) gatun_recurrent_pack(w.bh.data(), 1, H, 2, 1, own.data());
    if (split) gatun_recurrent_pack(w.wh.data(), H, H, 2, 1, more.data());
    else if (l.projected) gatun_pack_panels(w.wr.data(), H, P, 1, H, more.data());
    guarded<float> gates(rows * columns);
    gatun_gemm_args g{};
    g.a = x.data(); g.b = wx.data(); g.bias = bias.data(); g.c = gates.data();
    g.lda = l.input; g.ldc = columns; g.m = rows; g.n = columns; g.k = l.input;
    gatun_gemm(&g);
    gatun_recurrent_args a{};
    a.gates = gates.data(); a.weights = wh.data(); a.more_weights = more.data(); a.bias = late ? own.data() : nullptr;
    a.out = out.data(); a.gates_stride = columns; a.out_stride = P + 3; a.offsets = offsets.data(); a.num_seqs = seqs;
    a.max_seqs = states == 2 ? seqs : room; a.max_rows = rows + 2; a.hidden = H;
    a.projected = l.projected; a.cell = l.cell; a.reverse = reverse; a.finite = !type && rows % 2;
    if (states) {
        a.h0 = h0.data(); a.c0 = c0.data(); a.hn = states == 2 ? h0.data() : hn.data(); a.cn = states == 2 ? c0.data() : cn.data();
    }
    narrow_weights narrow(type ? type : GATUN_F16, w.wh, P, H, 0, split ? 2 : G),
        third(type ? type : GATUN_F16, w.wh, P, H, split ? 2 : 0, 1);
    guarded<char> projection(gatun_narrow_bytes(type, H, l.projected));
    if (type) {
        gatun_narrow_pack(type, w.wr.data(), H, l.projected, 1, H, projection.data());
        a.type = type;
        a.weights = (const float *)narrow.packed.data();
        a.more_weights = (const float *)(split ? third.packed.data() : projection.data());
    }
    /* What rounding a row of states to so many whole numbers may change. */
    double lost = type == GATUN_INT8 ? 2.0 / 128 : 0;
    guarded<float> first_h(room * P), first_c(room * H);
    copy(h0, first_h); copy(c0, first_c);
    guarded<char> scratch(gatun_recurrent_scratch_bytes(&a));
    a.scratch = scratch.data();
    out.fill(NOT_A_NUMBER);
    gatun_recurrent(&a);
    for (int64_t s = 0; s < seqs; s++) {
        std::vector<double> h(P), c(H);
        for (int64_t j = 0; j < P; j++) h[j] = states ? first_h[s * P + j] : 0;
        for (int64_t j = 0; j < H; j++) c[j] = states ? first_c[s * H + j] : 0;
        int64_t length = offsets[s + 1] - offsets[s];
        for (int64_t t = 0; t < length; t++) {
            int64_t row = offsets[s] + (reverse ? length - 1 - t : t);
            step(l, w, x.data() + row * l.input, h, c);
            for (int64_t j = 0; j < P; j++) o.equal(out[row * (P + 3) + j], h[j], 3e-6 + lost, "state", row * P + j);
        }
        for (int64_t j = 0; j < P && states; j++) o.equal(a.hn[s * P + j], h[j], 3e-6 + lost, "last state", s * P + j);
        for (int64_t j = 0; j < H && states && l.cell == GATUN_CELL_LSTM; j++)
            o.equal(a.cn[s * H + j], c[j], 1e-5 + 2 * lost, "last cell", s * H + j);
    }
    for (int64_t j = 0; j < P && states; j++)
        o.equal(a.hn[seqs * P + j], states == 2 ? first_h[seqs * P + j] : 0, 0, "state behind the last", j);
    for (int64_t j = 0; j < 2 * P; j++) o.equal(out[(rows + j / P) * (P + 3) + j % P], 0, 0, "row behind the last", j);
    for (int64_t row = 0; row < rows + 2; row++)
        for (int64_t j = P; j < P + 3; j++) o.equal(out[row * (P + 3) + j], NOT_A_NUMBER, 0, "beside", row);
}

} // namespace

void check_recurrent(outcome &o) {
    numbers random{2024};
    for (int32_t cell = GATUN_CELL_TANH; cell <= GATUN_CELL_GRU_RESET_FIRST; cell++)
        for (int64_t hidden : {1, 7, 64, 131})
            for (int reverse = 0; reverse < 2; reverse++) {
                check({cell, hidden, 0, 5}, {4}, reverse, 0, random, o);
                check({cell, hidden, 0, 3}, {2, 0, 7, 1, 7}, reverse, 1 + reverse, random, o);
            }
    for (int64_t projected : {1, 5, 17, 40}) {
        check({GATUN_CELL_LSTM, 64, projected, 3}, {3, 6, 0, 1}, true, 1, random, o);
        check({GATUN_CELL_LSTM, 131, projected, 9}, {5, 1}, false, 2, random, o);
    }
    check({GATUN_CELL_GRU, 200, 0, 30}, {6, 6, 5, 4, 3, 2, 1, 6, 6}, false, 1, random, o);
    check({GATUN_CELL_LSTM, 64, 0, 3}, {}, false, 1, random, o);
    /* Many of like lengths: each thread has sequences of its own. */
    std::vector<int> many(41, 10);
    many[0] = many[17] = 9;
    for (int32_t type : {0, int(GATUN_F16), int(GATUN_INT8)}) {
        for (int32_t cell = GATUN_CELL_TANH; cell <= GATUN_CELL_GRU_RESET_FIRST; cell++)
            check({cell, 37, 0, 3}, many, cell % 2, cell % 3, random, o, type);
        check({GATUN_CELL_LSTM, 40, 11, 3}, many, false, 1, random, o, type);
    }
    for (int32_t type : {GATUN_F16, GATUN_BF16, GATUN_INT8}) {
        for (int32_t cell = GATUN_CELL_TANH; cell <= GATUN_CELL_GRU_RESET_FIRST; cell++)
            for (int64_t hidden : {1, 7, 131}) check({cell, hidden, 0, 3}, {2, 0, 7, 1, 7}, hidden == 7, 1, random, o, type);
        check({GATUN_CELL_LSTM, 64, 17, 3}, {3, 6, 0, 1}, true, 2, random, o, type);
        check({GATUN_CELL_LSTM, 200, 0, 30}, {6, 6, 5, 4, 3, 2, 1, 6, 6}, false, 1, random, o, type);
    }
}
