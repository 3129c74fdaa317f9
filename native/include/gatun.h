/*
 * libgatun: Gatun's own kernels. A kernel is here only because it was measured to beat what oneDNN and OpenBLAS
 * offer for the same work. C ABI; F32 and row-major unless said otherwise; sizes and strides in elements.
 * No kernel allocates; threads are OpenMP's, as many as the calling thread has set. Sizes may be 0: an empty result is not written,
 * and a product over nothing is 0.
 */
#ifndef GATUN_H
#define GATUN_H

#include <stdint.h>

#if defined(_WIN32)
#define GATUN_API __declspec(dllexport)
#else
#define GATUN_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* CRC-32 of this file as it was compiled: the Java side refuses a library of another header than its own. */
GATUN_API int64_t gatun_header_checksum(void);

/* Instruction set whose kernels run: "baseline", "avx2" or "avx512". */
GATUN_API const char *gatun_isa(void);

/* For tests: use no better set than 0 baseline, 1 avx2, 2 avx512. Returns what is in use now. */
GATUN_API int32_t gatun_limit_isa(int32_t limit);

/* Threads that kernels called from this thread use, oneDNN's included: 1 to 256. Returns them, or 1 if the process can't start as many. */
GATUN_API int32_t gatun_set_num_threads(int32_t threads);
GATUN_API int32_t gatun_get_max_threads(void);

/* A zeroed block, aligned to a page, whose pages are taken when first touched; NULL if there is none.
 * The guarded kind ends at a page that may not be touched, so that its beginning has the alignment that its size leaves; so may the
 * page in front of its first not be touched. */
GATUN_API void *gatun_alloc(int64_t bytes);
GATUN_API void gatun_free(void *block, int64_t bytes);
GATUN_API void *gatun_alloc_guarded(int64_t bytes);
GATUN_API void gatun_free_guarded(void *block, int64_t bytes);

/* Does nothing: what a call from another language costs. */
GATUN_API void gatun_noop(void);

/*
 * Attention(Q, K, V) = softmax(cap(scale * Q K^T) + distances + mask) V, for each sequence and head (Vaswani et al. 2017).
 * Sequences lie end to end: rows q_offsets[i] .. q_offsets[i+1] of q and out, kv_offsets[i] .. of k and v. Head h is
 * columns h*head_dim .. of a row; heads share key/value heads when num_kv_heads is smaller. A row whose scores are all
 * -infinity gives zeros unless undefined says else; an empty sequence gives nothing. Query i stands at i' = i + Lk - Lq among the keys. out
 * may not overlap q, k or v. scratch holds gatun_attention_scratch_bytes; it grows with the longest sequence, not with batch x heads x
 * length^2.
 */
typedef struct {
    const float *q, *k, *v;
    float *out;
    int64_t q_stride, k_stride, v_stride, out_stride; /* between rows */
    const int32_t *q_offsets, *kv_offsets;
    int64_t num_seqs, num_heads, num_kv_heads, head_dim;
    const float *mask;          /* added to the scaled scores; NULL for none */
    int64_t mask_seq_stride, mask_head_stride, mask_row_stride; /* 0 repeats */
    const uint8_t *key_padding; /* one for each row of k: not 0 hides it; NULL for none */
    void *scratch;
    float scale;
    int32_t causal; /* not 0: query i sees keys j <= i' */
    float softcap;  /* not 0: cap(x) = softcap * tanh(x / softcap); else cap(x) = x */
    int32_t undefined; /* weights of a row whose keys are all hidden, and of one with a score that is NaN: 0 zeros, NaN; 1 zeros; 2 NaN */
    int64_t window; /* not 0: query i sees keys with |j - i'| < window */
    const float *distances; /* row h, column min(max(j - i', -reach), reach) + reach is added; NULL for none */
    int64_t distance_head_stride, reach; /* between rows; 0: one for all heads */
    /* Disentangled attention (He et al. 2021): to a product of query i and key j is added that of the query with row r of position_keys,
     * and that of the key with row r of position_queries, [num_positions, num_heads * head_dim] each and either may be NULL; r =
     * position_rows[min(max(j - i', -position_reach), position_reach) + position_reach]. */
    const float *position_keys, *position_queries;
    const int32_t *position_rows; /* NULL for none */
    int64_t num_positions, position_reach;
} gatun_attention_args;

/* num_positions is 0 without such rows. */
GATUN_API int64_t gatun_attention_scratch_bytes(int64_t max_keys, int64_t head_dim, int64_t num_positions, int32_t threads);
GATUN_API void gatun_attention(const gatun_attention_args *args);

