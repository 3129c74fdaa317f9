/**
 * Llama, Mistral, Qwen and EuroBERT as encoders: its config and the names of its tensors. Imports {@code encode}, {@code layer} and {@code
 * checkpoint}.
 */
package dev.gatun.models.family.llama;
