/* Cells and attention that are trained: forward against plain loops in double, back against their finite differences. */
#include "testing.h"

#include <vector>

namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

struct unit {
    double x[4], p[4], h, c;
};

/* The next state of a unit, and of an LSTM its cell. */
double next_state(int32_t cell, const unit &u, double &c) {
    double first = u.x[0] + u.p[0];
    c = u.c;
    if (cell == GATUN_CELL_TANH) return std::tanh(first);
    if (cell == GATUN_CELL_RELU) return first > 0 ? first : 0;
    if (cell == GATUN_CELL_LSTM) {
        c = sigmoid(u.x[1] + u.p[1]) * u.c + sigmoid(first) * std::tanh(u.x[2] + u.p[2]);
        return sigmoid(u.x[3] + u.p[3]) * std::tanh(c);
    }
    double z = sigmoid(u.x[1] + u.p[1]);
    return (1 - z) * std::tanh(u.x[2] + sigmoid(first) * u.p[2]) + z * u.h;
}

void check_cell(int32_t cell, int64_t H, bool reverse, numbers &random, outcome &o) {
    const int64_t G = cell == GATUN_CELL_LSTM ? 4 : cell == GATUN_CELL_GRU ? 3 : 1, S = 3, R = 6, STEP = 1, stride = H + 2;
    guarded<int32_t> offsets(S + 1);
    const int32_t starts[] = {0, 3, 4, 6}; /* the second has ended */
    for (int64_t s = 0; s <= S; s++) offsets[s] = starts[s];
    guarded<float> gates(R * G * H), products(S * G * H), own(R * H), before(R * H), cell_before(R * H), h(S * H), c(S * H), y(R * stride),
        dy(R * stride), d_input(R * G * H), d_state(R * G * H), d_step(S * G * H), d_states(S * H), first(R * G * H), h0(S * H), c0(S * H);
    for (guarded<float> *each : {&gates, &products, &h, &c, &dy, &d_states}) random.fill(*each, -2, 2);
    copy(gates, first), copy(h, h0), copy(c, c0);
    gatun_cell_args a{gates.data(), products.data(), own.data(), before.data(), cell_before.data(), h.data(), c.data(), y.data(), dy.data(),
                      d_input.data(), d_state.data(), d_step.data(), d_states.data(), nullptr, nullptr, nullptr, nullptr, offsets.data(), H,
                      H, stride, S, STEP, cell, reverse};
    gatun_cell(&a, GATUN_CELL_FORWARD);
    auto row = [&](int64_t s) { return reverse ? offsets[s + 1] - 1 - STEP : offsets[s] + STEP; };
    auto make = [&](int64_t s, int64_t i) {
        unit u{{}, {}, h0[s * H + i], c0[s * H + i]};
        for (int64_t j = 0; j < G; j++) u.x[j] = first[(row(s) * G + j) * H + i], u.p[j] = products[(s * G + j) * H + i];
        return u;
    };
    for (int64_t s : {0, 2})
        for (int64_t i = 0; i < H; i++) {
            double next_cell, expected = next_state(cell, make(s, i), next_cell);
            o.equal(h[s * H + i], expected, 1e-5, "state", i);
            o.equal(y[row(s) * stride + i], expected, 1e-5, "row", i);
            if (cell == GATUN_CELL_LSTM) o.equal(c[s * H + i], next_cell, 1e-5, "cell", i);
        }
    for (int64_t i = 0; i < H; i++) o.equal(h[H + i], h0[H + i], 0, "state that ended", i);
    guarded<float> dh(S * H), dc(S * H);
    random.fill(dh, -1, 1), random.fill(dc, -1, 1);
    copy(dh, h), copy(dc, c);
    gatun_cell(&a, GATUN_CELL_BACK);
    for (int64_t s : {0, 2})
        for (int64_t i = 0; i < H; i++) {
            const int64_t at = s * H + i;
            auto slope = [&](auto of) {
                double values[2];
                for (int side = 0; side < 2; side++) {
                    unit u = make(s, i);
                    of(u) += side ? -1e-6 : 1e-6;
                    double next_cell, next = next_state(cell, u, next_cell);
                    values[side] = next * ((double)dh[at] + dy[row(s) * stride + i]) + (cell == GATUN_CELL_LSTM ? next_cell * dc[at] : 0);
                }
                return (values[0] - values[1]) / 2e-6;
            };
            for (int64_t j = 0; j < G; j++) {
                double state = slope([&](unit &u) -> double & { return u.p[j]; });
                o.equal(d_input[(row(s) * G + j) * H + i], slope([&](unit &u) -> double & { return u.x[j]; }), 1e-4, "of the input", i);
                o.equal(d_state[(row(s) * G + j) * H + i], state, 1e-4, "of the state", i);
                o.equal(d_step[(s * G + j) * H + i], state, 1e-4, "of the step", i);
            }
            o.equal(h[at], slope([](unit &u) -> double & { return u.h; }), 1e-4, "what stays", i);
            if (cell == GATUN_CELL_LSTM) o.equal(c[at], slope([](unit &u) -> double & { return u.c; }), 1e-4, "of the cell", i);
        }
    copy(h, h0);
    gatun_cell(&a, GATUN_CELL_REST);
    for (int64_t i = 0; i < S * H; i++) o.equal(h[i], i / H == 1 ? h0[i] : (double)h0[i] + d_states[i], 1e-5, "rest", i);
}

