/**
 * Gatun's own kernels ({@code libgatun}): calls that take an argument block filled once, off-heap buffers, and the
 * thread count. Imports the loader and the generated code only.
 */
package dev.gatun.bindings.kernels;
