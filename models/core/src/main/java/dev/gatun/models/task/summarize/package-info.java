/** Summaries of texts with models from text to text. Imports {@code registry} and {@code seq2seq}. */
package dev.gatun.models.task.summarize;
