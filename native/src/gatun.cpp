/* The C interface: picks the instruction set once, and what needs none. */
#include "kernels.h"
#include "parallel.h"
#include "threads.h"

#include <atomic>
#include <cstddef>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

static std::atomic<const gatun_kernels *> current{nullptr};

#if defined(__x86_64__)
/* These two have no name in the __builtin_cpu_supports of older compilers. */
static bool has_f16c() {
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

/* Asked once: cpuid is slow in a virtual machine. */
static const bool avx_vnni = [] {
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1 << 4);
}();

bool gatun_has_avx_vnni() { return avx_vnni; }
#endif

static const gatun_kernels *best([[maybe_unused]] int32_t limit) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (limit >= 2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
        return &gatun_avx512;
    if (limit >= 1 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c()) return &gatun_avx2;
#endif
    return &gatun_baseline;
}

const gatun_kernels &gatun_current() {
    const gatun_kernels *kernels = current.load(std::memory_order_relaxed);
    if (!kernels) {
        kernels = best(2);
        current.store(kernels, std::memory_order_relaxed);
    }
    return *kernels;
}

extern "C" {

int64_t gatun_header_checksum(void) { return GATUN_HEADER_CHECKSUM; }

const char *gatun_isa(void) { return gatun_current().isa; }

int32_t gatun_limit_isa(int32_t limit) {
    const gatun_kernels *kernels = best(limit);
    current.store(kernels);
    return kernels == &gatun_baseline ? 0 : kernels->vector_floats == 8 ? 1 : 2;
}

int32_t gatun_set_num_threads(int32_t threads) {
    threads = threads < 1 ? 1 : threads > GATUN_MAX_THREADS ? GATUN_MAX_THREADS : threads;
    omp_set_num_threads(threads);
    return gatun_reserve_threads(threads) ? threads : 1;
}
int32_t gatun_get_max_threads(void) { return (int32_t)threads_here(); }

void gatun_noop(void) {}

void *gatun_alloc(int64_t bytes) {
    void *block = mmap(nullptr, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) return nullptr;
#ifdef MADV_HUGEPAGE
    if (bytes >= (int64_t)4 << 20) madvise(block, (size_t)bytes, MADV_HUGEPAGE);
#endif
    return block;
}

void gatun_free(void *block, int64_t bytes) { munmap(block, (size_t)bytes); }

static size_t guarded_pages(int64_t bytes, size_t page) { return ((size_t)bytes + page - 1) / page * page; }

void *gatun_alloc_guarded(int64_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), data = guarded_pages(bytes, page);
    char *block = (char *)mmap(nullptr, data + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == (char *)MAP_FAILED) return nullptr;
    mprotect(block + page, data, PROT_READ | PROT_WRITE);
    return block + page + data - bytes;
}

void gatun_free_guarded(void *block, int64_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), data = guarded_pages(bytes, page);
    munmap((char *)block + bytes - data - page, data + 2 * page);
}

int64_t gatun_attention_scratch_bytes(int64_t max_keys, int64_t head_dim, int64_t num_positions, int32_t threads) {
    /* For the widest set: 16 floats a vector, 12 rows a tile. */
    int64_t keys = (max_keys + 31) / 32 * 32, columns = (head_dim + 31) / 32 * 32;
    int64_t floats = head_dim * keys + max_keys * columns + 12 * (keys + columns);
    if (num_positions) {
        int64_t positions = (num_positions + 31) / 32 * 32;
        floats += head_dim * positions + num_positions * keys + 12 * positions;
    }
    return ((floats + 15) / 16 * 16) * (int64_t)sizeof(float) * threads;
}

