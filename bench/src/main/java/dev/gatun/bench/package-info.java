/**
 * The benchmark command. {@code harness} times contenders that live in processes of their own; each model family
 * has a package with its workloads and contenders. Adding a suite: a {@code Suite}, one line in {@code Bench}.
 */
package dev.gatun.bench;