/* out = (x + residual - mean) / sqrt(variance + eps) * gamma + beta over rows (Ba et al. 2016); residual, beta may be NULL; out may be
 * x or residual. rms: the mean is taken for 0 (Zhang and Sennrich 2019). */
typedef struct {
    const float *x, *residual, *gamma, *beta;
    float *out;
    int64_t rows, cols;
    float eps;
    int32_t rms;
} gatun_layer_norm_args;

GATUN_API void gatun_layer_norm(const gatun_layer_norm_args *args);

/*
 * Heads of queries and keys before they meet: each is divided by its root mean square and multiplied with its gamma, if there is one, then
 * its first rotary_dim elements are rotated by its row's position p, if there is a table (Su et al. 2021): elements i and i + rotary_dim /
 * 2, or 2i and 2i + 1 if interleaved, by the angle whose cosine is table[p][i] and whose sine is table[p][rotary_dim / 2 + i]. A row is
 * cols elements: q_heads of queries, k_heads of keys, then what is left as it is. Positions count from 0 in each sequence, or are given for
 * each row; without a table they are not read. out is x, or does not overlap it; rows past the last sequence are left as they are.
 */
typedef struct {
    const float *x;
    float *out;
    int64_t rows, cols, q_heads, k_heads, head_dim;
    const float *q_gamma, *k_gamma; /* [head_dim], or NULL */
    const float *table;             /* [positions, rotary_dim], or NULL */
    const int32_t *offsets;         /* of num_seqs sequences; read where there are no positions */
    const int32_t *positions;       /* [rows], or NULL */
    int64_t num_seqs, rotary_dim;
    float eps;
    int32_t interleaved;
} gatun_rotary_args;

GATUN_API void gatun_rotary(const gatun_rotary_args *args);

/* out[t] = norm(scale * word[ids[t]] + position[positions[t]] + type[types[t]]); a NULL table adds nothing, NULL
 * types mean row 0, NULL gamma no normalization. Indices must be valid. word is F32 [words, cols]; or, if word_columns is not 0, the words
 * are columns of [cols, word_columns] as gatun_pack_panels (word_type 0) or gatun_narrow_pack (GATUN_F16, GATUN_BF16) lays them out. */
typedef struct {
    const void *word;
    const float *position, *type;
    const int32_t *ids, *positions, *types;
    const float *gamma, *beta;
    float *out;
    int64_t rows, cols, word_columns;
    float scale, eps;
    int32_t word_type;
} gatun_embed_args;

GATUN_API void gatun_embed(const gatun_embed_args *args);

/* What becomes of a sequence's rows: their mean, the first, the largest of each column, their sum over the root of their number, their
 * mean weighted by 1, 2, 3, ..., the last. */
enum { GATUN_POOL_MEAN = 0, GATUN_POOL_FIRST, GATUN_POOL_MAX, GATUN_POOL_MEAN_SQRT, GATUN_POOL_WEIGHTED, GATUN_POOL_LAST };

/* One vector a sequence, of such a kind; zeros if it has no rows. normalize: divided by its Euclidean length. Row stride of x and
 * out is cols. */
typedef struct {
    const float *x;
    float *out;
    const int32_t *offsets;
    int64_t num_seqs, cols;
    int32_t kind, normalize;
} gatun_pool_args;

GATUN_API void gatun_pool(const gatun_pool_args *args);

/* Functions that a product can end with. */
enum {
    GATUN_NONE = 0, GATUN_RELU, GATUN_GELU_ERF, GATUN_GELU_TANH, GATUN_SILU, GATUN_RELU6, GATUN_HARDSWISH,
    GATUN_TANH, GATUN_SIGMOID,
    GATUN_RELU2,      /* max(x, 0)^2 */
    GATUN_QUICK_GELU, /* x * sigmoid(1.702 x) */
    GATUN_MISH        /* x * tanh(log(1 + e^x)) */
};

/* x = activation(scale * (x + bias)) + residual over rows; bias, residual may be NULL. Row strides are cols. */
typedef struct {
    float *x;
    const float *bias, *residual;
    int64_t rows, cols;
    float scale;
    int32_t activation;
} gatun_bias_act_args;

GATUN_API void gatun_bias_act(const gatun_bias_act_args *args);

/* A gated unit (Shazeer 2020): out[row][j] = activation(gate) * up, where one of them is x[row][j] and the other x[row][cols + j]: the
 * gate comes first, or last. */
typedef struct {
    const float *x; /* [rows, 2 * cols] */
    float *out;     /* [rows, cols] */
    int64_t rows, cols;
    int32_t activation, gate_last;
} gatun_gated_args;

GATUN_API void gatun_gated(const gatun_gated_args *args);

