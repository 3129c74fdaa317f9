/** JMH benchmarks of our own code, for {@code -prof gc} and profilers; comparisons with others are the suites' work. */
package dev.gatun.bench.jmh;
