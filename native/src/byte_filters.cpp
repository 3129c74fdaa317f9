/* Convolutions over bytes and what surrounds them: the C interface, and weights in the order in which byte_conv.h reads them. */
#include "kernels.h"

#include <cstdlib>
#include <cstring>

namespace {

struct filters {
    const gatun_byte_filters &f;
    int64_t taps = f.kh * f.kw, k = taps * f.c, columns = f.oc / f.groups;
    bool depthwise = gatun_is_depthwise(f.groups, f.oc, f.c, taps);
    int64_t vector = gatun_current().vector_floats;

    int32_t byte(const void *from, int64_t at) const {
        return f.type == GATUN_U8 ? ((const uint8_t *)from)[at] : ((const int8_t *)from)[at];
    }
    gatun_byte_filter_layout group() const { return {k, columns, vector, gatun_current().panel, gatun_narrow_pairs() != 0}; }

    void ends(int64_t j, int64_t at, int32_t *bias, float *add) const {
        bias[at] = f.bias ? f.bias[j] : 0;
        add[at] = f.add ? f.add[j] : 0;
    }

    void pack_depthwise(char *packed) const {
        const gatun_depthwise_layout to(taps, f.oc, vector);
        std::memset(packed, 0, to.all);
        for (int64_t j = 0; j < f.oc; j++) {
            float *sum = (float *)(packed + to.sums) + j;
            for (int64_t t = 0; t < taps; t++)
                *sum += ((float *)packed)[t * to.columns + j] = (float)(byte(f.w, j * taps + t) - (f.zeros ? byte(f.zeros, j) : 0));
            ((float *)(packed + to.scales))[j] = f.factors ? f.factors[j] : 1;
            ends(j, j, (int32_t *)(packed + to.bias), (float *)(packed + to.add));
        }
    }

    /* Taps of a pixel lie side by side, as in a picture. */
    void pack_group(int64_t g, uint8_t *ordered, char *packed) const {
        const gatun_byte_filter_layout to = group();
        const uint8_t *w = (const uint8_t *)f.w + g * columns * k;
        std::memset(packed, 0, to.all);
        for (int64_t j = 0; j < columns; j++)
            for (int64_t c = 0; c < f.c; c++)
                for (int64_t t = 0; t < taps; t++) ordered[j * k + t * f.c + c] = w[(j * f.c + c) * taps + t];
        gatun_bytes_source source{ordered, f.zeros ? (const uint8_t *)f.zeros + g * columns : nullptr,
                                  f.factors ? f.factors + g * columns : nullptr, k, columns, 1, k, 1, 1, f.type};
        gatun_bytes_pack(&source, packed);
        for (int64_t j = 0; j < columns; j++) ends(g * columns + j, j, (int32_t *)(packed + to.bias), (float *)(packed + to.add));
    }
};

} // namespace

extern "C" {

int64_t gatun_byte_filters_bytes(int64_t groups, int64_t oc, int64_t c, int64_t kh, int64_t kw) {
    gatun_byte_filters f{};
    f.groups = groups, f.oc = oc, f.c = c, f.kh = kh, f.kw = kw;
    filters of{f};
    return of.depthwise ? gatun_depthwise_layout(of.taps, oc, of.vector).all : groups * of.group().all;
}

void gatun_byte_filters_pack(const gatun_byte_filters *source, void *packed) {
    filters of{*source};
    if (of.depthwise) return of.pack_depthwise((char *)packed);
    uint8_t *ordered = (uint8_t *)std::malloc(of.k * of.columns + 1);
    for (int64_t g = 0; g < source->groups; g++) of.pack_group(g, ordered, (char *)packed + g * of.group().all);
    std::free(ordered);
}

int64_t gatun_byte_conv_scratch_bytes(const gatun_byte_conv_args *args, int32_t threads) {
    return gatun_current().byte_kernels->conv_scratch_bytes(args, threads);
}

void gatun_byte_conv(const gatun_byte_conv_args *args) { gatun_current().byte_kernels->conv(args); }
void gatun_byte_pair(const gatun_byte_pair_args *args) { gatun_current().byte_kernels->pair(args); }
void gatun_byte_mean(const gatun_byte_mean_args *args) { gatun_current().byte_kernels->mean(args); }
void gatun_byte_scale(const gatun_byte_scale_args *args) { gatun_current().byte_kernels->scale(args); }

void gatun_byte_map(const uint8_t *src, const uint8_t *table, uint8_t *dst, int64_t count) {
    for (int64_t i = 0; i < count; i++) dst[i] = table[src[i]];
}

} // extern "C"
