/* Small products with the result in registers: what attention is made of. */
#pragma once

#include "vec.h"

namespace GATUN_NAMESPACE {

/* Rows in registers at once: accumulators are ROWS x 2 vectors, and two vectors and a broadcast beside them. */
constexpr int ROWS = REGISTERS == 32 ? 12 : VEC_BYTES == 32 ? 6 : 4;
constexpr int64_t PANEL = 2 * W;

static inline int64_t padded(int64_t n) { return (n + W - 1) / W * W; }

/* c[MR, NR vectors] = a[MR, k] b[k, NR vectors]; b's rows are ldb apart. */
template <int MR, int NR>
static void product(const float *a, int64_t lda, const float *b, int64_t ldb, int64_t k, float *c, int64_t ldc) {
    vf acc[MR][NR];
#pragma GCC unroll 16
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 2
        for (int j = 0; j < NR; j++) acc[i][j] = vf{};
    for (int64_t p = 0; p < k; p++) {
        vf row[NR];
#pragma GCC unroll 2
        for (int j = 0; j < NR; j++) row[j] = load(b + p * ldb + j * W);
#pragma GCC unroll 16
        for (int i = 0; i < MR; i++) {
            vf x = set(a[i * lda + p]);
#pragma GCC unroll 2
            for (int j = 0; j < NR; j++) acc[i][j] += x * row[j];
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < MR; i++)
#pragma GCC unroll 2
        for (int j = 0; j < NR; j++) store(c + i * ldc + j * W, acc[i][j]);
}

typedef void (*product_fn)(const float *a, int64_t lda, const float *b, int64_t ldb, int64_t k, float *c, int64_t ldc);

/* The product of exactly so many rows, 1 .. ROWS, and of two vectors of columns (wide) or one. */
template <int MR = ROWS>
static inline product_fn product_of(int64_t rows, bool wide) {
    if constexpr (MR > 1) {
        if (rows < MR) return product_of<MR - 1>(rows, wide);
    }
    return wide ? product<MR, 2> : product<MR, 1>;
}

/* c[rows, columns] = a[rows, k] b[k, columns]; rows <= ROWS, columns whole vectors. */
static void product_rows(int64_t rows, const float *a, int64_t lda, const float *b, int64_t ldb, int64_t k, float *c,
                         int64_t ldc, int64_t columns) {
    product_fn wide = product_of(rows, true);
    int64_t j = 0;
    for (; j + PANEL <= columns; j += PANEL) wide(a, lda, b + j, ldb, k, c + j, ldc);
    if (j < columns) product_of(rows, false)(a, lda, b + j, ldb, k, c + j, ldc);
}

/* The same with b in panels of PANEL columns, each [k, PANEL]; b has ldb columns, the last panel may be one vector wide. */
static void product_panels(int64_t rows, const float *a, int64_t lda, const float *b, int64_t k, int64_t ldb, float *c,
                           int64_t ldc, int64_t columns) {
    product_fn wide = product_of(rows, true);
    int64_t j = 0;
    for (; j + PANEL <= columns; j += PANEL) wide(a, lda, b + j * k, PANEL, k, c + j, ldc);
    if (j < columns) product_of(rows, false)(a, lda, b + j * k, ldb - j < PANEL ? W : PANEL, k, c + j, ldc);
}

} // namespace
