package dev.gatun.models.generate;

import java.util.ArrayList;
import java.util.List;

/**
 * How to generate; names and meanings of Hugging Face's {@code generate}. Lengths count the start token and, where there
 * is one, eos.
 *
 * @param maxLength          {@code max_length}; 0: the model's positions
 * @param minLength          {@code min_length}: eos is not chosen while the sequence is shorter
 * @param numBeams           {@code num_beams}; 1: greedy, or sampling
 * @param lengthPenalty      {@code length_penalty}: scores of beams are divided by tokens ** lengthPenalty
 * @param earlyStopping      {@code early_stopping}: when beam search is done
 * @param numReturnSequences {@code num_return_sequences}
 * @param doSample           {@code do_sample}: draw the next token instead of taking the best
 * @param temperature        {@code temperature}, of sampling
 * @param topK               {@code top_k}, of sampling; 0: off
 * @param topP               {@code top_p}, of sampling; 1: off
 * @param seed               of sampling; the same for every batch that a source is in
 * @param repetitionPenalty  {@code repetition_penalty}; 1: off
 * @param noRepeatNgramSize  {@code no_repeat_ngram_size}; 0: off
 * @param forcedBosTokenId   {@code forced_bos_token_id}, the first token after the start token; -1: none
 * @param forcedEosTokenId   {@code forced_eos_token_id}, the last token at maxLength; -1: none
 * @param stopSequences      token sequences that end a sequence as eos does, and stay in it
 */
