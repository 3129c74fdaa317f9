/**
 * What sentence-transformers folders say beside the encoder: modules.json, pooling and the layers behind it, prompts, lengths. Parsed and
 * checked here, computed by tasks. Imports {@code checkpoint} and {@code encode}.
 */
package dev.gatun.models.checkpoint.sentence;
