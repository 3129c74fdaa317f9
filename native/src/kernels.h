/* What every instruction set's translation unit offers; gatun.cpp picks one. */
#pragma once

#include "../include/gatun.h"

/* See gatun.h, function by function. */
struct gatun_training {
    void (*add)(const float *x, float factor, float *y, int64_t count);
    void (*binary)(const float *a, const float *b, float *y, int64_t count, int32_t kind);
    void (*binary_backward)(const float *a, const float *b, const float *dy, float *da, float *db, int64_t count, int32_t kind);
    void (*multiply)(const float *x, float *y, int64_t count);
    void (*scale)(float *x, float factor, int64_t count);
    double (*squares)(const float *x, int64_t count);
    void (*dropout)(float *mask, int64_t count, float share, int64_t seed);
    void (*sgd)(float *p, const float *gradient, float *buffer, int64_t count, float decay, float momentum, float fresh,
                float rate, int32_t nesterov);
    void (*adamw)(float *p, const float *gradient, float *mean, float *square, int64_t count, float shrink, float size, float root,
                  float eps, float fresh, float kept, float fresh_square);
    void (*max_pool)(const gatun_max_pool_args *);
    void (*max_pool_backward)(const float *dy, const int32_t *places, float *dx, int64_t planes, int64_t inputs, int64_t outputs);
    void (*average_pool)(const gatun_max_pool_args *, int32_t inside, int32_t backward);
    void (*activation_backward)(const float *x, const float *dy, float *dx, int64_t count, int32_t activation);
    void (*add_columns)(const float *x, int64_t rows, int64_t cols, float *to);
    void (*transpose)(const float *from, int64_t m, int64_t n, float *to);
    void (*norm_backward)(const gatun_norm_backward_args *);
    void (*softmax)(const float *x, float *y, float *shares, int64_t outer, int64_t length, int64_t inner, int32_t log);
    void (*softmax_backward)(const float *shares, const float *dy, float *dx, int64_t outer, int64_t length, int64_t inner, int32_t log);
    void (*batch_norm)(const gatun_batch_norm_args *);
    void (*batch_norm_backward)(const gatun_batch_norm_args *);
    void (*cell)(const gatun_cell_args *, int32_t way);
    void (*attention)(const gatun_trained_attention_args *, int32_t backward);
    void (*table_rows)(float *table, const int32_t *ids, float factor, float *rows, int64_t count, int64_t cols, int32_t backward);
    void (*repeat)(float *x, float *y, const int64_t *dims, const int64_t *strides, int64_t rank, int32_t backward);
    double (*cross_entropy)(const float *x, const int32_t *labels, const float *weights, float *gradient, int64_t rows, int64_t classes,
                            double smoothing, double scale, int32_t ignored);
    double (*squared_error)(const float *x, const float *target, float *gradient, int64_t count, double scale);
    void (*pool_backward)(const gatun_pool_args *, float *dx);
    void (*unit_rows)(const float *x, float *y, const float *dy, float *dx, int64_t rows, int64_t cols);
};

struct gatun_byte_kernels {
    void (*conv)(const gatun_byte_conv_args *);
    int64_t (*conv_scratch_bytes)(const gatun_byte_conv_args *, int64_t threads);
    void (*pair)(const gatun_byte_pair_args *);
    void (*mean)(const gatun_byte_mean_args *);
    void (*scale)(const gatun_byte_scale_args *);
};

struct gatun_kernels {
    const char *isa;
    int64_t vector_floats;
    int64_t panel; /* columns of a panel of packed weights */
    void (*attention)(const gatun_attention_args *);
    void (*layer_norm)(const gatun_layer_norm_args *);
    void (*rotary)(const gatun_rotary_args *);
    void (*gated)(const gatun_gated_args *);
    void (*embed)(const gatun_embed_args *);
    void (*pool)(const gatun_pool_args *);
    void (*bias_act)(const gatun_bias_act_args *);
    /* Rows first .. last of a block; the threads are the caller's. */
    void (*bias_act_rows)(float *x, const float *bias, const float *residual, int64_t rows, int64_t cols, float scale,
                          int32_t activation);
    void (*kv_store)(const gatun_kv_store_args *);
    void (*paged_attention)(const gatun_paged_attention_args *);
    void (*log_sum_exp)(const gatun_logits_args *);
    void (*top_k)(const gatun_logits_args *);
    /* What limits.cpp times. */
    int64_t (*multiply_add)(int64_t rounds, float *sink);
    float (*read_floats)(const float *x, int64_t n);
    void (*triad_floats)(float *a, const float *b, const float *c, float factor, int64_t n);
    void (*gemm)(const gatun_gemm_args *);
    int64_t (*int8_depth)(); /* steps of GATUN_INT8 that are added in 16 bits, or 1 where none need be: see narrow.h */
    void (*narrow)(const gatun_narrow_args *);
    void (*bytes)(const gatun_bytes_args *);
    const gatun_byte_kernels *byte_kernels;
    void (*winograd)(const gatun_winograd_args *);
    int64_t (*winograd_scratch_floats)(const gatun_winograd_args *, int64_t threads);
    void (*stem)(const gatun_stem_args *);
    int64_t (*stem_scratch_floats)(const gatun_stem_args *, int64_t threads);
    void (*recurrent)(const gatun_recurrent_args *);
    int64_t (*recurrent_scratch_floats)(const gatun_recurrent_args *);
    const gatun_training *training;
};

