package dev.gatun.models.family.whisper;

import java.util.Arrays;

/**
 * What may come next: transformers' SuppressTokensAtBegin, SuppressTokens and WhisperTimeStamp processors, in their order.
 *
 * @param timestamps whether timestamps are written, and their rules hold
 */
record TokenRules(WhisperGeneration generation, int vocabSize, boolean timestamps) {
    private static final float NEVER = Float.NEGATIVE_INFINITY;

    /**
     * Forbids tokens.
     *
     * @param scores of the next token, F32 [vocabSize]
     * @param text   tokens that were written
     * @param length of the text
     */
    void apply(float[] scores, int[] text, int length) {
        if (length == 0) {
            forbid(scores, generation.beginSuppress());
        }
        forbid(scores, generation.suppress());
        if (timestamps) {
            pairs(scores, text, length);
            if (length == 0) {
                first(scores);
            }
            ratherTimestamps(scores);
        }
    }

    private static void forbid(float[] scores, int[] tokens) {
        for (int token : tokens) {
            scores[token] = NEVER;
        }
    }

    /** Timestamps come in pairs, but before the end, and do not decrease. */
    private void pairs(float[] scores, int[] text, int length) {
        int begin = generation.noTimestamps() + 1;
        scores[generation.noTimestamps()] = NEVER;
        boolean last = length >= 1 && text[length - 1] >= begin;
        boolean before = length < 2 || text[length - 2] >= begin;
        if (last && before) {
            Arrays.fill(scores, begin, vocabSize, NEVER);
        } else if (last) {
            Arrays.fill(scores, 0, generation.eos()[0], NEVER);
        }
        for (int i = length - 1; i >= 0; i--) {
            if (text[i] >= begin) {
                Arrays.fill(scores, begin, Math.min(vocabSize, text[i] + (last && !before ? 0 : 1)), NEVER);
                break;
            }
        }
    }

    private void first(float[] scores) {
        int begin = generation.noTimestamps() + 1;
        Arrays.fill(scores, 0, begin, NEVER);
        if (generation.maxInitial() >= 0) {
            Arrays.fill(scores, Math.min(vocabSize, begin + generation.maxInitial() + 1), vocabSize, NEVER);
        }
    }

    /** If timestamps together are likelier than the likeliest other token, it is one of them. */
    private void ratherTimestamps(float[] scores) {
        int begin = generation.noTimestamps() + 1;
        float text = NEVER;
        for (int i = 0; i < begin; i++) {
            text = Math.max(text, scores[i]);
        }
        if (logSumExp(scores, begin, vocabSize) > text) {
            Arrays.fill(scores, 0, begin, NEVER);
        }
    }

    static double logSumExp(float[] scores, int from, int to) {
        float max = NEVER;
        for (int i = from; i < to; i++) {
            max = Math.max(max, scores[i]);
        }
        if (max == NEVER) {
            return NEVER;
        }
        double sum = 0;
        for (int i = from; i < to; i++) {
            sum += Math.exp(scores[i] - max);
        }
        return max + Math.log(sum);
    }
}
