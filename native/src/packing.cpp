/* Weights in the layouts that gemm.h and winograd.h read: panels as wide as the instruction set's tiles. */
#include "kernels.h"

#include <cstring>

extern "C" {

static int64_t panel_width(int64_t columns) {
    return gatun_panel_width(columns, gatun_current().vector_floats, gatun_current().panel);
}

int64_t gatun_panel_floats(int64_t k, int64_t n) {
    int64_t whole = n / gatun_current().panel * gatun_current().panel;
    return (n > whole ? whole + panel_width(n - whole) : whole) * k;
}

int32_t gatun_pack_panels(const float *b, int64_t k, int64_t n, int64_t k_stride, int64_t n_stride, float *packed) {
    const int64_t PANEL = gatun_current().panel;
    /* x * 0 is 0 for finite x, else NaN, which a sum keeps. */
    float zeros[64] = {};
    for (int64_t j = 0; j < n; j += PANEL) {
        int64_t columns = n - j < PANEL ? n - j : PANEL, width = panel_width(columns);
        for (int64_t p = 0; p < k; p++) {
            float *row = packed + j * k + p * width;
            const float *from = b + p * k_stride + j * n_stride;
            if (n_stride == 1) std::memcpy(row, from, columns * sizeof(float));
            else
                for (int64_t i = 0; i < columns; i++) row[i] = from[i * n_stride];
            for (int64_t i = 0; i < columns; i++) zeros[i] += row[i] * 0;
            std::memset(row + columns, 0, (width - columns) * sizeof(float));
        }
    }
    float zero = 0;
    for (float each : zeros) zero += each;
    return zero == 0;
}

int64_t gatun_winograd_floats(int64_t c, int64_t oc) { return 36 * gatun_panel_floats(c, oc); }

/* G g G^T: row j of G is 1, p, p^2 of the point over the product of its distances to the others; infinity has the last tap. */
void gatun_winograd_pack(const float *weights, int64_t c, int64_t oc, float *u) {
    const double A = 0.70710678118654752440, B = 1.41421356237309504880;
    const double G[6][3] = {{1, 0, 0},
                            {-1.0 / 1.5, -A / 1.5, -0.5 / 1.5},
                            {-1.0 / 1.5, A / 1.5, -0.5 / 1.5},
                            {1.0 / 6, B / 6, 2.0 / 6},
                            {1.0 / 6, -B / 6, 2.0 / 6},
                            {0, 0, 1}};
    const int64_t PANEL = gatun_current().panel, product = gatun_panel_floats(c, oc);
    std::memset(u, 0, gatun_winograd_floats(c, oc) * sizeof(float));
    for (int64_t o = 0; o < oc; o++)
        for (int64_t i = 0; i < c; i++) {
            const float *g = weights + (o * c + i) * 9;
            double half[6][3];
            for (int r = 0; r < 6; r++)
                for (int x = 0; x < 3; x++) half[r][x] = G[r][0] * g[x] + G[r][1] * g[3 + x] + G[r][2] * g[6 + x];
            int64_t panel = o / PANEL * PANEL;
            float *to = u + panel * c + i * panel_width(oc - panel) + o % PANEL;
            for (int r = 0; r < 6; r++)
                for (int s = 0; s < 6; s++)
                    to[(r * 6 + s) * product] = (float)(half[r][0] * G[s][0] + half[r][1] * G[s][1] + half[r][2] * G[s][2]);
        }
}

} // extern "C"
