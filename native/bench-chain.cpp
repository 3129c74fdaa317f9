/*
 * The chain of the ffm benchmark without Java: layers x { m rows: k -> n with GELU -> k }, one thread, or with 0 layers
 * 10,000 calls of a function that does nothing. Reads "run N" (answers N durations in nanoseconds) and "output" (the result).
 *   bench-chain layers m k n
 */
#include "gatun.h"

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <oneapi/dnnl/dnnl.h>
#include <string>
#include <vector>

static const int CALLS = 10000;

static void check(dnnl_status_t status) {
    if (status == dnnl_success) return;
    fprintf(stderr, "bench-chain: oneDNN status %d\n", (int)status);
    exit(1);
}

static float *numbers(uint32_t seed, int64_t count, float scale) {
    float *values = (float *)aligned_alloc(64, (size_t)(count * 4 + 63) / 64 * 64);
    uint32_t state = seed;
    for (int64_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        values[i] = ((float)(state >> 8) / 8388608.0f - 1.0f) * scale;
    }
    return values;
}

static dnnl_engine_t engine;
static dnnl_stream_t stream;
static float *scratchpad;
static size_t scratchpad_bytes;

static dnnl_memory_desc_t rows(int64_t m, int64_t n, dnnl_format_tag_t tag = dnnl_ab) {
    dnnl_dims_t dims = {m, n};
    dnnl_memory_desc_t desc;
    check(dnnl_memory_desc_create_with_tag(&desc, 2, dims, dnnl_f32, tag));
    return desc;
}

static dnnl_memory_t memory(const_dnnl_memory_desc_t desc, void *data) {
    dnnl_memory_t memory;
    check(dnnl_memory_create(&memory, desc, engine, data));
    return memory;
}

struct Linear {
    dnnl_primitive_t primitive;
    std::vector<dnnl_exec_arg_t> args;
    size_t scratchpad_bytes;
    const_dnnl_memory_desc_t scratchpad_desc;
};

/* Weights in the layout that oneDNN likes for 128 rows, as the library packs them. */
static dnnl_memory_t pack(uint32_t seed, int64_t in, int64_t out) {
    dnnl_primitive_desc_t typical;
    check(dnnl_matmul_primitive_desc_create(&typical, engine, rows(128, in), rows(in, out, dnnl_format_tag_any), nullptr,
        rows(128, out), nullptr));
    const_dnnl_memory_desc_t desc = dnnl_primitive_desc_query_md(typical, dnnl_query_weights_md, 0);
    dnnl_memory_t packed = memory(desc, aligned_alloc(64, (dnnl_memory_desc_get_size(desc) + 63) / 64 * 64));
    dnnl_memory_t plain = memory(rows(in, out), numbers(seed, in * out, (float)(2 / std::sqrt((double)in))));
    dnnl_primitive_desc_t desc_of_reorder;
    dnnl_primitive_t reorder;
    check(dnnl_reorder_primitive_desc_create(&desc_of_reorder, rows(in, out), engine, desc, engine, nullptr));
    check(dnnl_primitive_create(&reorder, desc_of_reorder));
    dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, plain}, {DNNL_ARG_TO, packed}};
    check(dnnl_primitive_execute(reorder, stream, 2, args));
    check(dnnl_stream_wait(stream));
    return packed;
}

static Linear linear(uint32_t seed, int64_t m, int64_t in, int64_t out, bool gelu, float *src, float *dst) {
    dnnl_memory_t weights = pack(seed, in, out);
    const_dnnl_memory_desc_t weights_desc;
    check(dnnl_memory_get_memory_desc(weights, &weights_desc));
    dnnl_primitive_attr_t attributes;
    check(dnnl_primitive_attr_create(&attributes));
    check(dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user));
    if (gelu) {
        dnnl_post_ops_t post_ops;
        check(dnnl_post_ops_create(&post_ops));
        check(dnnl_post_ops_append_eltwise(post_ops, dnnl_eltwise_gelu_erf, 0, 0));
        check(dnnl_primitive_attr_set_post_ops(attributes, post_ops));
    }
    dnnl_primitive_desc_t desc;
    check(dnnl_matmul_primitive_desc_create(&desc, engine, rows(m, in), weights_desc, rows(1, out), rows(m, out), attributes));
    Linear layer{};
    check(dnnl_primitive_create(&layer.primitive, desc));
    layer.scratchpad_desc = dnnl_primitive_desc_query_md(desc, dnnl_query_scratchpad_md, 0);
    layer.scratchpad_bytes = layer.scratchpad_desc ? dnnl_memory_desc_get_size(layer.scratchpad_desc) : 0;
    layer.args = {{DNNL_ARG_SRC, memory(rows(m, in), src)}, {DNNL_ARG_WEIGHTS, weights},
        {DNNL_ARG_BIAS, memory(rows(1, out), numbers(seed + 1, out, 1))}, {DNNL_ARG_DST, memory(rows(m, out), dst)}};
    return layer;
}

static int64_t nanoseconds() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int main(int count, char **arguments) {
    if (count != 5) return fprintf(stderr, "usage: bench-chain layers m k n\n"), 2;
    int64_t layers = atoll(arguments[1]), m = atoll(arguments[2]), k = atoll(arguments[3]), n = atoll(arguments[4]);
    gatun_set_num_threads(1);
    check(dnnl_engine_create(&engine, dnnl_cpu, 0));
    check(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags));
    float *src = numbers(1000, m * k, 1), *x = numbers(0, m * k, 1), *wide = numbers(0, m * n, 1);
    std::vector<Linear> chain;
    for (int64_t layer = 0; layer < layers; layer++) {
        chain.push_back(linear((uint32_t)(4 * layer + 1), m, k, n, true, layer == 0 ? src : x, wide));
        chain.push_back(linear((uint32_t)(4 * layer + 3), m, n, k, false, wide, x));
    }
    for (Linear &layer : chain)
        if (layer.scratchpad_bytes > scratchpad_bytes) scratchpad_bytes = layer.scratchpad_bytes;
    scratchpad = (float *)aligned_alloc(64, (scratchpad_bytes + 64) / 64 * 64);
    for (Linear &layer : chain)
        if (layer.scratchpad_bytes) layer.args.push_back({DNNL_ARG_SCRATCHPAD, memory(layer.scratchpad_desc, scratchpad)});

    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        std::string answer;
        if (!strncmp(line, "run ", 4)) {
            for (int64_t i = 0, runs = atoll(line + 4); i < runs; i++) {
                int64_t start = nanoseconds();
                for (Linear &layer : chain)
                    check(dnnl_primitive_execute(layer.primitive, stream, (int)layer.args.size(), layer.args.data()));
                for (int call = 0; layers == 0 && call < CALLS; call++) gatun_noop();
                answer += std::to_string(nanoseconds() - start) + " ";
            }
        } else {
            char number[32];
            for (int64_t i = 0; i < (layers ? m * k : 1); i++) {
                snprintf(number, sizeof number, "%.9g ", layers ? x[i] : 0.0f);
                answer += number;
            }
        }
        if (!answer.empty()) answer.pop_back();
        puts(answer.c_str());
        fflush(stdout);
    }
    return 0;
}
