/**
 * Times contenders fairly: each in its own JVM (thread pools of one engine spin, and slow the other), turn by
 * turn (drift of the machine cancels), outputs compared before anything is timed. Knows no model.
 */
package dev.gatun.bench.harness;