/*
 * c[m, n] = activation(scale * (a[m, k] b[k, n] + bias)) + residual by calls of a single-threaded cblas_sgemm on blocks of
 * rows, OpenMP's threads side by side; a block gets its bias and activation while it is in cache. c may be residual if scale is 1 and
 * there is no activation.
 */
typedef struct {
    const void *cblas_sgemm;
    const float *a, *b, *bias, *residual;
    float *c;
    int64_t m, n, k;
    float scale;
    int32_t activation;
} gatun_sgemm_args;

GATUN_API void gatun_sgemm(const gatun_sgemm_args *args);

/*
 * Floats of packed weights [k, n]: panels of so many columns, [k][columns] each, the last perhaps narrower, zeros beyond n. How many
 * is the instruction set's choice: weights packed for one are of no use to another.
 */
GATUN_API int64_t gatun_panel_floats(int64_t k, int64_t n);

/* Packs element (p, j) = b[p * k_stride + j * n_stride]. Returns 1 if all are finite, else 0. */
GATUN_API int32_t gatun_pack_panels(const float *b, int64_t k, int64_t n, int64_t k_stride, int64_t n_stride, float *packed);

/*
 * c[m, n] = activation(a[m, k] b[k, n] + bias + sum), b packed in panels. bias and sum may be NULL; sum may be c. Where few
 * rows of a have zeros in common, as after a ReLU, the rows of b that meet only them are not read, if b is known to be finite:
 * the result is the same.
 */
typedef struct {
    const float *a, *b, *bias, *sum;
    float *c;
    int64_t lda, ldc, sum_stride; /* between rows */
    int64_t m, n, k;
    int32_t activation, finite;
} gatun_gemm_args;

GATUN_API void gatun_gemm(const gatun_gemm_args *args);

/*
 * Products with narrow weights. GATUN_F16 and GATUN_BF16 are halves that are widened in registers: the arithmetic is F32's. GATUN_INT8:
 * weights of a column are signed bytes times the column's scale; a row of a is rounded to 0 .. 255 beside a zero point, times the row's
 * scale, while it is read; sums of products are exact. A column's scale is its largest magnitude / 127; where the instruction set adds
 * products of bytes in 16 bits (gatun_narrow_pairs), so large that nothing overflows: of the weights 8i + 0, 1, 4, 5 and 8i + 2, 3, 6, 7
 * the largest sum of those of one sign, / 126. A row of a, or a column of b, that has a NaN or an infinity gives NaN; a row whose range is
 * below 255e-34 counts as zeros.
 */
enum { GATUN_F16 = 1, GATUN_BF16, GATUN_INT8 };

/* Deepest k of GATUN_INT8: its sums fit 32 bits. */
#define GATUN_INT8_DEPTH 66000

GATUN_API int32_t gatun_narrow_pairs(void);
/* Bytes of packed weights [k, n], in panels as of gatun_pack_panels. */
GATUN_API int64_t gatun_narrow_bytes(int32_t type, int64_t k, int64_t n);
/* Packs element (p, j) = b[p * k_stride + j * n_stride]. Returns what rounding lost: the root of the mean square of its changes in a
 * column, as a share of the root of the column's mean square, of GATUN_INT8 of the median of its magnitudes (of 64 of them; where that is
 * not 0), and the root of the mean square of these shares over the columns. NaN if b, or what it becomes, is not finite. */
GATUN_API double gatun_narrow_pack(int32_t type, const float *b, int64_t k, int64_t n, int64_t k_stride, int64_t n_stride, void *packed);

/* c[m, n] = activation(a[m, k] b[k, n] + bias + sum), b packed. bias and sum may be NULL; sum may be c. */
typedef struct {
    const float *a;
    const void *b;
    const float *bias, *sum;
    float *c;
    void *scratch; /* gatun_narrow_scratch_bytes */
    int64_t lda, ldc, sum_stride; /* between rows */
    int64_t m, n, k;
    int32_t activation, type;
} gatun_narrow_args;

GATUN_API int64_t gatun_narrow_scratch_bytes(int32_t type, int64_t m, int64_t k);
GATUN_API void gatun_narrow(const gatun_narrow_args *args);

/* Kinds of numbers of gatun_bytes. */
enum { GATUN_F32 = 1, GATUN_U8, GATUN_S8 };

/* Deepest k of gatun_bytes: (a - zero) (b - zero) summed fits 32 bits. */
#define GATUN_BYTES_DEPTH 33000

/* Element (p, j) = (b[p * k_stride + j * n_stride] - zeros[j * zero_stride]) * scales[j * scale_stride]; b and zeros U8 or S8, both zeros
 * and scales may be NULL: 0 and 1. */
