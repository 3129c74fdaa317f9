/*
 * Attention with one head's keys, values and a tile of scores in cache. Keys are packed transposed and values side by
 * side, both padded to whole vectors, so that the two products are register-blocked and have no tails inside.
 */
#pragma once

#include <limits>

#include "kernels.h"
#include "parallel.h"
#include "products.h"
#include "vec.h"

namespace GATUN_NAMESPACE {

constexpr float HIDDEN = -std::numeric_limits<float>::infinity();

struct head_buffers {
    float *keys;   /* panels of [head_dim, PANEL keys] */
    float *values; /* [keys, padded(head_dim)] */
    float *scores; /* [ROWS, padded(keys)] */
    float *result; /* [ROWS, padded(head_dim)] */
    /* Of disentangled attention, for those of its positions that a sequence meets. */
    float *position_keys;   /* panels of [head_dim, PANEL positions] */
    float *position_scores; /* [positions, padded(keys)]: position_queries by keys */
    float *row_positions;   /* [ROWS, padded(positions)]: queries by position_keys */
    int64_t first_position, positions;
};

static int64_t scratch_floats(int64_t keys, int64_t head_dim, int64_t positions) {
    return head_dim * padded(keys) + keys * padded(head_dim) + ROWS * (padded(keys) + padded(head_dim)) + head_dim * padded(positions) +
           positions * padded(keys) + ROWS * padded(positions);
}

/* W keys become W columns of their panel, whose rows are width apart; those that do not exist become zeros. */
static void pack_keys(float *panel, int64_t width, const float *k, int64_t stride, int64_t keys, int64_t head_dim) {
    vf block[W];
    for (int64_t d = 0; d < head_dim; d += W) {
        int64_t dims = head_dim - d < W ? head_dim - d : W;
        for (int64_t j = 0; j < W; j++)
            block[j] = j >= keys ? vf{} : dims == W ? load(k + j * stride + d) : load_n(k + j * stride + d, dims);
        transpose(block);
        for (int64_t i = 0; i < dims; i++) store(panel + (d + i) * width, block[i]);
    }
}

/* All of them, in panels. */
static void pack_panels(float *panels, const float *k, int64_t stride, int64_t keys, int64_t head_dim) {
    int64_t ld = padded(keys);
    for (int64_t j = 0; j < ld; j += W) {
        int64_t first = j / PANEL * PANEL, width = ld - first < PANEL ? W : PANEL;
        pack_keys(panels + first * head_dim + (j - first), width, k + j * stride, stride, keys - j, head_dim);
    }
}

static void pack_head(const head_buffers &to, const float *k, int64_t k_stride, const float *v, int64_t v_stride,
                      int64_t keys, int64_t head_dim) {
    int64_t vd = padded(head_dim);
    pack_panels(to.keys, k, k_stride, keys, head_dim);
    for (int64_t j = 0; j < keys; j++) {
        float *row = to.values + j * vd;
        const float *from = v + j * v_stride;
        for (int64_t d = 0; d + W <= head_dim; d += W) store(row + d, load(from + d));
        if (vd > head_dim) store(row + vd - W, load_n(from + vd - W, head_dim - (vd - W)));
    }
}

/* Lanes of one head's distances from this column on, which may lie before the first or behind the last: those count for all beyond. */
static inline vf distances_at(const float *row, int64_t column, int64_t columns) {
    if (column >= 0 && column + W <= columns) return load(row + column);
    vf v;
    for (int64_t i = 0; i < W; i++) {
        int64_t at = column + i;
        v[i] = row[at < 0 ? 0 : at < columns ? at : columns - 1];
    }
    return v;
}

/* What is added to a row of scores, from the first of its columns on. */
struct row_terms {
    const float *mask;      /* NULL for none */
    const uint8_t *padding; /* NULL for none */
    const float *distances; /* of the head; NULL for none */
    int64_t distance_column;
};

/* scores = cap(scale * scores) + distances + mask, -infinity where padded, between begin, a vector's first lane, and end. */
static void complete_row(const gatun_attention_args &a, float *scores, int64_t begin, int64_t end, const row_terms &terms) {
    for (int64_t j = begin; j < end; j += W) {
        int64_t n = end - j < W ? end - j : W;
        vf s = load(scores + j) * a.scale;
        if (a.softcap != 0) s = a.softcap * tanh(s * (1 / a.softcap));
        if (terms.distances) s += distances_at(terms.distances, terms.distance_column + j, 2 * a.reach + 1);
        if (terms.mask) s += n == W ? load(terms.mask + j) : load_n(terms.mask + j, n);
        if (terms.padding) s = select(marked(terms.padding + j, n), set(HIDDEN), s);
        store(scores + j, s);
    }
}

/* Columns of scores that a row sees. */
struct visible_keys {
    int64_t begin, end;
    int64_t first() const { return begin / W * W; }
    int64_t last() const { return padded(end); }
};

/* What gatun_attention_args.undefined says. */
enum { HIDDEN_IS_ZERO = 0, UNDEFINED_IS_ZERO, UNDEFINED_IS_NAN };

/* The rare row whose highest score is -infinity: all hidden, or NaN among them, which compares false. Their difference from it is NaN. */
static void settle_row(float *scores, const visible_keys &seen, int64_t columns, int32_t undefined) {
    bool is_nan = undefined == UNDEFINED_IS_NAN;
    for (int64_t j = seen.begin; j < seen.end && undefined == HIDDEN_IS_ZERO; j++) is_nan |= scores[j] != scores[j];
    for (int64_t j = 0; j < columns; j++) scores[j] = is_nan && j >= seen.begin && j < seen.end ? scores[j] - scores[j] : 0;
}

/* The lanes of a row's first and last vector that it does not see become -infinity; returns the largest of each lane. */
static inline vf hide_and_find_highest(float *row, const visible_keys &seen) {
    if (seen.begin % W) store(row + seen.first(), join_lanes(set(HIDDEN), load(row + seen.first()), seen.begin % W));
    if (seen.end % W) store(row + seen.last() - W, join_lanes(load(row + seen.last() - W), set(HIDDEN), seen.end % W));
    vf m = set(HIDDEN);
    for (int64_t j = seen.first(); j < seen.last(); j += W) m = max(load(row + j), m);
    return m;
}

/* scores[i][what it sees] -> exp(scale * (scores - max)), the rest up to columns -> 0; factors[i] becomes one over
 * their sum, by which the result has still to be multiplied. scale > 0. Each step goes over all rows before the next begins:
 * the reductions inside a vector are long chains, which only those of other rows can hide. */
static void softmax_rows(int64_t rows, float *scores, int64_t ld, int64_t columns, const visible_keys *seen, float scale,
                         int32_t undefined, float *factors) {
    const float LOG2_E = 1.44269504088896341f, LARGEST = std::numeric_limits<float>::max();
    const vf factor = set(scale * LOG2_E), lowest = max(set(-126.0f / (scale * LOG2_E)), set(-LARGEST));
    vf highest[ROWS], totals[ROWS];
    for (int64_t i = 0; i < rows; i++) highest[i] = hide_and_find_highest(scores + i * ld, seen[i]);
    for (int64_t i = 0; i < rows; i++) highest[i] = set(maximum(highest[i]));
    for (int64_t i = 0; i < rows; i++) {
        float *row = scores + i * ld;
        if (highest[i][0] == HIDDEN) {
            settle_row(row, seen[i], columns, undefined);
            totals[i] = set(1.0f / W);
            continue;
        }
        /* The difference first: it is exact where it matters, however large the scores are. */
        vf total{};
        for (int64_t j = 0; j < seen[i].first(); j += W) store(row + j, vf{});
        for (int64_t j = seen[i].first(); j < seen[i].last(); j += W) {
            vf e = exp2_below(load(row + j) - highest[i], factor, lowest);
            store(row + j, e);
            total += e;
        }
        totals[i] = total;
        for (int64_t j = seen[i].last(); j < columns; j += W) store(row + j, vf{});
    }
    for (int64_t i = 0; i < rows; i++) {
        float total = sum(totals[i]);
        if (undefined == UNDEFINED_IS_ZERO && total != total) {
            for (int64_t j = 0; j < columns; j += W) store(scores + i * ld + j, vf{});
            total = 1;
        }
        factors[i] = 1.0f / total;
    }
}

/* The keys that a query sees which stands at this place among them. */
static visible_keys keys_seen(const gatun_attention_args &a, int64_t place, int64_t keys) {
    int64_t begin = a.window ? place - a.window + 1 : 0, end = a.causal ? place + 1 : a.window ? place + a.window : keys;
    end = end < 0 ? 0 : end < keys ? end : keys;
    return {begin < 0 ? 0 : begin < end ? begin : end, end};
}

/* The row of positions for a key so far behind the query. */
static inline int64_t position_row(const gatun_attention_args &a, int64_t distance) {
    int64_t reach = a.position_reach;
    return a.position_rows[(distance < -reach ? -reach : distance > reach ? reach : distance) + reach];
}

/* Which positions a sequence meets, and what can be computed of them for all its queries. */
static void meet_positions(const gatun_attention_args &a, head_buffers &head, int64_t h, int64_t queries, int64_t keys) {
    int64_t least = a.num_positions, most = -1, ld = padded(keys), d = a.head_dim, stride = a.num_heads * d;
    for (int64_t distance = -(keys - 1); distance < (keys > queries ? keys : queries); distance++) {
        int64_t row = position_row(a, distance);
        least = row < least ? row : least;
        most = row > most ? row : most;
    }
    head.first_position = least;
    head.positions = most - least + 1;
    if (a.position_keys) pack_panels(head.position_keys, a.position_keys + least * stride + h * d, stride, head.positions, d);
    for (int64_t p = 0; a.position_queries && p < head.positions; p += ROWS)
        product_panels(head.positions - p < ROWS ? head.positions - p : ROWS, a.position_queries + (least + p) * stride + h * d, stride,
                       head.keys, d, ld, head.position_scores + p * ld, ld, ld);
}

/* Adds to scores, whose columns begin at key first, what the rows of positions give. */
static void add_positions(const gatun_attention_args &a, const head_buffers &head, const float *q, int64_t rows, int64_t place,
                          int64_t first, int64_t ld, const visible_keys *seen) {
    int64_t columns = padded(head.positions);
    if (a.position_keys)
        product_panels(rows, q, a.q_stride, head.position_keys, a.head_dim, columns, head.row_positions, columns, columns);
    for (int64_t i = 0; i < rows; i++) {
        float *row = head.scores + i * ld;
        const float *by_query = head.row_positions + i * columns - head.first_position;
        const float *by_key = head.position_scores - head.first_position * ld + first;
        for (int64_t j = seen[i].begin; j < seen[i].end; j++) {
            int64_t p = position_row(a, first + j - (place + i));
            if (a.position_keys) row[j] += by_query[p];
            if (a.position_queries) row[j] += by_key[p * ld + j];
        }
    }
}

/* Rows i0 .. i0 + rows of one head's queries. Columns of scores begin at the first panel of keys that any of them sees. */
static void attend_tile(const gatun_attention_args &a, const head_buffers &head, int64_t seq, int64_t h, int64_t i0,
                        int64_t rows) {
    int64_t q0 = a.q_offsets[seq], k0 = a.kv_offsets[seq], keys = a.kv_offsets[seq + 1] - k0, d = a.head_dim;
    int64_t place = i0 + keys - (a.q_offsets[seq + 1] - q0); /* of the first row among the keys */
    int64_t first = keys_seen(a, place, keys).begin / PANEL * PANEL, used = keys_seen(a, place + rows - 1, keys).end - first;
    if (used < 0) used = 0;
    int64_t ld = padded(keys), columns = padded(used), vd = padded(d);
    const float *q = a.q + (q0 + i0) * a.q_stride + h * d;
    float *out = a.out + (q0 + i0) * a.out_stride + h * d;
    const float *mask = a.mask ? a.mask + seq * a.mask_seq_stride + h * a.mask_head_stride + first : nullptr;
    row_terms terms{nullptr, a.key_padding ? a.key_padding + k0 + first : nullptr,
                    a.distances ? a.distances + h * a.distance_head_stride : nullptr, 0};
    bool plain = !mask && !terms.padding && !terms.distances && a.softcap == 0 && a.scale > 0;
    product_panels(rows, q, a.q_stride, head.keys + first * d, d, ld - first, head.scores, ld, columns);
    visible_keys seen[ROWS];
    for (int64_t i = 0; i < rows; i++) {
        seen[i] = keys_seen(a, place + i, keys);
        seen[i] = {seen[i].begin < first ? 0 : seen[i].begin - first, seen[i].end < first ? 0 : seen[i].end - first};
    }
    if (a.position_rows) add_positions(a, head, q, rows, place, first, ld, seen);
    for (int64_t i = 0; i < rows && !plain; i++) {
        terms.mask = mask ? mask + (i0 + i) * a.mask_row_stride : nullptr;
        terms.distance_column = first - (place + i) + a.reach;
        complete_row(a, head.scores + i * ld, seen[i].first(), seen[i].end, terms);
    }
    float factors[ROWS];
    softmax_rows(rows, head.scores, ld, columns, seen, plain ? a.scale : 1.0f, a.undefined, factors);
    product_rows(rows, head.scores, ld, head.values + first * vd, vd, used, head.result, vd, vd);
    for (int64_t i = 0; i < rows; i++) {
        const float *from = head.result + i * vd;
        float *to = out + i * a.out_stride;
        int64_t j = 0;
        for (; j + W <= d; j += W) store(to + j, load(from + j) * factors[i]);
        if (j < d) store_n(to + j, load(from + j) * factors[i], d - j);
    }
}

static void attend_head(const gatun_attention_args &a, int64_t seq, int64_t h, float *scratch) {
    int64_t queries = a.q_offsets[seq + 1] - a.q_offsets[seq];
    int64_t k0 = a.kv_offsets[seq], keys = a.kv_offsets[seq + 1] - k0;
    int64_t d = a.head_dim, kv_head = h / (a.num_heads / a.num_kv_heads);
    if (queries == 0) return;
    head_buffers head{};
    head.keys = scratch;
    head.values = head.keys + d * padded(keys);
    head.scores = head.values + keys * padded(d);
    head.result = head.scores + ROWS * padded(keys);
    head.position_keys = head.result + ROWS * padded(d);
    head.row_positions = head.position_keys + d * padded(a.position_rows ? a.num_positions : 0);
    head.position_scores = head.row_positions + ROWS * padded(a.position_rows ? a.num_positions : 0);
    pack_head(head, a.k + k0 * a.k_stride + kv_head * d, a.k_stride, a.v + k0 * a.v_stride + kv_head * d, a.v_stride, keys,
              d);
    if (a.position_rows && keys > 0) meet_positions(a, head, h, queries, keys);
    /* Tiles of nearly equal size: a last tile of few rows would not fill the multipliers. */
    int64_t tiles = (queries + ROWS - 1) / ROWS;
    for (int64_t t = 0; t < tiles; t++) {
        int64_t first = t * queries / tiles, end = (t + 1) * queries / tiles;
        attend_tile(a, head, seq, h, first, end - first);
    }
}

static void attention(const gatun_attention_args *args) {
    int64_t longest = 0, pairs = args->num_seqs * args->num_heads;
    for (int64_t s = 0; s < args->num_seqs; s++) {
        int64_t keys = args->kv_offsets[s + 1] - args->kv_offsets[s];
        longest = keys > longest ? keys : longest;
    }
    int64_t stride = (scratch_floats(longest, args->head_dim, args->position_rows ? args->num_positions : 0) + 15) / 16 * 16;
    parallel_in_turn(pairs, [&](int64_t pair, int64_t thread) {
        attend_head(*args, pair / args->num_heads, pair % args->num_heads, static_cast<float *>(args->scratch) + thread * stride);
    });
}

} // namespace
