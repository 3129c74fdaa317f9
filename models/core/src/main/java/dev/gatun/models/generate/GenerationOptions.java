package dev.gatun.models.generate;

import dev.gatun.models.generate.logits.EncoderNoRepeatNgram;
import dev.gatun.models.generate.logits.EncoderRepetitionPenalty;
import dev.gatun.models.generate.logits.ForcedBos;
import dev.gatun.models.generate.logits.ForcedEos;
import dev.gatun.models.generate.logits.LogitsProcessor;
import dev.gatun.models.generate.logits.MinLength;
import dev.gatun.models.generate.logits.MinNewTokens;
import dev.gatun.models.generate.logits.NoRepeatNgram;
import dev.gatun.models.generate.logits.RepetitionPenalty;
import dev.gatun.models.generate.sample.Temperature;
import dev.gatun.models.generate.sample.TopK;
import dev.gatun.models.generate.sample.TopP;
import dev.gatun.models.generate.sample.Warper;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;

/**
 * How to generate; names and meanings of Hugging Face's {@code generate}. Lengths count the prompt, or the start token, and where there
 * is one, eos. {@link GenerationConfig} reads a folder's.
 *
 * @param maxLength            {@code max_length}; 0: the model's positions
 * @param maxNewTokens         {@code max_new_tokens}, of which the prompt does not count; 0: maxLength decides
 * @param numBeams             {@code num_beams}; 1: greedy, or sampling
 * @param numBeamGroups        {@code num_beam_groups}: beams in groups that choose one after the other, without doSample; 1: none
 * @param diversityPenalty     {@code diversity_penalty}, above 0 with groups: what a token costs for each beam of a group before that has
 *                             chosen it in the same step
 * @param lengthPenalty        {@code length_penalty}: scores are divided by chosen tokens ** lengthPenalty
 * @param earlyStopping        {@code early_stopping}: when beam search is done; unused without beams
 * @param numReturnSequences   {@code num_return_sequences}
 * @param doSample             {@code do_sample}: draw tokens instead of taking the best; with beams, draw their continuations
 * @param warpers              what shapes and cuts the candidates of sampling, in the order of Hugging Face; unused without doSample
 * @param seed                 of sampling; the same for every batch that a source is in
 * @param processors           what changes scores before a token is chosen, in the order of Hugging Face, other ones behind
 * @param renormalizeLogits    {@code renormalize_logits}: scores of beams are log-probabilities again after the processors
 * @param eosTokenIds          {@code eos_token_id}, one or several; none: the model's
 * @param decoderStartTokenId  {@code decoder_start_token_id}; -1: the model's
 * @param stopSequences        token sequences that end a sequence as eos does, and stay in it
 * @param stopStrings          {@code stop_strings}: texts that end a sequence with the token that completes them
 * @param tokenBytes           UTF-8 that a token adds to a text, for stopStrings; or null
 * @param maxTime              {@code max_time}: after it sequences end with their next token; or null
 * @param guess                who guesses tokens that are then checked together, or null; not with beams
 */
