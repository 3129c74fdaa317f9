package dev.gatun.models.generate;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Changes a row of scores before the next token is chosen, in the order of Hugging Face: repetition penalty, n-grams, min length, forced
 * first and last token. Scores are logits; beam search processes log-probabilities, which are logits less the row's log-sum-exp.
 */
final class LogitsProcessors {
    private final GenerationOptions options;
    private final int vocabSize;
    private final int eos;
    private final int maxLength;
    private final int[] seen;
    private int stamp;

    LogitsProcessors(GenerationOptions options, GenerativeModel.Tokens tokens, int maxLength) {
        this(options, tokens.vocabSize(), tokens.eos(), maxLength);
    }

    /** @param eos -1 for none: then no option may need it */
    LogitsProcessors(GenerationOptions options, int vocabSize, int eos, int maxLength) {
        this.options = options;
        this.vocabSize = vocabSize;
        this.eos = eos;
        this.maxLength = maxLength;
        this.seen = options.repetitionPenalty() == 1 ? new int[0] : new int[vocabSize];
    }

    /**
     * Processes one row.
     *
     * @param scores    F32, rows of vocabSize
     * @param row       which row
     * @param logSumExp     what makes a log-probability of a logit by subtraction
     * @param probabilities whether log-probabilities are processed, not logits
     */
    void process(MemorySegment scores, int row, Sequence sequence, float logSumExp, boolean probabilities) {
        long base = (long) row * vocabSize;
        int length = sequence.length - sequence.prompt;
        if (options.repetitionPenalty() != 1) {
            penalize(scores, base, sequence, probabilities ? logSumExp : 0);
        }
        if (options.noRepeatNgramSize() > 0) {
            banRepeated(scores, base, sequence);
        }
        if (length < options.minLength()) {
            set(scores, base + eos, Float.NEGATIVE_INFINITY);
        }
        if (options.forcedBosTokenId() >= 0 && length == 1) {
            force(scores, base, options.forcedBosTokenId(), logSumExp);
        }
        if (options.forcedEosTokenId() >= 0 && length == maxLength - 1) {
            force(scores, base, options.forcedEosTokenId(), logSumExp);
        }
    }

    private void penalize(MemorySegment scores, long base, Sequence sequence, float normalize) {
        stamp++;
        for (int i = 0; i < sequence.length; i++) {
            int id = sequence.ids[i];
            if (seen[id] != stamp) {
                seen[id] = stamp;
                float score = scores.getAtIndex(ValueLayout.JAVA_FLOAT, base + id) - normalize;
                double penalized = score < 0 ? score * options.repetitionPenalty() : score / options.repetitionPenalty();
                set(scores, base + id, (float) (penalized + normalize));
            }
        }
    }

    /** Forbids every token that followed an earlier occurrence of the last n - 1 tokens. */
    private void banRepeated(MemorySegment scores, long base, Sequence sequence) {
        int prefix = options.noRepeatNgramSize() - 1;
        int last = sequence.length - prefix;
        for (int start = 0; start + prefix < sequence.length; start++) {
            int matching = 0;
            while (matching < prefix && sequence.ids[start + matching] == sequence.ids[last + matching]) {
                matching++;
            }
            if (matching == prefix) {
                set(scores, base + sequence.ids[start + prefix], Float.NEGATIVE_INFINITY);
            }
        }
    }

    /** A forced token has log-probability 0. */
    private void force(MemorySegment scores, long base, int token, float logSumExp) {
        for (int i = 0; i < vocabSize; i++) {
            set(scores, base + i, Float.NEGATIVE_INFINITY);
        }
        set(scores, base + token, logSumExp);
    }

    private static void set(MemorySegment scores, long index, float value) {
        scores.setAtIndex(ValueLayout.JAVA_FLOAT, index, value);
    }
}
