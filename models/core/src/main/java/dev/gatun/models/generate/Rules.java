package dev.gatun.models.generate;

import dev.gatun.models.generate.Generated.Finish;
import dev.gatun.models.generate.logits.ForcedBos;
import dev.gatun.models.generate.logits.LogitsProcessor;
import java.util.ArrayList;
import java.util.List;

/** What all searches of a run share: options as a model understands them, and what ends a sequence. One thread. */
final class Rules {
    final GenerationOptions options;
    final TokenListener listener;
    /** Of sequences and tables; null for a model without a cache. */
    final SequencePool pool;
    final int vocabSize;
    final int[] eos;
    private final int decoderStart;
    private final int maxPositions;
    private final int[][] stopSequences;
    private final StopStrings stopStrings;
    private final long deadline;

    /**
     * Options for a model.
     *
     * @param eos          tokens that end a sequence, where the options have none
     * @param decoderStart first token, or -1 for a model that has none
     * @param maxPositions longest sequence; Integer.MAX_VALUE: none
     */
    Rules(GenerationOptions options, int vocabSize, int[] eos, int decoderStart, int maxPositions, TokenListener listener,
            SequencePool pool) {
        this.options = options;
        this.vocabSize = vocabSize;
        this.eos = options.eosTokenIds().isEmpty() ? eos : ints(options.eosTokenIds());
        this.decoderStart = options.decoderStartTokenId() >= 0 ? options.decoderStartTokenId() : decoderStart;
        this.maxPositions = maxPositions;
        this.listener = listener;
        this.pool = pool;
        this.stopSequences = options.stopSequences().stream().map(Rules::ints).toArray(int[][]::new);
        this.stopStrings = options.stopStrings().isEmpty() ? null : new StopStrings(options.stopStrings(), options.tokenBytes());
        this.deadline = options.maxTime() == null ? 0 : System.nanoTime() + options.maxTime().toNanos();
    }

    private static int[] ints(List<Integer> list) {
        return list.stream().mapToInt(Integer::intValue).toArray();
    }

    /** Refuses what the model cannot take. */
    void check(boolean tokenSource) {
        LogitsProcessor.Bounds bounds = new LogitsProcessor.Bounds(vocabSize, eos.length, tokenSource);
        options.processors().forEach(processor -> processor.check(bounds));
        requireIds("eos_token_id", eos);
        requireIds("decoder_start_token_id", new int[] {Math.max(decoderStart, 0)});
        for (int[] stop : stopSequences) {
            for (int id : stop) {
                require(id >= 0 && id < vocabSize, "a stop sequence has id " + id + ", the vocabulary has 0 to " + (vocabSize - 1));
            }
        }
        require(options.numBeams() <= vocabSize, "num_beams " + options.numBeams() + " is more than the vocabulary's " + vocabSize
                + " tokens");
        require(options.maxLength() <= maxPositions, "max_length " + options.maxLength() + " is more than the model's " + maxPositions
                + " positions");
    }

    private void requireIds(String name, int[] ids) {
        for (int id : ids) {
            require(id >= 0 && id < vocabSize, name + " is " + id + ", the vocabulary has 0 to " + (vocabSize - 1));
        }
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
    }

    /**
     * What a source's sequences have in common.
     *
     * @param prompt null for the start token
     * @throws IllegalArgumentException if the prompt is too long, or has a token that the vocabulary lacks
     */
    Target target(int source, int[] sourceIds, int[] prompt) {
        int[] given = prompt == null ? new int[] {decoderStart} : prompt;
        require(given.length > 0, "the prompt of source " + source + " is empty: a model needs a token to begin with");
        for (int id : given) {
            require(id >= 0 && id < vocabSize, "the prompt of source " + source + " has id " + id + ", the vocabulary has 0 to "
                    + (vocabSize - 1));
        }
        long most = options.maxNewTokens() > 0 ? (long) given.length + options.maxNewTokens()
                : options.maxLength() > 0 ? options.maxLength() : maxPositions;
        require(most <= maxPositions, "max_new_tokens " + options.maxNewTokens() + " after a prompt of " + given.length
                + " tokens are more than the model's " + maxPositions + " positions");
        require(given.length < most, "the prompt of source " + source + " has " + given.length + " tokens, at most " + most
                + " may be there with what is generated: raise max_length, or give max_new_tokens");
        boolean forced = given.length == 1 && options.processor(ForcedBos.class) != null;
        return new Target(source, sourceIds == null ? new int[0] : sourceIds, given, (int) most, given.length + (forced ? 1 : 0), eos);
    }

    boolean isEos(int token) {
        for (int id : eos) {
            if (id == token) {
                return true;
            }
        }
        return false;
    }

    /** Why a sequence ends with this token, or null: it goes on. */
    Finish finish(Sequence sequence, int token) {
        if (isEos(token)) {
            return Finish.EOS;
        }
        if (stops(sequence, token) || stopStrings != null && stopStrings.completes(sequence, token)) {
            return Finish.STOP;
        }
        if (sequence.length + 1 >= sequence.target.maxLength()) {
            return Finish.LENGTH;
        }
        return deadline != 0 && System.nanoTime() - deadline >= 0 ? Finish.TIME : null;
    }

    private boolean stops(Sequence sequence, int token) {
        for (int[] stop : stopSequences) {
            int matching = stop[stop.length - 1] == token && stop.length <= sequence.length ? 1 : 0;
            while (matching > 0 && matching < stop.length && stop[stop.length - 1 - matching] == sequence.ids[sequence.length - matching]) {
                matching++;
            }
            if (matching == stop.length) {
                return true;
            }
        }
        return false;
    }

    /** Scores of a sequence: its sum divided by tokens ** lengthPenalty. */
    double score(double sum, int tokens) {
        return tokens == 0 ? 0 : sum / Math.pow(tokens, options.lengthPenalty());
    }

    /** The processors that see the tokens of a prompt. */
    List<LogitsProcessor> promptProcessors() {
        return new ArrayList<>(options.processors().stream().filter(LogitsProcessor::seesPrompt).toList());
    }
}
