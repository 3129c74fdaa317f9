/**
 * The honest baseline: the same kernels in Java alone, once as plain loops, once cache-blocked for the compiler to
 * vectorize, once with the Vector API. They are tested against double arithmetic. Nothing native, nothing of Gatun.
 */
package dev.gatun.bench.purejava;
