/* Norms and rotations of heads, against their formulas. */
#include "testing.h"

namespace {

struct heads_case {
    int64_t q_heads, k_heads, head_dim, rotary_dim, rest; /* rest: columns that are no heads */
    bool norm, interleaved, positions, in_place;
};

constexpr int64_t SEQS = 4, LENGTHS[SEQS] = {3, 0, 11, 1}, BEHIND = 2, LONGEST = 11;

void check(const heads_case &s, int64_t repeat, numbers &random, outcome &o) {
    int64_t cols = (s.q_heads + s.k_heads) * s.head_dim + s.rest, rows = 15 * repeat + BEHIND, half = s.rotary_dim / 2;
    guarded<float> x(rows * cols), x0(rows * cols), out(rows * cols), q_gamma(s.head_dim), k_gamma(s.head_dim),
        table(LONGEST * s.rotary_dim);
    guarded<int32_t> offsets(SEQS * repeat + 1), positions(rows);
    random.fill(x, -2, 2); random.fill(q_gamma, -1, 2); random.fill(k_gamma, -1, 2); random.fill(table, -1, 1);
    copy(x, x0);
    out.fill(NOT_A_NUMBER);
    for (int64_t i = 0; i < SEQS * repeat; i++) offsets[i + 1] = offsets[i] + (int32_t)LENGTHS[i % SEQS];
    for (int64_t i = 0; i < rows; i++) positions[i] = (int32_t)random.below(LONGEST);
    gatun_rotary_args a{};
    a.x = x.data(); a.out = s.in_place ? x.data() : out.data(); a.rows = rows; a.cols = cols;
    a.q_heads = s.q_heads; a.k_heads = s.k_heads; a.head_dim = s.head_dim;
    if (s.norm) { a.q_gamma = q_gamma.data(); a.k_gamma = k_gamma.data(); a.eps = 1e-6f; }
    if (half) { a.table = table.data(); a.rotary_dim = s.rotary_dim; a.interleaved = s.interleaved; }
    if (s.positions) a.positions = positions.data();
    else { a.offsets = offsets.data(); a.num_seqs = SEQS * repeat; }
    gatun_rotary(&a);
    for (int64_t row = 0, seq = 0; row < rows; row++) {
        while (seq < SEQS * repeat && offsets[seq + 1] <= row) seq++;
        bool behind = half && !s.positions && seq == SEQS * repeat;
        int64_t position = s.positions ? positions[row] : behind ? 0 : row - offsets[seq];
        for (int64_t j = 0; j < cols; j++) {
            int64_t h = j / s.head_dim, d = j % s.head_dim;
            const float *from = x0.data() + row * cols;
            double expected = from[j];
            if (!behind && h < s.q_heads + s.k_heads) {
                double factor = 1, squares = 0;
                const float *gamma = h < s.q_heads ? q_gamma.data() : k_gamma.data(), *head = from + h * s.head_dim;
                for (int64_t i = 0; i < s.head_dim; i++) squares += (double)head[i] * head[i];
                if (s.norm) factor = 1 / std::sqrt(squares / s.head_dim + 1e-6);
                auto element = [&](int64_t i) { return head[i] * factor * (s.norm ? gamma[i] : 1); };
                expected = element(d);
                if (d < 2 * half) {
                    int64_t angle = s.interleaved ? d / 2 : d % half;
                    bool first = s.interleaved ? d % 2 == 0 : d < half;
                    int64_t other = s.interleaved ? d ^ 1 : first ? d + half : d - half;
                    double c = table[position * s.rotary_dim + angle], sine = table[position * s.rotary_dim + half + angle];
                    expected = element(d) * c + (first ? -1 : 1) * element(other) * sine;
                }
            }
            o.equal(a.out[row * cols + j], expected, s.norm ? 4e-6 * (1 + std::fabs(expected)) : 1e-6, "heads", row * cols + j);
        }
    }
}

} // namespace

void check_heads(outcome &o) {
    numbers random{7};
    for (int64_t dim : {2, 3, 6, 8, 14, 16, 17, 24, 32, 34, 48, 64, 80, 96, 128})
        for (int kind = 0; kind < 16; kind++)
            for (int64_t rotary : {dim / 2 * 2, dim / 4 * 2, (int64_t)0})
                check({3, kind & 1 ? 1 : 3, dim, rotary, kind % 3 * 5, (kind & 2) != 0, (kind & 4) != 0, (kind & 8) != 0, kind % 5 < 3}, 1,
                      random, o);
    check({4, 0, 10, 10, 0, true, false, false, true}, 1, random, o);
    check({0, 2, 10, 4, 3, false, true, false, false}, 1, random, o);
    check({12, 4, 64, 64, 256, true, false, false, false}, 7, random, o);
    check({12, 12, 64, 64, 768, false, true, true, true}, 7, random, o);
}
