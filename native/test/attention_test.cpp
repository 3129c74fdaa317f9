/* Attention against its formula, term by term. */
#include "testing.h"

#include <cstdlib>

namespace {

struct setup {
    int64_t num_seqs;
    int32_t queries[3], keys[3];
    int64_t num_heads, num_kv_heads, head_dim;
    float scale;
    bool causal, mask, padding, self;
    float broken; /* what one element of q becomes, if not 0 */
    float large = 1; /* else a power of two that q becomes multiples of, with scores that are exact if they have one term */
    float softcap = 0;
    int64_t window = 0, reach = -1; /* -1: no distances */
    int64_t positions = 0, position_reach = 0;
    int position_terms = 3; /* 1: position_keys, 2: position_queries */
};

struct arrays {
    guarded<float> q, k, v, out, mask, distances, position_keys, position_queries;
    guarded<uint8_t> padding;
    guarded<int32_t> q_offsets, kv_offsets, position_rows;
    guarded<char> scratch;
};

int64_t total(const int32_t *lengths, int64_t n) {
    int64_t sum = 0;
    for (int64_t i = 0; i < n; i++) sum += lengths[i];
    return sum;
}

int32_t longest(const int32_t *lengths, int64_t n) {
    int32_t most = 0;
    for (int64_t i = 0; i < n; i++) most = lengths[i] > most ? lengths[i] : most;
    return most;
}

/* Score of query i and key j, -infinity if hidden. */
double score(const gatun_attention_args &a, int64_t seq, int64_t head, int64_t i, int64_t j) {
    int64_t q0 = a.q_offsets[seq], k0 = a.kv_offsets[seq], lq = a.q_offsets[seq + 1] - q0, lk = a.kv_offsets[seq + 1] - k0;
    int64_t distance = j - (i + lk - lq);
    if (a.causal && distance > 0) return -INF;
    if (a.window && std::llabs(distance) >= a.window) return -INF;
    if (a.key_padding && a.key_padding[k0 + j]) return -INF;
    int64_t kv_head = head / (a.num_heads / a.num_kv_heads);
    double sum = 0;
    for (int64_t d = 0; d < a.head_dim; d++)
        sum += (double)a.q[(q0 + i) * a.q_stride + head * a.head_dim + d] * a.k[(k0 + j) * a.k_stride + kv_head * a.head_dim + d];
    if (a.position_rows) {
        int64_t reach = a.position_reach, p = a.position_rows[(distance < -reach ? -reach : distance > reach ? reach : distance) + reach];
        for (int64_t d = 0; d < a.head_dim; d++) {
            int64_t at = p * a.num_heads * a.head_dim + head * a.head_dim + d;
            if (a.position_keys) sum += (double)a.q[(q0 + i) * a.q_stride + head * a.head_dim + d] * a.position_keys[at];
            if (a.position_queries) sum += (double)a.k[(k0 + j) * a.k_stride + kv_head * a.head_dim + d] * a.position_queries[at];
        }
    }
    sum *= a.scale;
    if (a.softcap != 0) sum = a.softcap * std::tanh(sum / a.softcap);
    if (a.distances)
        sum += a.distances[head * a.distance_head_stride
                           + (distance < -a.reach ? 0 : distance > a.reach ? 2 * a.reach : distance + a.reach)];
    return a.mask ? sum + a.mask[seq * a.mask_seq_stride + head * a.mask_head_stride + i * a.mask_row_stride + j] : sum;
}

void check_row(const gatun_attention_args &a, int64_t seq, int64_t head, int64_t i, outcome &o) {
    int64_t q0 = a.q_offsets[seq], k0 = a.kv_offsets[seq], lk = a.kv_offsets[seq + 1] - k0;
    int64_t kv_head = head / (a.num_heads / a.num_kv_heads);
    double highest = -INF, sum = 0, result[256] = {};
    bool broken = false;
    for (int64_t j = 0; j < lk; j++) {
        double s = score(a, seq, head, i, j);
        broken |= std::isnan(s) || s == INF;
        highest = s > highest ? s : highest;
    }
    for (int64_t j = 0; j < lk && highest != -INF; j++) {
        double weight = std::exp(score(a, seq, head, i, j) - highest);
        sum += weight;
        for (int64_t d = 0; d < a.head_dim; d++)
            result[d] += weight * a.v[(k0 + j) * a.v_stride + kv_head * a.head_dim + d];
    }
    for (int64_t d = 0; d < a.head_dim; d++) {
        double expected = broken ? NOT_A_NUMBER : highest == -INF ? 0 : result[d] / sum;
        double tolerance = highest == -INF ? 0 : 1e-6 * std::sqrt(1 + a.head_dim / 32.0);
        o.equal(a.out[(q0 + i) * a.out_stride + head * a.head_dim + d], expected, tolerance, "attention", i * a.head_dim + d);
    }
}

void check(const setup &s, numbers &random, outcome &o) {
    const int32_t *keys = s.self ? s.queries : s.keys;
    int64_t rows = total(s.queries, s.num_seqs), kv_rows = total(keys, s.num_seqs), most = longest(keys, s.num_seqs);
    int64_t width = s.num_heads * s.head_dim, kv_width = s.num_kv_heads * s.head_dim, gap = 3;
    int64_t longest_query = longest(s.queries, s.num_seqs);
    int64_t scratch = gatun_attention_scratch_bytes(most, s.head_dim, s.positions, gatun_get_max_threads());
    arrays m{guarded<float>(rows * width), guarded<float>(kv_rows * kv_width), guarded<float>(kv_rows * (kv_width + gap)),
             guarded<float>(rows * (width + gap)), guarded<float>(longest_query * most),
             guarded<float>(s.reach < 0 ? 0 : s.num_heads * (2 * s.reach + 1)), guarded<float>(s.positions * width),
             guarded<float>(s.positions * width), guarded<uint8_t>(kv_rows),
             guarded<int32_t>(s.num_seqs + 1), guarded<int32_t>(s.num_seqs + 1),
             guarded<int32_t>(s.positions ? 2 * s.position_reach + 1 : 0), guarded<char>(scratch)};
    random.fill(m.q, -2, 2);
    random.fill(m.k, -2, 2);
    for (int64_t i = 0; i < rows * width && s.large != 1; i++) m.q[i] = s.large * std::round(m.q[i] * 8);
    for (int64_t i = 0; i < kv_rows * kv_width && s.large != 1; i++) m.k[i] = std::round(m.k[i] * 32) / 32;
    random.fill(m.v, -1, 1);
    m.out.fill(77);
    std::memset(m.scratch.data(), 0xff, scratch); /* NaN */
    for (int64_t i = 0; i < m.mask.count(); i++) m.mask[i] = random.below(4) == 0 ? -INF : random.between(-1, 1);
    for (int64_t j = 0; j < most && longest_query > 1; j++) m.mask[most + j] = -INF; /* the second query sees nothing */
    for (int64_t i = 0; i < kv_rows; i++) m.padding[i] = random.below(3) == 0 ? (uint8_t)(1 + random.below(255)) : 0;
    if (s.broken != 0 && rows > 0) m.q[rows * width / 2] = s.broken;
    for (int64_t i = 0; i < s.num_seqs; i++) {
        m.q_offsets[i + 1] = m.q_offsets[i] + s.queries[i];
        m.kv_offsets[i + 1] = m.kv_offsets[i] + keys[i];
    }
    gatun_attention_args a{};
    a.q = m.q.data(); a.k = m.k.data(); a.v = m.v.data(); a.out = m.out.data();
    a.q_stride = width; a.k_stride = kv_width; a.v_stride = kv_width + gap; a.out_stride = width + gap;
    a.q_offsets = m.q_offsets.data(); a.kv_offsets = m.kv_offsets.data();
    a.num_seqs = s.num_seqs; a.num_heads = s.num_heads; a.num_kv_heads = s.num_kv_heads; a.head_dim = s.head_dim;
    if (s.mask) { a.mask = m.mask.data(); a.mask_row_stride = most; }
    if (s.padding) a.key_padding = m.padding.data();
    random.fill(m.distances, -2, 2);
    if (s.reach >= 0) { a.distances = m.distances.data(); a.reach = s.reach; a.distance_head_stride = s.reach % 2 ? 0 : 2 * s.reach + 1; }
    random.fill(m.position_keys, -1, 1);
    random.fill(m.position_queries, -1, 1);
    for (int64_t i = 0; i < m.position_rows.count(); i++) /* rising and falling, some met twice */
        m.position_rows[i] = (int32_t)(s.position_terms % 2 ? i * s.positions / m.position_rows.count() : random.below(s.positions));
    if (s.positions) {
        a.position_rows = m.position_rows.data(); a.num_positions = s.positions; a.position_reach = s.position_reach;
        a.position_keys = s.position_terms & 1 ? m.position_keys.data() : nullptr;
        a.position_queries = s.position_terms & 2 ? m.position_queries.data() : nullptr;
    }
    a.scratch = m.scratch.data(); a.scale = s.scale; a.causal = s.causal; a.softcap = s.softcap; a.window = s.window;
    gatun_attention(&a);
    for (int64_t seq = 0; seq < s.num_seqs; seq++)
        for (int64_t head = 0; head < s.num_heads; head++)
            for (int64_t i = 0; i < s.queries[seq]; i++) check_row(a, seq, head, i, o);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = width; j < width + gap; j++) o.equal(m.out[i * a.out_stride + j], 77, 0, "between the rows", i);
}

