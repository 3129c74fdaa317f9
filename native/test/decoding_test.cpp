/* The key/value cache and what is done with logits; and the machine's limits, roughly. */
#include "testing.h"

namespace {

constexpr int64_t MOST_BLOCKS = 8;

struct cache_shape {
    int64_t num_heads, num_kv_heads, head_dim, part;
    int32_t type;
};

/* As the cache keeps it. */
float kept(float x, int32_t type) {
    if (type == 0 || x == 0 || !std::isfinite(x)) return x;
    int exponent;
    std::frexp(x, &exponent);
    double unit = std::ldexp(1, (exponent < -13 ? -13 : exponent) - 11), rounded = std::nearbyint(x / unit) * unit;
    return (float)std::fmin(65504, std::fmax(-65504, rounded));
}

/* Attention of one query over keys and values that lie plainly: [keys, kv_heads * dim]. */
void expect(const cache_shape &s, const float *q, const float *k, const float *v, int64_t keys, float scale, int64_t head,
            double *out) {
    int64_t width = s.num_kv_heads * s.head_dim, at = head / (s.num_heads / s.num_kv_heads) * s.head_dim;
    double scores[MOST_BLOCKS * GATUN_KV_BLOCK], highest = -INF, sum = 0;
    for (int64_t j = 0; j < keys; j++) {
        scores[j] = 0;
        for (int64_t d = 0; d < s.head_dim; d++)
            scores[j] += (double)q[head * s.head_dim + d] * kept(k[j * width + at + d], s.type) * scale;
        highest = std::fmax(highest, scores[j]);
    }
    for (int64_t d = 0; d < s.head_dim; d++) out[d] = 0;
    for (int64_t j = 0; j < keys; j++) sum += scores[j] = std::exp(scores[j] - highest);
    for (int64_t j = 0; j < keys; j++)
        for (int64_t d = 0; d < s.head_dim; d++) out[d] += scores[j] / sum * kept(v[j * width + at + d], s.type);
}

/* Prompts are stored, then steps follow, each with its own new token. */
void check_cache(const cache_shape &s, int64_t prompt, int64_t steps, numbers &random, outcome &o) {
    const int64_t rows = 3;
    int64_t width = s.num_kv_heads * s.head_dim, q_width = s.num_heads * s.head_dim, most = prompt + steps;
    int64_t block = s.part + 2 * width * GATUN_KV_BLOCK;
    int64_t blocks = (most + GATUN_KV_BLOCK - 1) / GATUN_KV_BLOCK;
    int64_t bytes = s.type == GATUN_F16 ? 2 : 4;
    guarded<char> memory(rows * blocks * block * bytes);
    guarded<float> k(rows * most * width), v(rows * most * width);
    guarded<void *> places(rows * blocks);
    guarded<void *const *> tables(rows);
    memory.fill(-1);
    random.fill(k, -2, 2); random.fill(v, -1, 1);
    for (int64_t i = 0; i < rows * blocks; i++) places[i] = memory.data() + (rows * blocks - 1 - i) * block * bytes; /* backwards */
    for (int64_t r = 0; r < rows; r++) tables[r] = places.data() + r * blocks;
    guarded<int32_t> offsets(rows + 1), lengths(rows);
    guarded<float> pk(rows * prompt * width), pv(rows * prompt * width);
    for (int64_t r = 0; r < rows; r++) {
        offsets[r + 1] = (int32_t)((r + 1) * prompt);
        std::memcpy(pk.data() + r * prompt * width, k.data() + r * most * width, prompt * width * 4);
        std::memcpy(pv.data() + r * prompt * width, v.data() + r * most * width, prompt * width * 4);
    }
    gatun_kv_store_args st{};
    st.k = pk.data(); st.v = pv.data(); st.stride = width; st.offsets = offsets.data(); st.tables = tables.data();
    st.part = s.part; st.num_seqs = rows; st.num_kv_heads = s.num_kv_heads; st.head_dim = s.head_dim;
    st.type = s.type;
    gatun_kv_store(&st);
    guarded<float> q(rows * q_width), out(rows * q_width), nk(rows * width), nv(rows * width);
    guarded<float> scratch(gatun_get_max_threads() * s.num_heads * blocks * GATUN_KV_BLOCK);
    for (int64_t step = 0; step <= steps; step++) {
        random.fill(q, -2, 2);
        int64_t length = prompt + step;
        for (int64_t r = 0; r < rows; r++) {
            lengths[r] = (int32_t)(r == 1 && step == 0 ? 0 : length);
            if (step == 0) continue;
            std::memcpy(nk.data() + r * width, k.data() + (r * most + length - 1) * width, width * 4);
            std::memcpy(nv.data() + r * width, v.data() + (r * most + length - 1) * width, width * 4);
        }
        gatun_paged_attention_args a{};
        a.q = q.data(); a.new_k = step ? nk.data() : nullptr; a.new_v = step ? nv.data() : nullptr; a.out = out.data();
        a.q_stride = a.out_stride = q_width; a.new_stride = width; a.lengths = lengths.data();
        a.type = s.type; a.tables = (const void *const *const *)tables.data(); a.part = s.part; a.rows = rows; a.num_heads = s.num_heads;
        a.num_kv_heads = s.num_kv_heads; a.head_dim = s.head_dim; a.max_keys = most; a.scratch = scratch.data();
        a.scale = 1 / std::sqrt((float)s.head_dim);
        gatun_paged_attention(&a);
        for (int64_t r = 0; r < rows; r++)
            for (int64_t h = 0; h < s.num_heads; h++) {
                double expected[256];
                expect(s, q.data() + r * q_width, k.data() + r * most * width, v.data() + r * most * width, lengths[r], a.scale, h,
                       expected);
                for (int64_t d = 0; d < s.head_dim; d++)
                    o.equal(out[r * q_width + h * s.head_dim + d], lengths[r] ? expected[d] : 0, 1e-6 * std::sqrt(1 + s.head_dim / 32.0),
                            "paged attention", length);
            }
    }
}

/* A token alone is its value: what becomes of each kind of number, in whole vectors and in the rest. */
void check_kept(int32_t type, numbers &random, outcome &o) {
    const float edges[] = {0, -0.0f, 1e-8f, 2.9802322e-8f, 2.98023224e-8f * 1.01f, 6e-8f, -5e-5f, 6.1e-5f, 6.1035e-5f,
                           1.00048828125f, 1.00146484375f, 65503.9f, 65504, 65519.9f, 65520, -65520, 7e4f, -1e30f, 3.4e38f, INF, -INF,
                           NOT_A_NUMBER};
    const int64_t count = sizeof edges / sizeof *edges, dim = 2 * count + 1;
    int64_t bytes = type == GATUN_F16 ? 2 : 4;
    guarded<char> block(2 * dim * GATUN_KV_BLOCK * bytes);
    guarded<float> q(dim), k(dim), v(dim), out(dim), scratch(gatun_get_max_threads() * GATUN_KV_BLOCK);
    for (int64_t d = 0; d < dim; d++) v[d] = d < count ? edges[d] : std::ldexp(random.between(-1, 1), (int)random.below(60) - 40);
    void *place = block.data();
    void *const *table = &place;
    guarded<int32_t> offsets(2);
    offsets[1] = 1;
    gatun_kv_store_args st{};
    st.k = k.data(); st.v = v.data(); st.stride = dim; st.offsets = offsets.data(); st.tables = &table; st.num_seqs = 1;
    st.num_kv_heads = 1; st.head_dim = dim; st.type = type;
    gatun_kv_store(&st);
    gatun_paged_attention_args a{};
    a.q = q.data(); a.out = out.data(); a.q_stride = a.out_stride = dim; a.lengths = offsets.data() + 1;
    a.tables = (const void *const *const *)&table; a.rows = a.num_heads = a.num_kv_heads = 1; a.head_dim = dim; a.max_keys = 1;
    a.scratch = scratch.data(); a.scale = 1; a.type = type;
    gatun_paged_attention(&a);
    for (int64_t d = 0; d < dim; d++) o.equal(out[d], kept(v[d], type), 0, "kept in the cache", d);
}

void check_logits(int64_t cols, int64_t k, int kind, numbers &random, outcome &o) {
    const int64_t rows = 3, stride = cols + 2;
    guarded<float> x(rows * stride - 2), lse(rows), values(rows * k);
    guarded<int32_t> indices(rows * k);
    for (int64_t i = 0; i < x.count(); i++)
        x[i] = kind == 0 ? random.between(-20, 20) : kind == 1 ? (float)random.below(4) : random.between(-3e4f, 3e4f);
    if (kind == 2) x[random.below(cols)] = -INF;
    gatun_logits_args a{};
    a.x = x.data(); a.stride = stride; a.rows = rows; a.cols = cols; a.log_sum_exp = lse.data(); a.values = values.data();
    a.indices = indices.data(); a.k = k;
    gatun_log_sum_exp(&a);
    gatun_top_k(&a);
    for (int64_t r = 0; r < rows; r++) {
        const float *row = x.data() + r * stride;
        double highest = -INF, sum = 0;
        for (int64_t j = 0; j < cols; j++) highest = std::fmax(highest, row[j]);
        for (int64_t j = 0; j < cols; j++) sum += std::exp(row[j] - highest);
        if (highest > -INF) o.equal(lse[r], highest + std::log(sum), 2e-6 * (1 + std::fabs(highest)), "log sum exp", cols);
        for (int64_t i = 0; i < k; i++) {
            int32_t at = indices[r * k + i];
            int64_t better = 0; /* the rank is the number of those that come before */
            for (int64_t j = 0; j < cols; j++) better += row[j] > row[at] || (row[j] == row[at] && j < at);
            o.equal((double)better, (double)i, 0, "rank", cols);
            o.equal(values[r * k + i], row[at], 0, "value", cols);
        }
    }
    x[cols / 2] = kind == 0 ? NOT_A_NUMBER : INF;
    gatun_log_sum_exp(&a);
    o.equal(lse[0], NOT_A_NUMBER, 0, "log sum exp of NaN or infinity", cols);
    x.fill(-INF);
    x[stride] = NOT_A_NUMBER;
    gatun_log_sum_exp(&a);
    o.equal(lse[0], -INF, 0, "log sum exp of nothing", cols);
    o.equal(lse[1], NOT_A_NUMBER, 0, "log sum exp of nothing and NaN", cols);
}

} // namespace