typedef struct {
    const void *b, *zeros;
    const float *scales;
    int64_t k, n, k_stride, n_stride, zero_stride, scale_stride;
    int32_t type;
} gatun_bytes_source;

GATUN_API int64_t gatun_bytes_packed_bytes(int64_t k, int64_t n);
GATUN_API void gatun_bytes_pack(const gatun_bytes_source *source, void *packed);

/*
 * c[m, n] = activation(a[m, k] b[k, n] + bias + sum), all dense, b packed. a is U8 or S8, each worth a_scale times what it is above the
 * byte at a_zero (NULL: 1 and 0); or F32, which becomes U8 for all rows together as ONNX's DynamicQuantizeLinear says: scale = (max - min)
 * / 255, zero = round(-min / scale), over a range that has 0 in it. A NaN or an infinity in it makes all NaN. Sums are exact. whole: c are
 * these sums in 32 bits, without scales, and bias, sum and activation are not there.
 */
typedef struct {
    const void *a, *b;
    const float *bias, *sum;
    void *c;
    void *scratch; /* gatun_bytes_scratch_bytes */
    const float *a_scale;
    const void *a_zero;
    int64_t m, n, k;
    int32_t activation, a_type, whole;
} gatun_bytes_args;

GATUN_API int64_t gatun_bytes_scratch_bytes(int64_t m, int64_t k);
GATUN_API void gatun_bytes(const gatun_bytes_args *args);

/* A type of results beside these. */
enum { GATUN_S32 = 4 };

/* Weights [oc, c, kh, kw] of a convolution over bytes, oc and c of all groups and of one: U8 or S8, each less its channel's zero. zeros,
 * bias, factors and add have one number for each of oc, and may be NULL: 0, 0, 1, 0. */
typedef struct {
    const void *w, *zeros;
    const int32_t *bias;
    const float *factors, *add;
    int64_t groups, oc, c, kh, kw;
    int32_t type;
} gatun_byte_filters;

GATUN_API int64_t gatun_byte_filters_bytes(int64_t groups, int64_t oc, int64_t c, int64_t kh, int64_t kw);
GATUN_API void gatun_byte_filters_pack(const gatun_byte_filters *source, void *packed);

/* What becomes of a number v: itself in F32; or the nearest whole number + zero, at least low and at most high, in a byte. */
typedef struct {
    int32_t type, zero, low, high;
} gatun_byte_result;

/*
 * A convolution of src[n, h, w, groups * c], U8 or S8, by packed weights; padding is worth what src_zero is. x = the sum over a window of
 * (src - src_zero) (weight - zero), + bias: exact; kh * kw * c is at most GATUN_BYTES_DEPTH. dst[n, oh, ow, oc] = x in 32 bits (GATUN_S32),
 * or what becomes of x * factor + add.
 */
typedef struct {
    const void *src, *filters;
    void *dst, *scratch; /* gatun_byte_conv_scratch_bytes */
    int64_t n, h, w, groups, oc, c, kh, kw, oh, ow, stride_h, stride_w, dilation_h, dilation_w, top, left;
    int32_t src_type, src_zero;
    gatun_byte_result result;
} gatun_byte_conv_args;

GATUN_API int64_t gatun_byte_conv_scratch_bytes(const gatun_byte_conv_args *args, int32_t threads);
GATUN_API void gatun_byte_conv(const gatun_byte_conv_args *args);

/* dst[pages, rows, cols] = what becomes of a * b * a_factor (product), or a * a_factor + b * b_factor, a and b less their zeros. a, b: U8
 * or S8; b[pages, cols] is the same for all rows. dst may be a, and b where there is one row. */
typedef struct {
    const void *a, *b;
    void *dst;
    int64_t pages, rows, cols;
    float a_factor, b_factor;
    int32_t a_type, a_zero, b_type, b_zero, product;
    gatun_byte_result result;
} gatun_byte_pair_args;

GATUN_API void gatun_byte_pair(const gatun_byte_pair_args *args);

/* dst[pages, cols] = what becomes of the sum over rows of (src[pages, rows, cols] - zero), times factor. */
typedef struct {
    const void *src;
    void *dst;
    int64_t pages, rows, cols;
    float factor;
    int32_t type, zero;
    gatun_byte_result result;
} gatun_byte_mean_args;

GATUN_API void gatun_byte_mean(const gatun_byte_mean_args *args);

/* dst[i] = what becomes of src[i] / scale of F32; of (src[i] - zero) * scale of bytes. */
typedef struct {
    const void *src;
    void *dst;
    int64_t count;
    float scale;
    int32_t type, zero;
    gatun_byte_result result;
} gatun_byte_scale_args;

GATUN_API void gatun_byte_scale(const gatun_byte_scale_args *args);

