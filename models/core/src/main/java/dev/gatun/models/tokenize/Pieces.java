package dev.gatun.models.tokenize;

import java.util.Arrays;

/**
 * A text's own tokens.
 *
 * @param ids    ids
 * @param starts where each begins in the text, in Java chars
 * @param ends   where each ends
 * @param words  the word that each belongs to, counted from 0; -1 where the tokenizer knows of none
 */
record Pieces(int[] ids, int[] starts, int[] ends, int[] words) {
    Pieces range(int from, int to) {
        return new Pieces(Arrays.copyOfRange(ids, from, to), Arrays.copyOfRange(starts, from, to), Arrays.copyOfRange(ends, from, to),
                Arrays.copyOfRange(words, from, to));
    }
}