/* Masks made of the lowest finite number hide like -infinity, unless they hide all: then all count the same. */
void lowest_masks(numbers &random, outcome &o) {
    const int32_t keys = 19, dim = 5;
    const float LOWEST = -std::numeric_limits<float>::max();
    guarded<float> qkv(keys * 3 * dim), out(keys * dim), mask(keys * keys);
    guarded<int32_t> offsets(2);
    offsets[1] = keys;
    random.fill(qkv, -2, 2);
    for (int32_t i = 0; i < keys * keys; i++) mask[i] = i / keys == 3 || i % 7 == 0 ? LOWEST : 0;
    guarded<char> scratch(gatun_attention_scratch_bytes(keys, dim, 0, gatun_get_max_threads()));
    gatun_attention_args a{};
    a.q = qkv.data(); a.k = a.q + dim; a.v = a.k + dim; a.out = out.data(); a.q_stride = a.k_stride = a.v_stride = 3 * dim;
    a.out_stride = dim;
    a.q_offsets = a.kv_offsets = offsets.data(); a.num_seqs = a.num_heads = a.num_kv_heads = 1; a.head_dim = dim; a.scale = 0.5f;
    a.mask = mask.data(); a.mask_row_stride = keys; a.scratch = scratch.data();
    gatun_attention(&a);
    for (int32_t i = 0; i < keys; i++) {
        if (i != 3) check_row(a, 0, 0, i, o);
        for (int32_t d = 0; i == 3 && d < dim; d++) {
            double mean = 0;
            for (int32_t j = 0; j < keys; j++) mean += (double)a.v[j * 3 * dim + d] / keys;
            o.equal(out[i * dim + d], mean, 1e-6, "a row of the lowest", d);
        }
    }
}

} // namespace

