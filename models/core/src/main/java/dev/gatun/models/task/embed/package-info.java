/**
 * Texts to vectors: a tokenizer, an encoder and workers behind one class. May import the architectures,
 * {@code models.text} and {@code models.weights}.
 */
package dev.gatun.models.task.embed;
