/**
 * Texts to vectors: a tokenizer, an encoder and workers behind one class. Imports {@code registry}, which finds the family, {@code encode},
 * {@code tokenize}, {@code runtime} and {@code checkpoint}; knows no family.
 */
package dev.gatun.models.task.embed;