/* dst[i] = table[src[i]], 256 bytes; dst may be src. */
GATUN_API void gatun_byte_map(const uint8_t *src, const uint8_t *table, uint8_t *dst, int64_t count);

/* Most taps that gatun_stem takes: c * kh * kw. */
#define GATUN_STEM_DEPTH 512

/*
 * A network's first convolution: src[n, c, h, w], planes of few channels, dst[n, h', w', oc] = activation(conv(src) + bias), h' = (h + 2
 * pad - kh) / stride + 1. b: weights [c * kh * kw, oc] in panels. oc is a multiple of GATUN_WINOGRAD_CHANNELS; activation is
 * GATUN_NONE or GATUN_RELU. With pool, dst[n, h' / 2, w' / 2, oc] has the largest of each two by two pixels.
 */
typedef struct {
    const float *src, *b, *bias;
    float *dst;
    int64_t n, c, h, w, oc, kh, kw, stride, pad;
    void *scratch; /* gatun_stem_scratch_bytes */
    int32_t activation, pool;
} gatun_stem_args;

GATUN_API int64_t gatun_stem_scratch_bytes(const gatun_stem_args *args, int32_t threads);
GATUN_API void gatun_stem(const gatun_stem_args *args);

/* Channels of pictures come in multiples of this. */
#define GATUN_WINOGRAD_CHANNELS 32

/*
 * A 3 x 3 convolution with stride 1 over channels-last pictures by Winograd's minimal filtering F(4 x 4, 3 x 3) (Lavin and Gray
 * 2016), with the points 0, +-1/sqrt(2), +-sqrt(2), which lose less precision than the usual ones: 2.25 products for each result
 * instead of 9. dst[n, h', w', oc] = activation(conv(src[n, h, w, c]) + bias + sum), h' = h + 2 pad - 2. c and oc are multiples of
 * GATUN_WINOGRAD_CHANNELS; activation is GATUN_NONE or GATUN_RELU; sum may be dst or NULL. u holds gatun_winograd_floats. With pool,
 * dst[n, h' / 2, w' / 2, oc] has the largest of each two by two pixels, and there is no sum.
 */
typedef struct {
    const float *src, *u, *bias, *sum;
    float *dst;
    int64_t n, h, w, c, oc, pad;
    void *scratch; /* gatun_winograd_scratch_bytes */
    int32_t activation, pool;
} gatun_winograd_args;

GATUN_API int64_t gatun_winograd_floats(int64_t c, int64_t oc);
/* From weights [oc, c, 3, 3]. */
GATUN_API void gatun_winograd_pack(const float *weights, int64_t c, int64_t oc, float *u);
GATUN_API int64_t gatun_winograd_scratch_bytes(const gatun_winograd_args *args, int32_t threads);
GATUN_API void gatun_winograd(const gatun_winograd_args *args);

/* Tokens of a block of a key/value cache. */
#define GATUN_KV_BLOCK 16

/*
 * A cache of keys and values for decoding: a sequence is a table of pointers to blocks of GATUN_KV_BLOCK tokens, which
 * sequences may share. A block holds every layer; a layer's part begins part elements into it: keys
 * [num_kv_heads][head_dim][GATUN_KV_BLOCK], then values [num_kv_heads][GATUN_KV_BLOCK][head_dim]. Elements are floats (type 0) or halves
 * (GATUN_F16): rounded to the nearest, finite numbers beyond 65504 to that; the arithmetic is F32's.
 */

/* Writes rows offsets[i] .. offsets[i+1] of k and v to sequence i, from its first token. */
typedef struct {
    const float *k, *v;
    int64_t stride; /* between rows of k, and of v */
    const int32_t *offsets;
    void *const *const *tables; /* one for each sequence */
    int64_t part;
    int64_t num_seqs, num_kv_heads, head_dim;
    int32_t type;
} gatun_kv_store_args;

GATUN_API void gatun_kv_store(const gatun_kv_store_args *args);

/*
 * Attention of one query row for each sequence over its first lengths[row] tokens. new_k and new_v, where not NULL, are
 * first stored as the last of them; their block may belong to this sequence only. Length 0 gives zeros, as scores of -infinity do. scratch
 * holds max_keys floats, rounded up to blocks, for each head and thread. distances, where not NULL, are added to scaled scores: entry reach
 * - d of a head's where the key stands d before the query, the first also for all that is further away; distance_stride is 0 where all
 * heads share them.
 */
typedef struct {
    const float *q, *new_k, *new_v;
    float *out;
    int64_t q_stride, new_stride, out_stride;
    const int32_t *lengths;
    const void *const *const *tables; /* one for each row */
    int64_t part;
    int64_t rows, num_heads, num_kv_heads, head_dim, max_keys;
    void *scratch;
    const float *distances;
    int64_t distance_stride, reach;
    float scale;
    int32_t type;
} gatun_paged_attention_args;

