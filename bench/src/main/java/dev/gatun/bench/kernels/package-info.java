/** Single kernels on one thread: ours as a plan of one op, and what Java can do alone. */
package dev.gatun.bench.kernels;
