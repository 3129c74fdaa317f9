package dev.gatun.models.generate;

import java.util.Arrays;

/** A target under way: its tokens, from the start token on, and their keys and values. Reused for one source after another. */
final class Sequence {
    final BlockTable table;
    int[] ids = new int[0];
    int length;
    /** Sum of the log-probabilities of the tokens after the start token. */
    double sum;
    /** State of the random numbers that belong to this sequence. */
    long random;
    /** Which of its source's sequences this is. */
    int index;
    boolean done;
    /** Tokens before the one that counts as the start token. */
    int prompt;

    Sequence(BlockTable table) {
        this.table = table;
    }

    void start(int token, int maxLength, int number) {
        if (ids.length < maxLength) {
            ids = new int[maxLength];
        }
        ids[0] = token;
        length = 1;
        sum = 0;
        index = number;
        done = false;
    }

    /** Starts with a prompt, whose last token is the start token. */
    void begin(int[] tokens, int maxLength, int number) {
        start(tokens[0], Math.addExact(tokens.length - 1, maxLength), number);
        System.arraycopy(tokens, 0, ids, 0, tokens.length);
        length = tokens.length;
        prompt = tokens.length - 1;
    }

    /** Continues another's tokens; blocks are shared, not copied. */
    void fork(Sequence parent) {
        if (ids.length < parent.ids.length) {
            ids = new int[parent.ids.length];
        }
        System.arraycopy(parent.ids, 0, ids, 0, parent.length);
        length = parent.length;
        sum = parent.sum;
        index = parent.index;
        done = false;
        table.shareFrom(parent.table);
    }

    void append(int token, double newSum) {
        ids[length++] = token;
        sum = newSum;
    }

    /** The tokens after the start token. */
    int[] generated() {
        return Arrays.copyOfRange(ids, prompt + 1, length);
    }
}
