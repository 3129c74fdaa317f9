/** One matrix product: ours, OpenBLAS through ours, and what Java can do alone. */
package dev.gatun.bench.gemm;