GATUN_API void gatun_paged_attention(const gatun_paged_attention_args *args);

/* Rows of logits. log_sum_exp[row] = log(sum(exp(x))), NaN if there is a NaN or +infinity among them, -infinity if there is nothing
 * else or nothing at all; the k largest of a row with
 * their columns, best first, of equal ones the first. 1 <= k <= cols; NaN has no rank. */
typedef struct {
    const float *x;
    int64_t stride, rows, cols;
    float *log_sum_exp; /* [rows] */
    float *values;      /* [rows, k] */
    int32_t *indices;   /* [rows, k] */
    int64_t k;
} gatun_logits_args;

GATUN_API void gatun_log_sum_exp(const gatun_logits_args *args);
GATUN_API void gatun_top_k(const gatun_logits_args *args);

/* What a recurrent layer makes of its gates, in this order: tanh, ReLU; LSTM i f g o (Hochreiter and Schmidhuber 1997, with forget gate);
 * GRU r z n, with the reset after the product as PyTorch and oneDNN's LBR-GRU have it, or before it (Cho et al. 2014). */
enum { GATUN_CELL_TANH = 0, GATUN_CELL_RELU, GATUN_CELL_LSTM, GATUN_CELL_GRU, GATUN_CELL_GRU_RESET_FIRST };

/*
 * One direction of a recurrent layer; sequences lie end to end. A gate's units are padded and lie in blocks, which gatun_recurrent_pack
 * knows: weights of input and state and the bias are packed by it. gates: x W + bias, of all gates and rows, in that layout. Row t of a
 * sequence gives row t of out; reverse begins at its end. A sequence without rows leaves its state alone; rows and states behind the last
 * are zeros. h0 and c0 may be NULL (zeros), and hn and cn (not wanted) or the same memory as h0 and c0. Narrow weights are those of
 * gatun_narrow, of the same columns in the same order: gates in turn for each block of units, zeros beyond the last unit.
 */
typedef struct {
    const float *gates;
    const float *weights;      /* [state, gates x hidden]; of GATUN_CELL_GRU_RESET_FIRST the first two gates' */
    /* The projection [hidden, projected] in plain panels; of GATUN_CELL_GRU_RESET_FIRST the third gate's; or NULL. */
    const float *more_weights;
    const float *bias;         /* of GATUN_CELL_GRU: what is added before the reset, packed; or NULL */
    float *out;
    const float *h0, *c0; /* [num_seqs, projected or hidden], [num_seqs, hidden] */
    float *hn, *cn;
    const int32_t *offsets;
    void *scratch; /* gatun_recurrent_scratch_bytes */
    int64_t gates_stride, out_stride, hidden;
    int64_t num_seqs, max_seqs, max_rows; /* sequences, and how many states and rows there is room for */
    int64_t projected; /* columns of a projected state (Sak et al. 2014), LSTM only; 0 for none */
    int32_t cell, reverse, type; /* type: of weights and more_weights, 0 is F32; else as of gatun_narrow */
    int32_t finite; /* whether all weights are known to be: zeros times them need no product */
} gatun_recurrent_args;

/* Floats of packed weights [k, gates x hidden]; 1 for k is a bias. */
GATUN_API int64_t gatun_recurrent_floats(int64_t k, int64_t hidden, int64_t gates);
/* Packs gates first .. first + gates of weights [all gates x hidden, k], as PyTorch stores them. Returns 1 if all are finite, else 0. */
GATUN_API int32_t gatun_recurrent_pack(const float *weights, int64_t k, int64_t hidden, int64_t first, int64_t gates, float *packed);
GATUN_API int64_t gatun_recurrent_scratch_bytes(const gatun_recurrent_args *args);
GATUN_API void gatun_recurrent(const gatun_recurrent_args *args);

/*
 * Training, beside its products. y += factor x; y *= x; x *= factor; the sum of the squares; dx += dy f'(x) of an activation.
 */
GATUN_API void gatun_add(const float *x, float factor, float *y, int64_t count);
GATUN_API void gatun_multiply(const float *x, float *y, int64_t count);
GATUN_API void gatun_scale(float *x, float factor, int64_t count);
GATUN_API double gatun_squares(const float *x, int64_t count);
GATUN_API void gatun_activation_backward(const float *x, const float *dy, float *dx, int64_t count, int32_t activation);
/* y = a + b, a - b, a b, a / b, the larger, the smaller, by kind from 0. Backward adds to da and db, of which each may be NULL; the larger
 * and the smaller share it where both are equal. */
