/**
 * Encoder and decoder over token ids: what a family's config and tensors come down to, and the model that generation runs. Imports {@code
 * layer}, {@code generate}, {@code runtime} and {@code checkpoint}; a family describes, this compiles.
 */
package dev.gatun.models.seq2seq;