void gatun_attention(const gatun_attention_args *args) { gatun_current().attention(args); }
void gatun_layer_norm(const gatun_layer_norm_args *args) { gatun_current().layer_norm(args); }
void gatun_rotary(const gatun_rotary_args *args) { gatun_current().rotary(args); }
void gatun_gated(const gatun_gated_args *args) { gatun_current().gated(args); }
void gatun_embed(const gatun_embed_args *args) { gatun_current().embed(args); }
void gatun_pool(const gatun_pool_args *args) { gatun_current().pool(args); }
void gatun_bias_act(const gatun_bias_act_args *args) { gatun_current().bias_act(args); }
void gatun_kv_store(const gatun_kv_store_args *args) { gatun_current().kv_store(args); }
void gatun_paged_attention(const gatun_paged_attention_args *args) { gatun_current().paged_attention(args); }
void gatun_log_sum_exp(const gatun_logits_args *args) { gatun_current().log_sum_exp(args); }
void gatun_top_k(const gatun_logits_args *args) { gatun_current().top_k(args); }
void gatun_gemm(const gatun_gemm_args *args) { gatun_current().gemm(args); }
void gatun_narrow(const gatun_narrow_args *args) { gatun_current().narrow(args); }
void gatun_bytes(const gatun_bytes_args *args) { gatun_current().bytes(args); }
void gatun_winograd(const gatun_winograd_args *args) { gatun_current().winograd(args); }

void gatun_add(const float *x, float factor, float *y, int64_t count) { gatun_current().training->add(x, factor, y, count); }
void gatun_binary(const float *a, const float *b, float *y, int64_t count, int32_t kind) {
    gatun_current().training->binary(a, b, y, count, kind);
}
void gatun_binary_backward(const float *a, const float *b, const float *dy, float *da, float *db, int64_t count, int32_t kind) {
    gatun_current().training->binary_backward(a, b, dy, da, db, count, kind);
}
void gatun_multiply(const float *x, float *y, int64_t count) { gatun_current().training->multiply(x, y, count); }
void gatun_scale(float *x, float factor, int64_t count) { gatun_current().training->scale(x, factor, count); }
double gatun_squares(const float *x, int64_t count) { return gatun_current().training->squares(x, count); }
void gatun_dropout(float *mask, int64_t count, float share, int64_t seed) { gatun_current().training->dropout(mask, count, share, seed); }
void gatun_activation_backward(const float *x, const float *dy, float *dx, int64_t count, int32_t activation) {
    gatun_current().training->activation_backward(x, dy, dx, count, activation);
}
void gatun_add_columns(const float *x, int64_t rows, int64_t cols, float *to) { gatun_current().training->add_columns(x, rows, cols, to); }
void gatun_transpose(const float *from, int64_t m, int64_t n, float *to) { gatun_current().training->transpose(from, m, n, to); }
void gatun_sgd(float *p, const float *gradient, float *buffer, int64_t count, float decay, float momentum, float fresh, float rate,
               int32_t nesterov) {
    gatun_current().training->sgd(p, gradient, buffer, count, decay, momentum, fresh, rate, nesterov);
}
void gatun_adamw(float *p, const float *gradient, float *mean, float *square, int64_t count, float shrink, float size, float root,
                 float eps, float fresh, float kept, float fresh_square) {
    gatun_current().training->adamw(p, gradient, mean, square, count, shrink, size, root, eps, fresh, kept, fresh_square);
}
void gatun_max_pool(const gatun_max_pool_args *args) { gatun_current().training->max_pool(args); }
void gatun_max_pool_backward(const float *dy, const int32_t *places, float *dx, int64_t planes, int64_t inputs, int64_t outputs) {
    gatun_current().training->max_pool_backward(dy, places, dx, planes, inputs, outputs);
}
void gatun_average_pool(const gatun_max_pool_args *args, int32_t inside, int32_t backward) {
    gatun_current().training->average_pool(args, inside, backward);
}
void gatun_norm_backward(const gatun_norm_backward_args *args) { gatun_current().training->norm_backward(args); }
void gatun_softmax(const float *x, float *y, float *shares, int64_t outer, int64_t length, int64_t inner, int32_t log) {
    gatun_current().training->softmax(x, y, shares, outer, length, inner, log);
}
void gatun_softmax_backward(const float *shares, const float *dy, float *dx, int64_t outer, int64_t length, int64_t inner, int32_t log) {
    gatun_current().training->softmax_backward(shares, dy, dx, outer, length, inner, log);
}
void gatun_batch_norm(const gatun_batch_norm_args *args) { gatun_current().training->batch_norm(args); }
void gatun_batch_norm_backward(const gatun_batch_norm_args *args) { gatun_current().training->batch_norm_backward(args); }
void gatun_cell(const gatun_cell_args *args, int32_t way) { gatun_current().training->cell(args, way); }
void gatun_trained_attention(const gatun_trained_attention_args *args, int32_t backward) {
    gatun_current().training->attention(args, backward);
}
void gatun_table_rows(float *table, const int32_t *ids, float factor, float *rows, int64_t count, int64_t cols, int32_t backward) {
    gatun_current().training->table_rows(table, ids, factor, rows, count, cols, backward);
}
void gatun_repeat(float *x, float *y, const int64_t *dims, const int64_t *strides, int64_t rank, int32_t backward) {
    gatun_current().training->repeat(x, y, dims, strides, rank, backward);
}
double gatun_cross_entropy(const float *x, const int32_t *labels, const float *weights, float *gradient, int64_t rows, int64_t classes,
                           double smoothing, double scale, int32_t ignored) {
    return gatun_current().training->cross_entropy(x, labels, weights, gradient, rows, classes, smoothing, scale, ignored);
}
double gatun_squared_error(const float *x, const float *target, float *gradient, int64_t count, double scale) {
    return gatun_current().training->squared_error(x, target, gradient, count, scale);
}
void gatun_pool_backward(const gatun_pool_args *args, float *dx) { gatun_current().training->pool_backward(args, dx); }
void gatun_unit_rows(const float *x, float *y, const float *dy, float *dx, int64_t rows, int64_t cols) {
    gatun_current().training->unit_rows(x, y, dy, dx, rows, cols);
}
void gatun_stem(const gatun_stem_args *args) { gatun_current().stem(args); }