public record GenerationOptions(int maxLength, int minLength, int numBeams, double lengthPenalty, EarlyStopping earlyStopping,
        int numReturnSequences, boolean doSample, double temperature, int topK, double topP, long seed, double repetitionPenalty,
        int noRepeatNgramSize, int forcedBosTokenId, int forcedEosTokenId, List<List<Integer>> stopSequences) {

    /**
     * When beam search is done with an input. FALSE: when no running beam is likely to beat the worst finished one; TRUE: when
     * numBeams are finished; NEVER: when no running beam can.
     */
    public enum EarlyStopping { FALSE, TRUE, NEVER }

    /** Checks ranges and conflicts. */
    public GenerationOptions {
        require(maxLength == 0 || maxLength >= 2, "max_length must be 2 or more (0: the model's positions), not " + maxLength);
        require(minLength >= 0, "min_length must be 0 or more, not " + minLength);
        require(maxLength == 0 || minLength <= maxLength, "min_length " + minLength + " is more than max_length " + maxLength);
        require(numBeams >= 1, "num_beams must be 1 or more, not " + numBeams);
        require(Double.isFinite(lengthPenalty), "length_penalty must be a number, not " + lengthPenalty);
        require(numReturnSequences >= 1, "num_return_sequences must be 1 or more, not " + numReturnSequences);
        require(!doSample || numBeams == 1, "do_sample and num_beams " + numBeams + " exclude each other");
        require(doSample || numReturnSequences <= numBeams,
                "num_return_sequences " + numReturnSequences + " is more than num_beams " + numBeams + ", and do_sample is off");
        require(numBeams > 1 || earlyStopping == EarlyStopping.FALSE, "early_stopping has a meaning only with num_beams > 1");
        require(temperature > 0 && Double.isFinite(temperature), "temperature must be positive, not " + temperature);
        require(topK >= 0, "top_k must be 0 or more, not " + topK);
        require(topP > 0 && topP <= 1, "top_p must be above 0 and at most 1, not " + topP);
        require(doSample || temperature == 1 && topK == 0 && topP == 1, "temperature, top_k and top_p need do_sample");
        require(repetitionPenalty > 0 && Double.isFinite(repetitionPenalty), "repetition_penalty must be positive, not "
                + repetitionPenalty);
        require(noRepeatNgramSize >= 0, "no_repeat_ngram_size must be 0 or more, not " + noRepeatNgramSize);
        require(forcedBosTokenId >= -1 && forcedEosTokenId >= -1, "forced token ids must be -1 (none) or more");
        stopSequences = stopSequences.stream().map(List::copyOf).toList();
        require(stopSequences.stream().noneMatch(List::isEmpty), "a stop sequence is empty");
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
    }

    /** Greedy search up to the model's positions. */
    public static GenerationOptions greedy() {
        return builder().build();
    }

    /** Beam search with so many beams. */
    public static GenerationOptions beams(int count) {
        return builder().numBeams(count).build();
    }

    /** A builder with the defaults: greedy, no penalties; sampling, once on, starts from temperature 1 without cuts. */
    public static Builder builder() {
        return new Builder();
    }

    /** Sets options by name; {@link #build} checks them. */
    public static final class Builder {
        private int maxLength;
        private int maxNewTokens;
        private int minLength;
        private int numBeams = 1;
        private double lengthPenalty = 1;
        private EarlyStopping earlyStopping = EarlyStopping.FALSE;
        private int numReturnSequences = 1;
        private boolean doSample;
        private double temperature = 1;
        private int topK;
        private double topP = 1;
        private long seed;
        private double repetitionPenalty = 1;
        private int noRepeatNgramSize;
        private int forcedBosTokenId = -1;
        private int forcedEosTokenId = -1;
        private final List<List<Integer>> stopSequences = new ArrayList<>();

        private Builder() {
        }

        /** See {@link GenerationOptions}. */
        public Builder maxLength(int value) {
            maxLength = value;
            return this;
        }

        /** {@code max_new_tokens}: maxLength less the start token; one of the two. */
        public Builder maxNewTokens(int value) {
            require(value >= 1, "max_new_tokens must be 1 or more, not " + value);
            maxNewTokens = value;
            return this;
        }

        /** See {@link GenerationOptions}. */
        public Builder minLength(int value) {
            minLength = value;
            return this;
        }

        /** See {@link GenerationOptions}. */
        public Builder numBeams(int value) {
            numBeams = value;
            return this;
        }

        /** See {@link GenerationOptions}. */
        public Builder lengthPenalty(double value) {
            lengthPenalty = value;
            return this;
        }

        /** See {@link GenerationOptions}. */
        public Builder earlyStopping(EarlyStopping value) {
            earlyStopping = value;
            return this;
        }

        /** See {@link GenerationOptions}. */
        public Builder numReturnSequences(int value) {
            numReturnSequences = value;
            return this;
        }

        /** See {@link GenerationOptions}. */
        public Builder doSample(boolean value) {
            doSample = value;
            return this;
        }

        /** See {@link GenerationOptions}. */
        public Builder temperature(double value) {
            temperature = value;
            return this;
        }

        /** See {@link GenerationOptions}. */
        public Builder topK(int value) {
            topK = value;
            return this;
        }

        /** See {@link GenerationOptions}. */
        public Builder topP(double value) {
            topP = value;
            return this;
        }

        /** See {@link GenerationOptions}. */
        public Builder seed(long value) {
            seed = value;
            return this;
        }

        /** See {@link GenerationOptions}. */
        public Builder repetitionPenalty(double value) {
            repetitionPenalty = value;
            return this;
        }

        /** See {@link GenerationOptions}. */
        public Builder noRepeatNgramSize(int value) {
            noRepeatNgramSize = value;
            return this;
        }

        /** See {@link GenerationOptions}. */
        public Builder forcedBosTokenId(int value) {
            forcedBosTokenId = value;
            return this;
        }

        /** See {@link GenerationOptions}. */
        public Builder forcedEosTokenId(int value) {
            forcedEosTokenId = value;
            return this;
        }

        /** Adds one; see {@link GenerationOptions}. */
        public Builder stopSequence(List<Integer> tokens) {
            stopSequences.add(List.copyOf(tokens));
            return this;
        }

        /**
         * Checks and finishes.
         *
         * @throws IllegalArgumentException if an option is out of range or two contradict each other
         */
        public GenerationOptions build() {
            require(maxLength == 0 || maxNewTokens == 0, "max_length and max_new_tokens exclude each other");
            return new GenerationOptions(maxNewTokens > 0 ? maxNewTokens + 1 : maxLength, minLength, numBeams, lengthPenalty, earlyStopping,
                    numReturnSequences, doSample,
                    temperature, topK, topP, seed, repetitionPenalty, noRepeatNgramSize, forcedBosTokenId, forcedEosTokenId, stopSequences);
        }
    }
}