void check_attention(outcome &o) {
    numbers random{1};
    for (int32_t dim : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 40, 48, 63, 64, 65, 96, 128, 130})
        for (int kind = 0; kind < 8; kind++) {
            setup s{2, {(int32_t)(1 + random.below(40)), (int32_t)(1 + random.below(20))}, {}, 4, kind & 1 ? 2 : 4, dim,
                    1 / std::sqrt((float)dim), (kind & 1) != 0, (kind & 2) != 0, (kind & 4) != 0, kind % 3 != 0, 0};
            s.keys[0] = (int32_t)(1 + random.below(70));
            s.keys[1] = (int32_t)(1 + random.below(30));
            check(s, random, o);
        }
    for (int32_t length = 0; length <= 67; length++)
        for (int kind = 0; kind < 4; kind++)
            check({1, {length}, {}, 1, 1, 8, 0.35f, (kind & 1) != 0, (kind & 2) != 0, false, true, 0}, random, o);
    for (int32_t keys = 0; keys <= 67; keys++)
        check({2, {13, 1}, {keys, 1}, 2, 2, 16, 0.25f, keys % 2 == 1, false, keys % 3 == 0, false, 0}, random, o);
    for (float scale : {0.0f, -0.3f, 40.0f}) check({1, {21}, {}, 2, 2, 12, scale, true, false, false, true, 0}, random, o);
    for (float broken : {NOT_A_NUMBER, INF, -INF, 1e30f})
        check({3, {5, 0, 30}, {}, 3, 3, 20, 0.2f, false, false, false, true, broken}, random, o);
    /* The highest score takes all, or several that are alike share it. */
    for (float large : {0x1p-3f, 0x1p5f, 0x1p30f, 0x1p66f, 0x1p100f, 0x1p121f})
        for (int kind = 0; kind < 4; kind++)
            for (float scale : {kind > 1 ? 0.25f : 0.3f, 1.0f, kind > 1 ? 0.5f : 0.7f})
                check({1, {37}, {}, 2, 2, 1, scale, kind % 2 != 0, false, kind > 1, true, 0, large}, random, o);
    lowest_masks(random, o);
    for (int64_t window : {0, 1, 2, 5, 16, 17, 33, 64, 1000})
        for (int64_t reach : {-1, 0, 1, 7, 31, 64, 200})
            for (int kind = 0; kind < 4; kind++) {
                setup s{3, {29, 0, 67}, {41, 9, 67}, 4, kind & 1 ? 2 : 4, 9, 0.4f, (kind & 1) != 0, (kind & 2) != 0, window % 3 == 1,
                        kind == 2, 0};
                s.window = window; s.reach = reach; s.softcap = reach % 2 ? 1.5f : 0;
                check(s, random, o);
            }
    for (int64_t positions : {1, 2, 17, 64})
        for (int64_t reach : {0, 3, 31, 100})
            for (int terms = 1; terms < 4; terms++)
                for (int kind = 0; kind < 3; kind++) {
                    setup s{3, {31, 0, 66}, {40, 5, 66}, 4, kind == 2 ? 2 : 4, 11, 0.3f, kind == 2, kind == 1, false, kind != 2, 0};
                    s.positions = positions; s.position_reach = reach; s.position_terms = terms; s.window = kind == 1 ? 20 : 0;
                    check(s, random, o);
                }
    for (bool causal : {false, true}) {
        setup s{2, {300, 3}, {}, 2, 2, 32, 0.2f, causal, false, false, true, 0};
        for (s.window = 1; s.window < 400; s.window = s.window * 3 / 2 + 1) check(s, random, o);
        /* More queries than keys: the first stand before all of them. */
        setup few{2, {50, 9}, {7, 9}, 2, 2, 8, 0.3f, causal, false, false, false, 0};
        for (few.window = 0; few.window < 9; few.window++) check(few, random, o);
    }
    check({3, {100, 3, 257}, {129, 0, 260}, 3, 1, 32, 0.2f, false, true, true, false, 0}, random, o);
    check({1, {512}, {}, 1, 1, 64, 0.125f, true, false, false, true, 0}, random, o);
}
