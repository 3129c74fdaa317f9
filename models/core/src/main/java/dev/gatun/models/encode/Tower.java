package dev.gatun.models.encode;

import dev.gatun.tensor.graph.Linear;

/**
 * How texts become vectors in a family that leaves nothing of it to the folder, as the text towers of image models.
 *
 * @param pooling    of the last layer's rows
 * @param projection of the pooled row
 * @param pads       whether texts are padded to their full length, and the padding is attended to
 * @param ids        what becomes of a text's tokens before they are encoded
 */
public record Tower(Pooling pooling, Linear.Part projection, boolean pads, Ids ids) {

    /** Pads or cuts. */
    @FunctionalInterface
    public interface Ids {
        /**
         * A text's tokens as the tower wants them.
         *
         * @param ids special tokens included
         * @param pad the tokenizer's padding
         */
        int[] of(int[] ids, int pad);
    }
}