void check_decoding(outcome &o) {
    numbers random{3};
    for (int64_t dim : {1, 3, 4, 5, 8, 15, 16, 17, 31, 32, 33, 40, 64, 65, 80, 128})
        for (int64_t group = 1; group <= 2; group++)
            for (int32_t type : {0, (int)GATUN_F16})
                check_cache({4, 4 / group, dim, dim % 2 * 5, type}, 1 + random.below(20), 20, random, o);
    for (int32_t type : {0, (int)GATUN_F16}) {
        check_cache({8, 8, 64, 0, type}, 90, 30, random, o);
        check_kept(type, random, o);
    }
    for (int64_t cols = 1; cols <= 140; cols++)
        for (int kind = 0; kind < 3; kind++) check_logits(cols, 1 + random.below(cols < 9 ? cols : 9), kind, random, o);
    for (int kind = 0; kind < 3; kind++) check_logits(2000, 64, kind, random, o);
}

void check_limits(outcome &o) {
    guarded<float> x(1 << 16);
    x.fill(1);
    o.equal(gatun_fma_peak(0.01) > 0, 1, 0, "multiply-adds", 0);
    o.equal(gatun_read_bandwidth(x.data(), x.count(), 0.01) > 0, 1, 0, "reading", 0);
    o.equal(gatun_triad_bandwidth(x.data(), x.count() - 1, 0.01) > 0, 1, 0, "triad", 0);
    int64_t third = (x.count() - 1) / 3; /* what was read stays as it was; the first third is 1 + 0.5 * 1 */
    o.equal(x[third - 1], 1.5, 0, "the last of the triad", 0);
    o.equal(x[3 * third - 1], 1, 0, "what the triad reads", 0);
}
