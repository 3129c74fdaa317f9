/* Narrow weights in the layouts that narrow.h reads. */
#include "kernels.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace {

/* To the nearest, of two equally near the even one; the rest of a NaN's bits does not matter. */
uint16_t to_f16(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, 4);
    uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) return (uint16_t)(sign | 0x7e00);
    if (magnitude >= 0x477ff000) return (uint16_t)(sign | 0x7c00);
    if (magnitude < 0x38800000) /* subnormal: in units of 2^-24 */
        return (uint16_t)(sign | (uint32_t)std::nearbyint(std::fabs(x) * 16777216.0f));
    uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
    return (uint16_t)(sign | ((rounded >> 13) - (112u << 10)));
}

double f16_value(uint16_t h) {
    int exponent = h >> 10 & 31;
    double value = exponent == 31 ? NAN : exponent ? std::ldexp(1024 + (h & 1023), exponent - 25) : std::ldexp(h & 1023, -24);
    return h & 0x8000 ? -value : value;
}

uint16_t to_bf16(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, 4);
    if ((bits & 0x7fffffff) > 0x7f800000) return 0x7fc0;
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

double bf16_value(uint16_t h) {
    uint32_t bits = (uint32_t)h << 16;
    float x;
    std::memcpy(&x, &bits, 4);
    return std::isfinite(x) ? x : NAN;
}

struct strided {
    const float *b;
    int64_t k, n, k_stride, n_stride;
    float at(int64_t p, int64_t j) const { return b[p * k_stride + j * n_stride]; }
};

struct panels {
    int64_t panel = gatun_current().panel, vector = gatun_current().vector_floats;
    int64_t width(int64_t columns) const { return gatun_panel_width(columns, vector, panel); }
};

/* What rounding lost: of each column the root of its mean square, as a share of what is typical of the column: of bytes its median
 * magnitude, which outliers leave alone; of halves, which keep bits of every weight, the root of its mean square. */
class loss {
public:
    void add(double exact, double rounded) { lost_ += (exact - rounded) * (exact - rounded), all_ += exact * exact; }
    void end_column(const strided &b) { end_column(all_ / (double)b.k, b.k); }
    void end_column(const strided &b, int64_t j) {
        float sample[64];
        int64_t count = b.k < 64 ? b.k : 64;
        for (int64_t i = 0; i < count; i++) sample[i] = std::fabs(b.at(i * b.k / count, j));
        std::sort(sample, sample + count);
        double median = sample[count / 2];
        end_column(median > 0 ? median * median : all_ / (double)b.k, b.k);
    }
    double share() const { return columns_ ? std::sqrt(shares_ / (double)columns_) : 0; }

private:
    void end_column(double typical, int64_t k) {
        shares_ += lost_ == 0 ? 0 : std::isfinite(lost_ + all_) ? lost_ / (double)k / typical : NAN;
        lost_ = all_ = 0;
        columns_++;
    }

    double lost_ = 0, all_ = 0, shares_ = 0;
    int64_t columns_ = 0;
};

double pack_halves(int32_t type, const strided &b, uint16_t *packed) {
    panels of;
    loss total;
    std::memset(packed, 0, gatun_narrow_bytes(type, b.k, b.n));
    for (int64_t j = 0; j < b.n; j++) {
        int64_t first = j / of.panel * of.panel, width = of.width(b.n - first < of.panel ? b.n - first : of.panel);
        uint16_t *column = packed + first * b.k + j - first;
        for (int64_t p = 0; p < b.k; p++) {
            float x = b.at(p, j);
            uint16_t half = column[p * width] = type == GATUN_F16 ? to_f16(x) : to_bf16(x);
            total.add(x, type == GATUN_F16 ? f16_value(half) : bf16_value(half));
        }
        total.end_column(b);
    }
    return total.share();
}

/* Largest magnitude of a column, NaN if one is not finite. */
float largest_of(const strided &b, int64_t j) {
    float largest = 0, nothing = 0;
    for (int64_t p = 0; p < b.k; p++) {
        largest = std::fmax(largest, std::fabs(b.at(p, j)));
        nothing += b.at(p, j) * 0;
    }
    return nothing == 0 ? largest : NAN;
}

/* Of the four weights of a column whose products two steps add in 16 bits, the largest sum of those of one sign. */
double largest_sum_of(const strided &b, int64_t j) {
    double largest = 0;
    for (int64_t first = 0; first < b.k; first += first % 8 ? 6 : 2) {
        double above = 0, below = 0;
        for (int64_t p : {first, first + 1, first + 4, first + 5}) {
            float x = p < b.k ? b.at(p, j) : 0;
            (x > 0 ? above : below) += std::fabs(x);
        }
        largest = std::max({largest, above, below});
    }
    return largest;
}