/* Cells with a second product in a step: what goes into it, what becomes of what comes out, and both ways back. */
void check_second(int32_t cell, int64_t H, int64_t P, bool reverse, numbers &random, outcome &o) {
    const bool lstm = cell == GATUN_CELL_LSTM;
    const int64_t G = lstm ? 4 : 3, S = 3, R = 6, STEP = 1, stride = P + 3;
    guarded<int32_t> offsets(S + 1);
    const int32_t starts[] = {0, 3, 4, 6}; /* the second has ended */
    for (int64_t s = 0; s <= S; s++) offsets[s] = starts[s];
    guarded<float> gates(R * G * H), products(S * G * H), own(R * H), before(R * P), cell_before(R * H), h(S * P), c(S * H), y(R * stride),
        dy(R * stride), d_input(R * G * H), d_state(R * G * H), d_step(S * G * H), d_states(S * P), middle(S * H), second(S * P),
        middle_rows(R * H), d_second(R * P), first(R * G * H), h0(S * P), c0(S * H), out(S * P), back(S * H), dh(S * P), dc(S * H);
    for (guarded<float> *each : {&gates, &products, &h, &c, &dy, &d_states, &out, &back, &dh, &dc}) random.fill(*each, -2, 2);
    for (guarded<float> *each : {&d_input, &d_state, &d_step}) each->fill(0);
    copy(gates, first), copy(h, h0), copy(c, c0);
    gatun_cell_args a{gates.data(), products.data(), own.data(), before.data(), cell_before.data(), h.data(), c.data(), y.data(), dy.data(),
                      d_input.data(), d_state.data(), d_step.data(), d_states.data(), middle.data(), second.data(), middle_rows.data(),
                      d_second.data(), offsets.data(), H, P, stride, S, STEP, cell, reverse};
    gatun_cell(&a, GATUN_CELL_FORWARD);
    auto row = [&](int64_t s) { return reverse ? offsets[s + 1] - 1 - STEP : offsets[s] + STEP; };
    auto make = [&](int64_t s, int64_t i) {
        unit u{{}, {}, lstm ? 0 : h0[s * P + i], c0[s * H + i]};
        for (int64_t j = 0; j < G; j++) u.x[j] = first[(row(s) * G + j) * H + i], u.p[j] = products[(s * G + j) * H + i];
        return u;
    };
    auto into = [&](const unit &u, double &next_cell) {
        return lstm ? next_state(cell, u, next_cell) : sigmoid(u.x[0] + u.p[0]) * u.h;
    };
    auto next = [&](const unit &u, double product) {
        double z = sigmoid(u.x[1] + u.p[1]);
        return lstm ? product : (1 - z) * std::tanh(u.x[2] + product) + z * u.h;
    };
    for (int64_t s : {0, 2})
        for (int64_t i = 0; i < H; i++) {
            double next_cell, expected = into(make(s, i), next_cell);
            o.equal(middle[s * H + i], expected, 1e-5, "into the second product", i);
            o.equal(middle_rows[row(s) * H + i], expected, 1e-5, "its row", i);
        }
    copy(out, second);
    gatun_cell(&a, GATUN_CELL_FORWARD_SECOND);
    for (int64_t s : {0, 2})
        for (int64_t i = 0; i < P; i++) {
            double expected = next(lstm ? unit{} : make(s, i), out[s * P + i]);
            o.equal(h[s * P + i], expected, 1e-5, "second state", i);
            o.equal(y[row(s) * stride + i], expected, 1e-5, "second row", i);
            o.equal(before[row(s) * P + i], h0[s * P + i], 0, "before", i);
        }
    for (int64_t i = 0; i < P; i++) o.equal(h[P + i], h0[P + i], 0, "state that ended", i);
    copy(dh, h), copy(dc, c);
    gatun_cell(&a, GATUN_CELL_BACK);
    guarded<float> to_second(S * P);
    copy(second, to_second), copy(back, middle);
    gatun_cell(&a, GATUN_CELL_BACK_SECOND);
    for (int64_t s : {0, 2})
        for (int64_t i = 0; i < (lstm ? H : P); i++) {
            auto slope = [&](auto of) {
                double values[2];
                for (int side = 0; side < 2; side++) {
                    unit u = make(s, i);
                    double product = lstm ? 0 : out[s * P + i], next_cell = 0;
                    of(u, product) += side ? -1e-6 : 1e-6;
                    values[side] = into(u, next_cell) * back[s * H + i] + (lstm ? next_cell * dc[s * H + i] : 0);
                    if (!lstm) values[side] += next(u, product) * ((double)dh[s * P + i] + dy[row(s) * stride + i]);
                }
                return (values[0] - values[1]) / 2e-6;
            };
            for (int64_t j = 0; j < G; j++) {
                double state = !lstm && j == 2 ? 0 : slope([&](unit &u, double &) -> double & { return u.p[j]; });
                double input = slope([&](unit &u, double &) -> double & { return u.x[j]; });
                o.equal(d_input[(row(s) * G + j) * H + i], input, 1e-4, "second's input", i);
                o.equal(d_state[(row(s) * G + j) * H + i], state, 1e-4, "second's state", i);
                o.equal(d_step[(s * G + j) * H + i], state, 1e-4, "second's step", i);
            }
            if (lstm) {
                o.equal(c[s * H + i], slope([](unit &u, double &) -> double & { return u.c; }), 1e-4, "second's cell", i);
                continue;
            }
            double product = slope([](unit &, double &p) -> double & { return p; });
            o.equal(to_second[s * P + i], product, 1e-4, "to the second product", i);
            o.equal(d_second[row(s) * P + i], product, 1e-4, "to its row", i);
            o.equal(h[s * P + i], slope([](unit &u, double &) -> double & { return u.h; }), 1e-4, "what stays", i);
        }
    for (int64_t i = 0; lstm && i < P; i++) {
        o.equal(to_second[i], (double)dh[i] + dy[row(0) * stride + i], 1e-5, "to the projection", i);
        o.equal(h[i], 0, 0, "nothing stays", i);
    }
    copy(h, h0);
    gatun_cell(&a, GATUN_CELL_REST);
    for (int64_t i = 0; i < S * P; i++) o.equal(h[i], i / P == 1 ? h0[i] : (double)h0[i] + d_states[i], 1e-5, "rest", i);
}