extern const gatun_kernels gatun_baseline;
#if defined(__x86_64__)
extern const gatun_kernels gatun_avx2;
extern const gatun_kernels gatun_avx512;
#endif

/* The width of the panel of packed weights that begins with these columns, the last ones. */
static inline int64_t gatun_panel_width(int64_t columns, int64_t vector_floats, int64_t panel) {
    int64_t width = vector_floats;
    while (width < columns && width < panel) width *= 2;
    return width;
}

/* Elements of k that one instruction multiplies, and steps of so many: a whole number of what is multiplied at once. */
constexpr int64_t GATUN_INT8_GROUP = 4;

static inline int64_t gatun_int8_steps(int64_t k, int64_t depth) {
    int64_t together = GATUN_INT8_GROUP * depth;
    return (k + together - 1) / together * depth;
}

/* Where the parts of packed GATUN_INT8 weights [k, n] begin, in bytes: panels of bytes, GATUN_INT8_GROUP of a column side by side; scales
 * of columns; their sums. Both are padded to the panels. */
struct gatun_int8_layout {
    int64_t steps, columns, scales, sums, size;
    gatun_int8_layout(int64_t k, int64_t n, int64_t vector_floats, int64_t panel, int64_t depth) {
        int64_t whole = n / panel * panel;
        steps = gatun_int8_steps(k, depth);
        columns = n > whole ? whole + gatun_panel_width(n - whole, vector_floats, panel) : whole;
        scales = (steps * GATUN_INT8_GROUP * columns + 63) / 64 * 64;
        sums = scales + columns * 4;
        size = sums + columns * 4;
    }
};

/* Where the parts of GATUN_INT8's scratch for m rows begin: rows of 4 bytes a step, their scales, their zero points. */
struct gatun_int8_rows {
    int64_t stride, scales, zeros, size;
    gatun_int8_rows(int64_t m, int64_t k, int64_t depth) {
        stride = gatun_int8_steps(k, depth) * GATUN_INT8_GROUP;
        scales = (m * stride + 63) / 64 * 64;
        zeros = scales + m * 4;
        size = zeros + m * 4;
    }
};

/* Weights [k, n] that are bytes already: panels of bytes, as many of a column side by side as one instruction multiplies, which are words
 * where none multiplies bytes without loss; scales of columns, sums, zero points, and whether one of these is not 0. */
struct gatun_bytes_layout {
    int64_t group, steps, columns, scales, sums, zeros, any, size;
    gatun_bytes_layout(int64_t k, int64_t n, int64_t vector_floats, int64_t panel, bool words) {
        int64_t whole = n / panel * panel;
        group = words ? 2 : 4;
        steps = (k + group - 1) / group;
        columns = n > whole ? whole + gatun_panel_width(n - whole, vector_floats, panel) : whole;
        scales = (steps * group * columns + 63) / 64 * 64;
        sums = scales + columns * 4;
        zeros = sums + columns * 4;
        any = zeros + columns * 4;
        size = any + 4;
    }
};

/* Scratch for m rows of bytes or words; behind it their sums. */
struct gatun_bytes_rows : gatun_int8_rows {
    int64_t sums, all;
    gatun_bytes_rows(int64_t m, int64_t k, bool words) : gatun_int8_rows(m, words ? 2 * k : k, 1) {
        sums = size;
        all = sums + m * 4;
    }
};

/* Packed weights of one group of a convolution, [k, oc / groups]; behind them each column's bias, and what is added last. */
struct gatun_byte_filter_layout : gatun_bytes_layout {
    int64_t bias, add, all;
    gatun_byte_filter_layout(int64_t k, int64_t n, int64_t vector_floats, int64_t panel, bool words)
        : gatun_bytes_layout(k, n, vector_floats, panel, words) {
        bias = (size + 63) / 64 * 64;
        add = bias + columns * 4;
        all = (add + columns * 4 + 63) / 64 * 64;
    }
};

/* A channel of its own for each result: sums of so many products of bytes are exact in floats. */
static inline bool gatun_is_depthwise(int64_t groups, int64_t oc, int64_t c, int64_t taps) {
    return c == 1 && oc == groups && groups > 1 && taps <= 256;
}

/* Packed weights of such a one: floats [taps, columns], the sums of columns, and what the others have. */
struct gatun_depthwise_layout {
    int64_t columns, sums, scales, bias, add, all;
    gatun_depthwise_layout(int64_t taps, int64_t n, int64_t vector_floats) {
        columns = (n + vector_floats - 1) / vector_floats * vector_floats;
        sums = taps * columns * 4;
        scales = sums + columns * 4;
        bias = scales + columns * 4;
        add = bias + columns * 4;
        all = (add + columns * 4 + 63) / 64 * 64;
    }
};

/* The set in use. */
const gatun_kernels &gatun_current();
bool gatun_has_avx_vnni();