GATUN_API void gatun_binary(const float *a, const float *b, float *y, int64_t count, int32_t kind);
GATUN_API void gatun_binary_backward(const float *a, const float *b, const float *dy, float *da,
                                     float *db, int64_t count, int32_t kind);
/* to[j] += the sum of column j; to[n, m] = from[m, n]. */
GATUN_API void gatun_add_columns(const float *x, int64_t rows, int64_t cols, float *to);
GATUN_API void gatun_transpose(const float *from, int64_t m, int64_t n, float *to);
/* Dropout's factors: 0 with the chance share, else 1 / (1 - share); those of a seed are always the same. */
GATUN_API void gatun_dropout(float *mask, int64_t count, float share, int64_t seed);

/* PyTorch's SGD: g = gradient + decay p; buffer = momentum buffer + fresh g; p -= rate buffer, with nesterov rate (g + momentum buffer).
 * buffer may be NULL: p -= rate g. */
GATUN_API void gatun_sgd(float *p, const float *gradient, float *buffer, int64_t count, float decay, float momentum, float fresh,
                         float rate, int32_t nesterov);
/* AdamW (Loshchilov and Hutter 2019): mean += fresh (g - mean); square = kept square + fresh_square g g;
 * p = shrink p - size mean / (sqrt(square) / root + eps). */
GATUN_API void gatun_adamw(float *p, const float *gradient, float *mean, float *square, int64_t count, float shrink, float size, float root,
                           float eps, float fresh, float kept, float fresh_square);

/* The largest of each window of planes of h by w, and where in its plane it was: the first of equal ones, the last NaN. Padding is what the
 * window does not meet; each window meets something. A stride_h of 0: window i of n goes from i size / n, rounded down, to
 * (i + 1) size / n, rounded up, and kernels, other strides, dilations and padding are not read. Backward adds dy there: dx[planes, inputs],
 * dy[planes, outputs]. */
typedef struct {
    const float *x;
    float *y;
    int32_t *places;
    int64_t planes, h, w, oh, ow, kh, kw, stride_h, stride_w, dilation_h, dilation_w, top, left, bottom, right;
} gatun_max_pool_args;

GATUN_API void gatun_max_pool(const gatun_max_pool_args *args);
GATUN_API void gatun_max_pool_backward(const float *dy, const int32_t *places, float *dx, int64_t planes, int64_t inputs, int64_t outputs);
/* Means of windows: inside, of what is not padding, else with the padding, but of what is beyond it nothing. Fields are those of
 * gatun_max_pool but places; backward: x is dy and y is dx, which is added to. */
GATUN_API void gatun_average_pool(const gatun_max_pool_args *args, int32_t inside, int32_t backward);

/* rows[i] += factor table[ids[i]], or backward table[ids[i]] += factor rows[i]; ids may be NULL: row 0. */
GATUN_API void gatun_table_rows(float *table, const int32_t *ids, float factor, float *rows, int64_t count, int64_t cols, int32_t backward);
/* y of these dimensions is x, whose strides are 0 where it is repeated, the last else 1; or backward x += the sums of y. */
GATUN_API void gatun_repeat(float *x, float *y, const int64_t *dims, const int64_t *strides, int64_t rank, int32_t backward);
/* The cross-entropy of rows of logits, times scale, and its gradient: of row i the sum of a[k] -log softmax(x)[k], where a[k] is weights[k]
 * (smoothing / classes + (k == labels[i]) (1 - smoothing)). A row with the ignored label counts nothing, another that is no class makes the
 * sum NaN; weights may be NULL: all 1. */
GATUN_API double gatun_cross_entropy(const float *x, const int32_t *labels, const float *weights, float *gradient, int64_t rows,
                                     int64_t classes, double smoothing, double scale, int32_t ignored);
/* The sum of (x - target)^2, times scale, and its gradient. */
GATUN_API double gatun_squared_error(const float *x, const float *target, float *gradient, int64_t count, double scale);
/* dx += what gatun_pool without normalize makes of dy; out is dy. */
GATUN_API void gatun_pool_backward(const gatun_pool_args *args, float *dx);
/* y = x / max(|x|, 1e-12) by rows, where y is not NULL; else dx += what it makes of dy. */
GATUN_API void gatun_unit_rows(const float *x, float *y, const float *dy, float *dx, int64_t rows, int64_t cols);

/* gatun_layer_norm's derivatives; dx and dbeta may be NULL. */
typedef struct {
    const float *x, *dy, *gamma;
    float *dx, *dgamma, *dbeta;
    float *scratch; /* 2 rows */
    int64_t rows, cols;
    float eps;
    int32_t rms;
} gatun_norm_backward_args;
GATUN_API void gatun_norm_backward(const gatun_norm_backward_args *args);