struct problem {
    int64_t heads, kv_heads, dim, window;
    bool causal, padded, masked;
    std::vector<int32_t> queries, keys; /* offsets */
    double softcap = 0;
    int64_t reach = 0, tables = 0; /* rows of distances: none, 1 or heads */
    int64_t distance(int64_t h, int64_t d) const {
        return (tables > 1 ? h : 0) * (2 * reach + 1) + reach + (d < -reach ? -reach : d > reach ? reach : d);
    }
    int64_t width() const { return heads * dim; }
    int64_t kv_width() const { return kv_heads * dim; }
};

const uint8_t PADDING[] = {0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0};
constexpr int64_t MASK = 8;

/* sum(dy y); y too if it is wanted. */
double attend(const problem &p, const std::vector<double> &q, const std::vector<double> &k, const std::vector<double> &v,
              const std::vector<double> &distances, const float *mask, const float *dy, std::vector<double> *y) {
    double loss = 0;
    for (size_t s = 0; s + 1 < p.queries.size(); s++)
        for (int64_t h = 0; h < p.heads; h++)
            for (int64_t i = p.queries[s]; i < p.queries[s + 1]; i++) {
                int64_t kv = h / (p.heads / p.kv_heads), at = p.keys[s + 1] - p.queries[s + 1] + i;
                std::vector<double> shares(p.keys[s + 1] - p.keys[s]), sum(p.dim);
                double total = 0;
                for (int64_t j = p.keys[s]; j < p.keys[s + 1]; j++) {
                    if ((p.causal && j > at) || (p.window && std::llabs(j - at) >= p.window) || (p.padded && PADDING[j])) continue;
                    double score = 0;
                    for (int64_t d = 0; d < p.dim; d++) score += q[i * p.width() + h * p.dim + d] * k[j * p.kv_width() + kv * p.dim + d];
                    score = p.softcap ? p.softcap * std::tanh(0.7 * score / p.softcap) : 0.7 * score;
                    if (p.tables) score += distances[p.distance(h, j - at)];
                    total += shares[j - p.keys[s]] = std::exp(score + (p.masked ? mask[(i - p.queries[s]) * MASK + j - p.keys[s]] : 0));
                }
                for (int64_t j = p.keys[s]; total > 0 && j < p.keys[s + 1]; j++)
                    for (int64_t d = 0; d < p.dim; d++) sum[d] += shares[j - p.keys[s]] / total * v[j * p.kv_width() + kv * p.dim + d];
                for (int64_t d = 0; d < p.dim; d++) {
                    loss += sum[d] * dy[(i * p.heads + h) * p.dim + d];
                    if (y) (*y)[(i * p.heads + h) * p.dim + d] = sum[d];
                }
            }
    return loss;
}