public record GenerationOptions(int maxLength, int maxNewTokens, int numBeams, int numBeamGroups, double diversityPenalty,
        double lengthPenalty, EarlyStopping earlyStopping, int numReturnSequences, boolean doSample, List<Warper> warpers, long seed,
        List<LogitsProcessor> processors, boolean renormalizeLogits, List<Integer> eosTokenIds, int decoderStartTokenId,
        List<List<Integer>> stopSequences, List<String> stopStrings, IntFunction<byte[]> tokenBytes, Duration maxTime, Guess guess) {

    private static final Duration LONGEST = Duration.ofDays(36_500);

    /**
     * When beam search is done with an input. FALSE: when no running beam is likely to beat the worst finished one; TRUE: when
     * numBeams are finished; NEVER: when no running beam can.
     */
    public enum EarlyStopping { FALSE, TRUE, NEVER }

    /** Checks ranges and conflicts. */
    public GenerationOptions {
        require(maxLength == 0 || maxLength >= 2, "max_length must be 2 or more (0: the model's positions), not " + maxLength);
        require(maxNewTokens >= 0, "max_new_tokens must be 1 or more, not " + maxNewTokens);
        require(maxLength == 0 || maxNewTokens == 0, "max_length and max_new_tokens exclude each other");
        require(numBeams >= 1, "num_beams must be 1 or more, not " + numBeams);
        Diversity.check(numBeams, numBeamGroups, diversityPenalty, doSample);
        require(Double.isFinite(lengthPenalty), "length_penalty must be a number, not " + lengthPenalty);
        require(numReturnSequences >= 1, "num_return_sequences must be 1 or more, not " + numReturnSequences);
        require(doSample && numBeams == 1 || numReturnSequences <= numBeams,
                "num_return_sequences " + numReturnSequences + " is more than num_beams " + numBeams
                        + (doSample ? "" : ", and do_sample is off"));
        require(maxTime == null || maxTime.isPositive() && maxTime.compareTo(LONGEST) <= 0,
                "max_time must be positive and at most 100 years, not " + maxTime);
        require(guess == null || numBeams == 1 && numReturnSequences == 1, "an assistant or prompt_lookup_num_tokens guesses for one "
                + "sequence: num_beams is " + numBeams + ", num_return_sequences " + numReturnSequences);
        processors = Order.processors(processors);
        warpers = Order.warpers(warpers);
        require(!doSample || !warpers.contains(new Temperature(0)), "temperature must be positive, not 0.0: without do_sample the best "
                + "token is taken");
        eosTokenIds = eosTokenIds.stream().distinct().toList();
        stopSequences = stopSequences.stream().map(List::copyOf).toList();
        require(stopSequences.stream().noneMatch(List::isEmpty), "a stop sequence is empty");
        stopStrings = List.copyOf(stopStrings);
        require(stopStrings.stream().noneMatch(String::isEmpty), "a stop string is empty");
        int minLength = option(processors, MinLength.class) == null ? 0 : option(processors, MinLength.class).length();
        require(maxLength == 0 || minLength <= maxLength, "min_length " + minLength + " is more than max_length " + maxLength);
        int minNew = option(processors, MinNewTokens.class) == null ? 0 : option(processors, MinNewTokens.class).count();
        require(maxNewTokens == 0 || minNew <= maxNewTokens, "min_new_tokens " + minNew + " is more than max_new_tokens " + maxNewTokens);
        Order.conflicts(processors);
    }

    static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
    }

    private static <T> T option(List<? super T> all, Class<T> type) {
        return all.stream().filter(type::isInstance).map(type::cast).findFirst().orElse(null);
    }

    /** The processor of a class, or null. */
    public <T extends LogitsProcessor> T processor(Class<T> type) {
        return option(processors, type);
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

    /** A builder for what a file says: options of a search that is not asked for are kept for one that is. */
    static Builder fileBuilder() {
        Builder builder = new Builder();
        builder.inherits = true;
        builder.fromFile = true;
        return builder;
    }

    /** A builder that starts from these; what is set there replaces what stands here, max_new_tokens also max_length and back. */
    public Builder toBuilder() {
        return new Builder(this);
    }

    /** Sets options by name; {@link #build} checks them. */
    public static final class Builder {
        private int maxLength;
        private int maxNewTokens;
        private int numBeams = 1;
        private int numBeamGroups = 1;
        private double diversityPenalty;
        private double lengthPenalty = 1;
        private EarlyStopping earlyStopping = EarlyStopping.FALSE;
        private int numReturnSequences = 1;
        private boolean doSample;
        private final List<Warper> warpers = new ArrayList<>();
        private long seed;
        private final List<LogitsProcessor> processors = new ArrayList<>();
        private boolean renormalizeLogits;
        private List<Integer> eosTokenIds = List.of();
        private int decoderStartTokenId = -1;
        private final List<List<Integer>> stopSequences = new ArrayList<>();
        private final List<String> stopStrings = new ArrayList<>();
        private IntFunction<byte[]> tokenBytes;
        private Duration maxTime;
        private Guess guess;
        private boolean inherits;
        private boolean warped;
        private boolean early;
        private boolean fromFile;

        private Builder() {
        }

        private Builder(GenerationOptions from) {
            inherits = true;
            maxLength = from.maxLength;
            maxNewTokens = from.maxNewTokens;
            numBeams = from.numBeams;
            numBeamGroups = from.numBeamGroups;
            diversityPenalty = from.diversityPenalty;
            lengthPenalty = from.lengthPenalty;
            earlyStopping = from.earlyStopping;
            numReturnSequences = from.numReturnSequences;
            doSample = from.doSample;
            warpers.addAll(from.warpers);
            seed = from.seed;
            processors.addAll(from.processors);
            renormalizeLogits = from.renormalizeLogits;
            eosTokenIds = from.eosTokenIds;
            decoderStartTokenId = from.decoderStartTokenId;
            stopSequences.addAll(from.stopSequences);
            stopStrings.addAll(from.stopStrings);
            tokenBytes = from.tokenBytes;
            maxTime = from.maxTime;
            guess = from.guess;
        }

        /** See {@link GenerationOptions}. */
        public Builder numBeams(int value) {
            numBeams = value;
            return this;
        }

        /** {@code num_beam_groups} and {@code diversity_penalty} (Vijayakumar et al. 2016). */
        public Builder beamGroups(int groups, double penalty) {
            numBeamGroups = groups;
            diversityPenalty = penalty;
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
            early = value != EarlyStopping.FALSE;
            return this;
        }

        /** See {@link GenerationOptions}. */
        public Builder numReturnSequences(int value) {
            numReturnSequences = value;
            return this;
        }

        /** See {@link GenerationOptions}. */
        public Builder seed(long value) {
            seed = value;
            return this;
        }

        /** See {@link GenerationOptions}. */
        public Builder renormalizeLogits(boolean value) {
            renormalizeLogits = value;
            return this;
        }

        /** See {@link GenerationOptions}. */
        public Builder eosTokenIds(List<Integer> value) {
            eosTokenIds = value;
            return this;
        }

        /** See {@link GenerationOptions}. */
        public Builder decoderStartTokenId(int value) {
            decoderStartTokenId = value;
            return this;
        }

        /** See {@link GenerationOptions}. */
        public Builder tokenBytes(IntFunction<byte[]> value) {
            tokenBytes = value;
            return this;
        }

        /** See {@link GenerationOptions}. */
        public Builder maxTime(Duration value) {
            maxTime = value;
            return this;
        }

        /** Who guesses tokens, or null. */
        public Builder guess(Guess value) {
            guess = value;
            return this;
        }

        /** {@code max_length}; 0: the model's positions. */
        public Builder maxLength(int value) {
            maxLength = value;
            maxNewTokens = inherits ? 0 : maxNewTokens;
            return this;
        }

        /** {@code max_new_tokens}, 1 or more; instead of max_length. */
        public Builder maxNewTokens(int value) {
            require(value >= 1, "max_new_tokens must be 1 or more, not " + value);
            maxNewTokens = value;
            maxLength = inherits ? 0 : maxLength;
            return this;
        }

        /** {@code do_sample}. */
        public Builder doSample(boolean value) {
            doSample = value;
            return this;
        }

        /** A text that ends a sequence; also needs {@link #tokenBytes}. */
        public Builder stopString(String text) {
            stopStrings.add(text);
            return this;
        }

        /** Adds tokens that end a sequence; see {@link GenerationOptions}. */
        public Builder stopSequence(List<Integer> ids) {
            stopSequences.add(List.copyOf(ids));
            return this;
        }

        /** Adds a processor; one of the package {@code logits} replaces that of its class. */
        public Builder processor(LogitsProcessor value) {
            if (Order.isOurs(value)) {
                without(value.getClass());
            }
            processors.add(value);
            return this;
        }

        /** Takes the processors of a class away. */
        public Builder without(Class<?> type) {
            processors.removeIf(type::isInstance);
            return this;
        }

        private Builder processor(boolean on, Class<?> type, java.util.function.Supplier<LogitsProcessor> make) {
            return on ? processor(make.get()) : without(type);
        }

        /** Adds a warper of sampling; it replaces that of its class. */
        public Builder warper(Warper value) {
            warpers.removeIf(value.getClass()::isInstance);
            warpers.add(value);
            warped = true;
            return this;
        }

        private Builder warper(boolean on, Class<?> type, java.util.function.Supplier<Warper> make) {
            warpers.removeIf(type::isInstance);
            return on ? warper(make.get()) : this;
        }

        /** {@code min_length}; 0: none. */
        public Builder minLength(int value) {
            return processor(value != 0, MinLength.class, () -> new MinLength(value));
        }

        /** {@code min_new_tokens}; 0: none. */
        public Builder minNewTokens(int value) {
            return processor(value != 0, MinNewTokens.class, () -> new MinNewTokens(value));
        }

        /** {@code repetition_penalty}; 1: none. */
        public Builder repetitionPenalty(double value) {
            return processor(value != 1, RepetitionPenalty.class, () -> new RepetitionPenalty(value));
        }

        /** {@code encoder_repetition_penalty}; 1: none. */
        public Builder encoderRepetitionPenalty(double value) {
            return processor(value != 1, EncoderRepetitionPenalty.class, () -> new EncoderRepetitionPenalty(value));
        }

        /** {@code no_repeat_ngram_size}; 0: none. */
        public Builder noRepeatNgramSize(int value) {
            return processor(value != 0, NoRepeatNgram.class, () -> new NoRepeatNgram(value));
        }

        /** {@code encoder_no_repeat_ngram_size}; 0: none. */
        public Builder encoderNoRepeatNgramSize(int value) {
            return processor(value != 0, EncoderNoRepeatNgram.class, () -> new EncoderNoRepeatNgram(value));
        }

        /** {@code forced_bos_token_id}; -1: none. */
        public Builder forcedBosTokenId(int value) {
            return processor(value != -1, ForcedBos.class, () -> new ForcedBos(value));
        }

        /** {@code forced_eos_token_id}; -1: none. */
        public Builder forcedEosTokenId(int value) {
            return processor(value != -1, ForcedEos.class, () -> new ForcedEos(List.of(value)));
        }

        /** {@code temperature}, of sampling; 1: none. */
        public Builder temperature(double value) {
            return warper(value != 1, Temperature.class, () -> new Temperature(value));
        }

        /** {@code top_k}, of sampling; 0: none. */
        public Builder topK(int value) {
            return warper(value != 0, TopK.class, () -> new TopK(value));
        }

        /** {@code top_p}, of sampling; 1: none. */
        public Builder topP(double value) {
            return warper(value != 1, TopP.class, () -> new TopP(value));
        }

        /**
         * Checks and finishes.
         *
         * @throws IllegalArgumentException if an option is out of range or two contradict each other
         */
        public GenerationOptions build() {
            require(doSample || !warped || fromFile, "temperature, top_k and top_p need do_sample, and so do the other cuts of sampling");
            require(numBeams > 1 || !early || fromFile, "early_stopping has a meaning only with num_beams > 1");
            require(numBeamGroups > 1 || diversityPenalty == 0 || fromFile, "diversity_penalty needs num_beam_groups above 1");
            return new GenerationOptions(maxLength, maxNewTokens, numBeams, numBeamGroups, diversityPenalty, lengthPenalty, earlyStopping,
                    numReturnSequences, doSample, warpers, seed, processors, renormalizeLogits, eosTokenIds, decoderStartTokenId,
                    stopSequences, stopStrings, tokenBytes, maxTime, guess);
        }
    }
}
