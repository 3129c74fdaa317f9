/**
 * Rules that cut and warp the candidates that sampling draws from, one a file, as Hugging Face's {@code LogitsWarper} classes. Records
 * without state. Imports nothing.
 */
package dev.gatun.models.generate.sample;
