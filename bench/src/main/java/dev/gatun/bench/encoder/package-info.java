/**
 * The text encoder: all-MiniLM-L6-v2 from token ids to one vector a text, the same ONNX file for every contender.
 */
package dev.gatun.bench.encoder;
