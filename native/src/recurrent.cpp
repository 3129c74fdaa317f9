/* Recurrent layers: the C interface, and weights in the order in which recurrent.h reads them. */
#include "kernels.h"

#include <cstring>

extern "C" {

static int64_t padded(int64_t hidden) {
    const int64_t PANEL = gatun_current().panel;
    return (hidden + PANEL - 1) / PANEL * PANEL;
}

int64_t gatun_recurrent_floats(int64_t k, int64_t hidden, int64_t gates) { return k * gates * padded(hidden); }

int32_t gatun_recurrent_pack(const float *weights, int64_t k, int64_t hidden, int64_t first, int64_t gates, float *packed) {
    const int64_t PANEL = gatun_current().panel;
    float zero = 0; /* x * 0 is 0 for finite x, else NaN, which a sum keeps */
    for (int64_t block = 0; block < padded(hidden) / PANEL; block++)
        for (int64_t gate = 0; gate < gates; gate++) {
            float *panel = packed + (block * gates + gate) * PANEL * k;
            int64_t unit = block * PANEL, count = hidden - unit < PANEL ? hidden - unit : PANEL;
            std::memset(panel, 0, PANEL * k * sizeof(float));
            for (int64_t u = 0; u < count; u++) {
                const float *row = weights + ((first + gate) * hidden + unit + u) * k;
                for (int64_t p = 0; p < k; p++) {
                    panel[p * PANEL + u] = row[p];
                    zero += row[p] * 0;
                }
            }
        }
    return zero == 0;
}

int64_t gatun_recurrent_scratch_bytes(const gatun_recurrent_args *args) {
    return gatun_current().recurrent_scratch_floats(args) * (int64_t)sizeof(float);
}

void gatun_recurrent(const gatun_recurrent_args *args) { gatun_current().recurrent(args); }

} // extern "C"