/* A weight's unit. 255 * 128 fits 16 bits, and rounding adds no more than a half to each of four. */
float scale_of(const strided &b, int64_t j) {
    float largest = largest_of(b, j);
    return gatun_current().int8_depth() == 1 || largest != largest ? largest / 127 : (float)(largest_sum_of(b, j) / 126);
}

double pack_bytes(const strided &b, char *packed) {
    panels of;
    loss total;
    gatun_int8_layout to(b.k, b.n, of.vector, of.panel, gatun_current().int8_depth());
    float *scales = (float *)(packed + to.scales);
    int32_t *sums = (int32_t *)(packed + to.sums);
    std::memset(packed, 0, to.size);
    for (int64_t j = 0; j < b.n; j++) {
        float scale = scale_of(b, j), inverse = scale >= 1e-37f ? 1 / scale : 0;
        int64_t first = j / of.panel * of.panel, width = of.width(b.n - first < of.panel ? b.n - first : of.panel);
        int8_t *column = (int8_t *)packed + (first * to.steps + j - first) * GATUN_INT8_GROUP;
        scales[j] = scale >= 1e-37f || scale != scale ? scale : 0;
        for (int64_t p = 0; p < b.k; p++) {
            float x = b.at(p, j);
            int32_t rounded = inverse > 0 ? (int32_t)std::lrintf(x * inverse) : 0;
            column[p / GATUN_INT8_GROUP * width * GATUN_INT8_GROUP + p % GATUN_INT8_GROUP] = (int8_t)rounded;
            sums[j] += rounded;
            total.add(x, (double)rounded * scales[j]);
        }
        total.end_column(b, j);
    }
    return total.share();
}

} // namespace

extern "C" {

int32_t gatun_narrow_pairs(void) { return gatun_current().int8_depth() > 1; }

int64_t gatun_narrow_bytes(int32_t type, int64_t k, int64_t n) {
    panels of;
    gatun_int8_layout layout(k, n, of.vector, of.panel, gatun_current().int8_depth());
    return type == GATUN_INT8 ? layout.size : layout.columns * k * 2;
}

double gatun_narrow_pack(int32_t type, const float *b, int64_t k, int64_t n, int64_t k_stride, int64_t n_stride, void *packed) {
    strided from{b, k, n, k_stride, n_stride};
    return type == GATUN_INT8 ? pack_bytes(from, (char *)packed) : pack_halves(type, from, (uint16_t *)packed);
}

int64_t gatun_bytes_packed_bytes(int64_t k, int64_t n) {
    panels of;
    return gatun_bytes_layout(k, n, of.vector, of.panel, gatun_narrow_pairs()).size;
}

void gatun_bytes_pack(const gatun_bytes_source *b, void *packed) {
    panels of;
    gatun_bytes_layout to(b->k, b->n, of.vector, of.panel, gatun_narrow_pairs());
    char *bytes = (char *)packed;
    float *scales = (float *)(bytes + to.scales);
    int32_t *sums = (int32_t *)(bytes + to.sums), *zeros = (int32_t *)(bytes + to.zeros), any = 0, shift = b->type == GATUN_U8 ? 128 : 0;
    std::memset(bytes, 0, to.size);
    for (int64_t j = 0; j < b->n; j++) {
        int64_t first = j / of.panel * of.panel, width = of.width(b->n - first < of.panel ? b->n - first : of.panel);
        int8_t *column = (int8_t *)packed + first * to.steps * to.group + (j - first) * to.group;
        for (int64_t p = 0; p < b->k; p++) {
            int64_t at = p * b->k_stride + j * b->n_stride;
            int32_t value = shift ? ((const uint8_t *)b->b)[at] - shift : ((const int8_t *)b->b)[at];
            column[p / to.group * width * to.group + p % to.group] = (int8_t)value;
            sums[j] += value;
        }
        scales[j] = b->scales ? b->scales[j * b->scale_stride] : 1;
        int64_t at = j * b->zero_stride;
        zeros[j] = !b->zeros ? 0 : shift ? ((const uint8_t *)b->zeros)[at] : ((const int8_t *)b->zeros)[at];
        zeros[j] -= shift;
        any |= zeros[j];
    }
    std::memcpy(bytes + to.any, &any, sizeof any);
}

int64_t gatun_bytes_scratch_bytes(int64_t m, int64_t k) {
    return gatun_bytes_rows(m, k, gatun_narrow_pairs()).all;
}

int64_t gatun_narrow_scratch_bytes(int32_t type, int64_t m, int64_t k) {
    return type == GATUN_INT8 ? gatun_int8_rows(m, k, gatun_current().int8_depth()).size : 0;
}

} // extern "C"
