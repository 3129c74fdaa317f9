/** Strings in, vectors out, on all cores: tokenizer, batching and threads as each library does them by itself. */
package dev.gatun.bench.texts;
