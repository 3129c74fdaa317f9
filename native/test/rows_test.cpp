/* Normalization, embeddings, pooling, bias with activation, and products by blocks of rows. */
#include "testing.h"

namespace {

/* (x - mean) / sqrt(variance + eps) * gamma + beta, in place; the mean is 0 for rms. */
void normalize(double *x, int64_t n, const float *gamma, const float *beta, double eps, bool rms = false) {
    double mean = 0, variance = 0;
    for (int64_t j = 0; j < n && !rms; j++) mean += x[j] / n;
    for (int64_t j = 0; j < n; j++) variance += (x[j] - mean) * (x[j] - mean) / n;
    for (int64_t j = 0; j < n; j++) x[j] = (x[j] - mean) / std::sqrt(variance + eps) * gamma[j] + (beta ? beta[j] : 0);
}

void layer_norm(int64_t rows, int64_t cols, bool residual, bool beta, int in_place, bool rms, numbers &random, outcome &o) {
    guarded<float> x(rows * cols), r(rows * cols), g(cols), b(cols), out(rows * cols), x0(rows * cols), r0(rows * cols);
    random.fill(x, -3, 5); random.fill(r, -2, 2); random.fill(g, -1, 2); random.fill(b, -1, 1);
    copy(x, x0);
    copy(r, r0);
    float *to = in_place == 1 ? x.data() : in_place == 2 ? r.data() : out.data();
    gatun_layer_norm_args a{};
    a.x = x.data(); a.residual = residual ? r.data() : nullptr; a.gamma = g.data(); a.beta = beta ? b.data() : nullptr;
    a.out = to; a.rows = rows; a.cols = cols; a.eps = 1e-5f; a.rms = rms;
    gatun_layer_norm(&a);
    for (int64_t i = 0; i < rows; i++) {
        double row[4096];
        for (int64_t j = 0; j < cols; j++) row[j] = (double)x0[i * cols + j] + (residual ? r0[i * cols + j] : 0);
        normalize(row, cols, g.data(), a.beta, 1e-5, rms);
        for (int64_t j = 0; j < cols; j++)
            o.equal(to[i * cols + j], row[j], cols == 1 ? 1e-5 : 1e-5 * (1 + std::fabs(row[j])), "layer norm", i * cols + j);
    }
}

/* Bit 7 of kind: words are packed as columns; bits 5 and 6: of which type. */
void embed(int64_t rows, int64_t cols, int kind, numbers &random, outcome &o) {
    const int64_t words = kind & 128 ? 37 : 11, positions = 7, types = 2;
    guarded<float> w(words * cols), p(positions * cols), t(types * cols), g(cols), b(cols), out(rows * cols);
    guarded<int32_t> id(rows), at(rows), type(rows);
    random.fill(w, -1, 1); random.fill(p, -1, 1); random.fill(t, -1, 1); random.fill(g, 0, 2); random.fill(b, -1, 1);
    for (int64_t i = 0; i < rows; i++) {
        id[i] = i == 0 ? words - 1 : (int32_t)random.below(words);
        at[i] = i == 0 ? positions - 1 : (int32_t)random.below(positions);
        type[i] = i == 0 ? types - 1 : (int32_t)random.below(types);
    }
    gatun_embed_args a{};
    a.ids = id.data(); a.out = out.data(); a.rows = rows; a.cols = cols; a.scale = kind & 1 ? 2.5f : 1; a.eps = 1e-12f;
    a.word_type = kind >> 5 & 3;
    a.word_columns = kind & 128 ? words : 0;
    for (int64_t i = 0; i < words * cols && a.word_type; i++) w[i] = (float)(std::lrintf(w[i] * 64) / 64.0); /* halves hold it */
    guarded<char> packed(a.word_type ? gatun_narrow_bytes(a.word_type, cols, words) : gatun_panel_floats(cols, words) * 4);
    if (a.word_type) gatun_narrow_pack(a.word_type, w.data(), cols, words, 1, cols, packed.data());
    else gatun_pack_panels(w.data(), cols, words, 1, cols, (float *)packed.data());
    a.word = kind & 128 ? (const void *)packed.data() : w.data();
    if (kind & 2) { a.position = p.data(); a.positions = at.data(); }
    if (kind & 4) a.type = t.data();
    if (kind & 8) a.types = type.data();
    if (kind & 16) { a.gamma = g.data(); a.beta = b.data(); }
    gatun_embed(&a);
    for (int64_t i = 0; i < rows; i++) {
        double row[4096];
        for (int64_t j = 0; j < cols; j++)
            row[j] = (double)w[id[i] * cols + j] * a.scale + (a.position ? p[at[i] * cols + j] : 0) +
                     (a.type ? t[(a.types ? type[i] : 0) * cols + j] : 0);
        if (a.gamma) normalize(row, cols, a.gamma, a.beta, 1e-12);
        /* Two near numbers alone can be normalized with a large error. */
        double tolerance = a.gamma && cols < 8 ? 1e-2 : 2e-5;
        for (int64_t j = 0; j < cols; j++)
            if (cols > 1 || !a.gamma) o.equal(out[i * cols + j], row[j], tolerance, "embed", i * cols + j);
    }
}

void pool(int64_t cols, int32_t kind, bool unit, numbers &random, outcome &o) {
    const int64_t seqs = 12;
    guarded<int32_t> offsets(seqs + 1);
    for (int64_t i = 0; i < seqs; i++) offsets[i + 1] = offsets[i] + (int32_t)(i == 3 || i == seqs - 1 ? 0 : 1 + random.below(9));
    guarded<float> x(offsets[seqs] * cols), out(seqs * cols);
    random.fill(x, -1, 1);
    for (int64_t j = 0; j < cols * (offsets[1] - offsets[0]); j++) x[j] = 0; /* length 0 */
    gatun_pool_args a{};
    a.x = x.data(); a.out = out.data(); a.offsets = offsets.data(); a.num_seqs = seqs; a.cols = cols; a.kind = kind; a.normalize = unit;
    gatun_pool(&a);
    for (int64_t s = 0; s < seqs; s++) {
        double row[4096] = {}, squares = 0;
        int64_t rows = offsets[s + 1] - offsets[s];
        for (int64_t j = 0; j < cols; j++) {
            for (int64_t i = 0; i < rows; i++) {
                double value = x[(offsets[s] + i) * cols + j];
                switch (kind) {
                case GATUN_POOL_MEAN: row[j] += value / rows; break;
                case GATUN_POOL_FIRST: row[j] = i == 0 ? value : row[j]; break;
                case GATUN_POOL_MAX: row[j] = i == 0 ? value : std::fmax(row[j], value); break;
                case GATUN_POOL_MEAN_SQRT: row[j] += value / std::sqrt((double)rows); break;
                case GATUN_POOL_WEIGHTED: row[j] += value * (i + 1) / (rows * (rows + 1) / 2.0); break;
                default: row[j] = value;
                }
            }
            squares += row[j] * row[j];
        }
        double length = unit ? std::fmax(std::sqrt(squares), 1e-12) : 1;
        for (int64_t j = 0; j < cols; j++) o.equal(out[s * cols + j], row[j] / length, 2e-6, "pool", s * cols + j);
    }
}

double activate(int32_t f, double x) {
    switch (f) {
    case GATUN_RELU: return x > 0 ? x : 0;
    case GATUN_GELU_ERF: return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case GATUN_GELU_TANH: return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case GATUN_SILU: return x / (1 + std::exp(-x));
    case GATUN_RELU6: return std::fmin(std::fmax(x, 0), 6);
    case GATUN_HARDSWISH: return x * std::fmin(std::fmax(x + 3, 0), 6) / 6;
    case GATUN_TANH: return std::tanh(x);
    case GATUN_SIGMOID: return 1 / (1 + std::exp(-x));
    case GATUN_RELU2: return x > 0 ? x * x : 0;
    case GATUN_QUICK_GELU: return x / (1 + std::exp(-1.702 * x));
    case GATUN_MISH: return x * std::tanh(std::log1p(std::exp(x)));
    default: return x;
    }
}

/* What activations may be off by: the square of the largest is large. */
double activation_tolerance(int32_t f, double x) { return 5e-7 + 3e-7 * std::fabs(f == GATUN_RELU2 ? x * x : x); }

void bias_act(int64_t rows, int64_t cols, int32_t f, float range, int kind, numbers &random, outcome &o) {
    guarded<float> x(rows * cols), x0(rows * cols), b(cols), r(rows * cols);
    random.fill(x0, -range, range); random.fill(b, -1, 1); random.fill(r, -1, 1);
    copy(x0, x);
    gatun_bias_act_args a{};
    a.x = x.data(); a.bias = kind & 1 ? b.data() : nullptr; a.residual = kind & 2 ? r.data() : nullptr;
    a.rows = rows; a.cols = cols; a.scale = kind & 4 ? 0.7f : 1; a.activation = f;
    gatun_bias_act(&a);
    for (int64_t i = 0; i < rows * cols; i++) {
        double before = ((double)x0[i] + (a.bias ? b[i % cols] : 0)) * a.scale;
        double expected = activate(f, before) + (a.residual ? r[i] : 0);
        o.equal(x[i], expected, activation_tolerance(f, before), "bias and activation", f * 1000 + i);
    }
}

void gated(int64_t rows, int64_t cols, int32_t f, bool last, numbers &random, outcome &o) {
    guarded<float> x(rows * 2 * cols), out(rows * cols);
    random.fill(x, -7, 7);
    out.fill(NOT_A_NUMBER);
    gatun_gated_args a{};
    a.x = x.data(); a.out = out.data(); a.rows = rows; a.cols = cols; a.activation = f; a.gate_last = last;
    gatun_gated(&a);
    for (int64_t i = 0; i < rows * cols; i++) {
        const float *row = x.data() + i / cols * 2 * cols + i % cols;
        double gate = row[last ? cols : 0], up = row[last ? 0 : cols];
        o.equal(out[i], activate(f, gate) * up, activation_tolerance(f, gate) * (1 + std::fabs(up)), "gated unit", f * 1000 + i);
    }
}

/* Stands for cblas_sgemm: row-major, nothing transposed. */
void plain_sgemm(int, int, int, int m, int n, int k, float alpha, const float *a, int lda, const float *b, int ldb,
                 float beta, float *c, int ldc) {
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            double sum = 0;
            for (int p = 0; p < k; p++) sum += (double)a[i * lda + p] * b[p * ldb + j];
            c[i * ldc + j] = (float)(alpha * sum + (beta == 0 ? 0 : beta * c[i * ldc + j]));
        }
}