void check_attention_back(const problem &p, numbers &random, outcome &o) {
    const int64_t Q = p.queries.back(), K = p.keys.back();
    guarded<float> q(Q * p.width()), k(K * p.kv_width()), v(K * p.kv_width()), y(Q * p.width()), dy(Q * p.width()), dq(q.count()),
        dk(k.count()), dv(v.count()), mask(MASK * MASK), scratch(3 * 2 * K), table(p.tables * (2 * p.reach + 1)), d_table(table.count());
    guarded<int32_t> queries(p.queries.size()), keys(p.keys.size());
    guarded<uint8_t> padding(K);
    for (guarded<float> *each : {&q, &k, &v, &dy, &mask, &table}) random.fill(*each, -1, 1);
    for (guarded<float> *each : {&y, &dq, &dk, &dv, &d_table}) each->fill(0);
    for (int64_t i = 0; i < queries.count(); i++) queries[i] = p.queries[i], keys[i] = p.keys[i];
    for (int64_t j = 0; j < K; j++) padding[j] = PADDING[j];
    gatun_trained_attention_args a{q.data(), k.data(), v.data(), y.data(), dy.data(), dq.data(), dk.data(), dv.data(), queries.data(),
                                   keys.data(), p.masked ? mask.data() : nullptr, p.padded ? padding.data() : nullptr, scratch.data(),
                                   p.tables ? table.data() : nullptr, p.tables ? d_table.data() : nullptr, 0, 0, MASK,
                                   p.tables > 1 ? 2 * p.reach + 1 : 0, p.reach, p.width(), p.kv_width(), p.kv_width(), p.heads, p.kv_heads,
                                   p.dim, (int64_t)p.queries.size() - 1, K, p.window, 0.7f, (float)p.softcap, p.causal};
    gatun_trained_attention(&a, 0);
    gatun_trained_attention(&a, 1);
    auto wide = [](const guarded<float> &x) { return std::vector<double>(x.data(), x.data() + x.count()); };
    std::vector<double> all[] = {wide(q), wide(k), wide(v), wide(table)}, expected(y.count());
    attend(p, all[0], all[1], all[2], all[3], mask.data(), dy.data(), &expected);
    for (int64_t i = 0; i < y.count(); i++) o.equal(y[i], expected[i], 1e-5, "attention", i);
    const guarded<float> *found[] = {&dq, &dk, &dv, &d_table};
    const char *names[] = {"dq", "dk", "dv", "distances"};
    for (int which = 0; which < 4; which++)
        for (size_t i = 0; i < all[which].size(); i++) {
            double kept = all[which][i], losses[2];
            for (int side = 0; side < 2; side++) {
                all[which][i] = kept + (side ? -1e-5 : 1e-5);
                losses[side] = attend(p, all[0], all[1], all[2], all[3], mask.data(), dy.data(), nullptr);
            }
            all[which][i] = kept;
            o.equal((*found[which])[i], (losses[0] - losses[1]) / 2e-5, 1e-4, names[which], (int64_t)i);
        }
}

} // namespace

