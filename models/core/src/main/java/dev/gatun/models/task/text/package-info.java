/**
 * Tasks over texts with encoders that bring a head: classify, rerank, tag, fill masks, answer questions. {@code TextModel} is what they
 * share. Imports {@code encode}, {@code tokenize}, {@code runtime} and the registry of families.
 */
package dev.gatun.models.task.text;