void sgemm(int64_t m, int64_t n, int64_t k, int kind, numbers &random, outcome &o) {
    guarded<float> a(m * k), b(k * n), c(m * n), bias(n), r(m * n), r0(m * n);
    random.fill(a, -1, 1); random.fill(b, -1, 1); random.fill(bias, -1, 1); random.fill(r, -1, 1);
    copy(r, r0);
    c.fill(NOT_A_NUMBER);
    gatun_sgemm_args g{};
    g.cblas_sgemm = (const void *)plain_sgemm;
    bool in_place = (kind & 3) == 3;
    g.a = a.data(); g.b = b.data(); g.c = in_place ? r.data() : c.data();
    g.bias = kind & 1 ? bias.data() : nullptr; g.residual = kind & 2 ? r.data() : nullptr;
    g.m = m; g.n = n; g.k = k; g.scale = !in_place && kind & 4 ? 0.5f : 1; g.activation = !in_place && kind & 8 ? GATUN_RELU : GATUN_NONE;
    gatun_sgemm(&g);
    for (int64_t i = 0; i < m * n; i++) {
        double sum = g.bias ? bias[i % n] : 0;
        for (int64_t p = 0; p < k; p++) sum += (double)a[i / n * k + p] * b[p * n + i % n];
        o.equal(g.c[i], activate(g.activation, sum * g.scale) + (g.residual ? r0[i] : 0), 2e-6 * (1 + k), "sgemm", i);
    }
}

} // namespace