void check_trained_sequences(outcome &o) {
    numbers random{78};
    for (int32_t cell : {GATUN_CELL_TANH, GATUN_CELL_RELU, GATUN_CELL_LSTM, GATUN_CELL_GRU})
        for (int64_t hidden : {1, 3, 8, 29, 4001}) check_cell(cell, hidden, hidden % 2 == 0, random, o);
    for (int64_t hidden : {1, 3, 8, 29, 4001}) {
        check_second(GATUN_CELL_GRU_RESET_FIRST, hidden, hidden, hidden % 2 == 0, random, o);
        check_second(GATUN_CELL_LSTM, hidden, (hidden + 1) / 2, hidden % 2, random, o);
    }
    check_attention_back({2, 2, 3, 0, false, false, false, {0, 4, 4, 5}, {0, 4, 4, 5}, 0, 2, 2}, random, o);
    check_attention_back({4, 2, 5, 0, true, true, true, {0, 3, 7}, {0, 5, 9}, 0.8, 9, 4}, random, o);
    check_attention_back({4, 2, 9, 0, false, true, false, {0, 3, 7}, {0, 5, 9}, 0, 0, 1}, random, o);
    check_attention_back({3, 1, 8, 2, false, true, true, {0, 6, 7}, {0, 6, 7}, 1.5}, random, o);
    check_attention_back({2, 2, 3, 0, false, false, false, {0, 4, 4, 5}, {0, 4, 4, 5}}, random, o);
    check_attention_back({4, 2, 5, 0, true, true, false, {0, 3, 7}, {0, 5, 9}}, random, o);
    check_attention_back({3, 1, 8, 2, false, true, true, {0, 6, 7}, {0, 6, 7}}, random, o);
    check_attention_back({2, 1, 17, 3, true, false, true, {0, 0, 4}, {0, 3, 10}}, random, o);
}