int64_t gatun_winograd_scratch_bytes(const gatun_winograd_args *args, int32_t threads) {
    return gatun_current().winograd_scratch_floats(args, threads) * (int64_t)sizeof(float);
}

int64_t gatun_stem_scratch_bytes(const gatun_stem_args *args, int32_t threads) {
    return gatun_current().stem_scratch_floats(args, threads) * (int64_t)sizeof(float);
}

typedef void (*cblas_sgemm_fn)(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float *a,
                               int lda, const float *b, int ldb, float beta, float *c, int ldc);

void gatun_sgemm(const gatun_sgemm_args *args) {
    const gatun_sgemm_args &g = *args;
    if (g.m == 0 || g.n == 0) return;
    const int ROW_MAJOR = 101, NO_TRANS = 111;
    cblas_sgemm_fn sgemm = (cblas_sgemm_fn)g.cblas_sgemm;
    int64_t threads = threads_here();
    /* A block for each thread, but no larger than what stays in the second-level cache with its activation. */
    int64_t share = (g.m + threads - 1) / threads;
    int64_t block = share < 256 ? share : 256;
    int64_t blocks = block ? (g.m + block - 1) / block : 0;
    parallel_for(blocks, true, [&](int64_t i, int64_t) {
        int64_t row = i * block, rows = g.m - row < block ? g.m - row : block;
        float *c = g.c + row * g.n;
        /* The residual may be what c holds: the product is added to it only if nothing comes between. */
        bool accumulate = g.residual == g.c && g.activation == GATUN_NONE && g.scale == 1.0f;
        if (g.k > 0)
            sgemm(ROW_MAJOR, NO_TRANS, NO_TRANS, (int)rows, (int)g.n, (int)g.k, 1.0f, g.a + row * g.k, (int)g.k, g.b, (int)g.n,
                  accumulate ? 1.0f : 0.0f, c, (int)g.n);
        else if (!accumulate) std::memset(c, 0, (size_t)(rows * g.n) * sizeof(float));
        const float *residual = g.residual && !accumulate ? g.residual + row * g.n : nullptr;
        if (g.bias || residual || g.activation != GATUN_NONE || g.scale != 1.0f)
            gatun_current().bias_act_rows(c, g.bias, residual, rows, g.n, g.scale, g.activation);
    });
}

} // extern "C"
