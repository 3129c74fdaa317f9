/** What Java adds to native code: the same calls from Java and from a small C++ program, {@code native/bench-chain.cpp}. */
package dev.gatun.bench.ffm;
