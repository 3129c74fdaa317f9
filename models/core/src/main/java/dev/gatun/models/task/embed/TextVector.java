package dev.gatun.models.task.embed;

/**
 * The vector of one text, on the heap.
 *
 * @param values    its elements; not copied
 * @param tokens    of the text, special tokens included
 * @param truncated whether the text was longer than what is computed, so that its end was not read
 */
public record TextVector(float[] values, int tokens, boolean truncated) {
}
