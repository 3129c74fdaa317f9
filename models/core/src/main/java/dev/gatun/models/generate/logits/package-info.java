/**
 * Rules that change the scores of the next token, one a file, as Hugging Face's {@code LogitsProcessor} classes. A rule is a record of its
 * parameters and keeps nothing between calls, so that threads share it. Imports nothing. A new one implements {@code LogitsProcessor}.
 */
package dev.gatun.models.generate.logits;
