/** Static embeddings: a table of words alone. Imports {@code encode}, {@code layer} and {@code checkpoint}. */
package dev.gatun.models.family.rows;