void check_rows(outcome &o) {
    numbers random{2};
    for (int64_t cols = 1; cols <= 70; cols++) {
        for (int kind = 0; kind < 6; kind++)
            for (bool rms : {false, true}) layer_norm(3, cols, kind > 1 || kind == 0, kind % 2, kind > 3 ? 2 : kind > 1, rms, random, o);
        for (int kind = 0; kind < 256; kind++)
            if (kind < 32 || (kind >= 128 && kind < 224)) embed(3, cols, kind, random, o);
        for (int32_t kind = GATUN_POOL_MEAN; kind <= GATUN_POOL_LAST; kind++)
            for (bool unit : {false, true}) pool(cols, kind, unit, random, o);
        for (int32_t f = GATUN_NONE; f <= GATUN_MISH; f++)
            for (int kind = 0; kind < 8; kind++) bias_act(2, cols, f, kind < 4 ? 5.0f : 100.0f, kind, random, o);
        for (int32_t f = GATUN_NONE; f <= GATUN_MISH; f++) gated(2, cols, f, cols % 2 != 0, random, o);
    }
    gated(0, 17, GATUN_SILU, false, random, o);
    gated(300, 384, GATUN_GELU_ERF, true, random, o);
    layer_norm(300, 384, true, true, 1, false, random, o);
    embed(300, 384, 31, random, o);
    for (int32_t f = GATUN_NONE; f <= GATUN_MISH; f++) bias_act(300, 384, f, 20, 3, random, o);
    for (int kind = 0; kind < 16; kind++)
        for (int64_t m : {0, 1, 5, 300})
            for (int64_t n : {0, 19})
                for (int64_t k : {0, 13}) sgemm(m, n, k, kind, random, o);
}