/* Softmax over length elements that lie inner apart, [outer, length, inner], or its logarithm; shares are kept for the way back. */
GATUN_API void gatun_softmax(const float *x, float *y, float *shares, int64_t outer, int64_t length, int64_t inner, int32_t log);
GATUN_API void gatun_softmax_backward(const float *shares, const float *dy, float *dx, int64_t outer, int64_t length, int64_t inner,
                                      int32_t log);

/* Batch norm of [batch, channels, plane]. training: by the batch's mean and variance, of which momentum goes into the running ones (the
 * variance's without bias); else by those. */
typedef struct {
    const float *x, *scale, *shift;
    float *y, *mean, *variance;
    float *kept; /* 2 channels: for the way back */
    const float *dy;
    float *dx, *dscale, *dshift; /* dx may be NULL */
    int64_t batch, channels, plane;
    double eps, momentum;
    int32_t training;
} gatun_batch_norm_args;
GATUN_API void gatun_batch_norm(const gatun_batch_norm_args *args);
GATUN_API void gatun_batch_norm_backward(const gatun_batch_norm_args *args);

/*
 * A step of a recurrent layer that is trained, of all sequences under way, beside its products. Forward: gates [rows, gates x hidden] are
 * the input's products and become what the cell makes of them; products [sequences, gates x hidden] are the states'. Back: states and cells
 * are their gradients, from which come those of both products, d_input and d_state by rows and d_step by sequences; what does not go
 * through the product stays in states. Rest: d_states [sequences, width] are added to the states of those under way.
 * A projected LSTM and a GRU that resets first have a second product within a step, from middle [sequences, hidden] to second [sequences,
 * width], back from second to middle, which are gradients then: each way has a second part behind it. Of a GRU that resets first the third
 * gate of products does not count, and that of d_state is 0.
 */
enum { GATUN_CELL_FORWARD = 0, GATUN_CELL_FORWARD_SECOND, GATUN_CELL_BACK, GATUN_CELL_BACK_SECOND, GATUN_CELL_REST };
typedef struct {
    float *gates;
    const float *products;
    float *own, *before, *cell_before; /* [rows, hidden], before [rows, width]: what the way back needs */
    float *states, *cells;             /* [sequences, width], [sequences, hidden] */
    float *y;
    const float *dy;
    float *d_input, *d_state, *d_step;
    const float *d_states;
    float *middle, *second;         /* NULL without a second product */
    float *middle_rows, *d_second; /* [rows, hidden], [rows, width]: for the gradient of its weight */
    const int32_t *offsets;
    int64_t hidden, width, y_stride, num_seqs, step; /* width: columns of a state */
    int32_t cell, reverse;
} gatun_cell_args;
GATUN_API void gatun_cell(const gatun_cell_args *args, int32_t way);

/*
 * Attention that is trained: gatun_attention's formula; a query that sees no key gives zeros. y and gradients are added to; dq, dk, dv and
 * d_distances may be NULL, and have the strides of what they belong to.
 */
typedef struct {
    const float *q, *k, *v;
    float *y;
    const float *dy;
    float *dq, *dk, *dv;
    const int32_t *query_offsets, *key_offsets;
    const float *mask; /* as gatun_attention's, or NULL */
    const uint8_t *padding; /* [rows of k]: not 0 where it is hidden; or NULL */
    float *scratch;         /* 2 max_keys for each thread */
    const float *distances; /* as gatun_attention's, or NULL */
    float *d_distances;
    int64_t mask_seq_stride, mask_head_stride, mask_row_stride, distance_head_stride, reach;
    int64_t q_stride, k_stride, v_stride, heads, kv_heads, head_dim, num_seqs, max_keys, window;
    float scale, softcap;
    int32_t causal;
} gatun_trained_attention_args;
GATUN_API void gatun_trained_attention(const gatun_trained_attention_args *args, int32_t backward);

/*
 * What this machine can do, for benchmarks: multiply-adds in registers alone, GFLOP/s of all threads (a multiply-add counts
 * as two); GB/s of reading count floats; GB/s of a = b + s * c over the thirds of count floats, which are overwritten. Each
 * takes the fastest of the passes that fit into the seconds, with the instruction set in use. The floats must have been
 * written before: pages never touched are all one page. Much larger than the last cache, they show memory; else the cache.
 */
GATUN_API double gatun_fma_peak(double seconds);
GATUN_API double gatun_read_bandwidth(const float *x, int64_t count, double seconds);
GATUN_API double gatun_triad_bandwidth(float *x, int64_t count, double seconds);

#ifdef __cplusplus
}
#endif

#endif
