package dev.gatun.models.generate;

import dev.gatun.bindings.kernels.Logits;
import dev.gatun.models.generate.Generated.Finish;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;

/**
 * Continues a prompt by a model that remembers what it was given, token by token: the best, or drawn ones. The last token of the prompt is
 * what lengths count as the start token; penalties see the whole prompt. One thread.
 */
public final class Continuation {
    private final GenerationOptions options;
    private final int vocabSize;
    private final int eos;

    /** A model under way. */
    public interface Model {
        /** Forgets everything, reads tokens; F32 [vocabSize], scores of what follows, which may be changed. */
        MemorySegment begin(int[] prompt);

        /** Reads one more. */
        MemorySegment next(int token);
    }

    /**
     * Rules of a continuation.
     *
     * @param eos the token that ends a sequence, or -1
     * @throws IllegalArgumentException if an option does not fit
     */
    public Continuation(GenerationOptions options, int vocabSize, int eos) {
        if (options.numBeams() > 1) {
            throw new IllegalArgumentException("num_beams is " + options.numBeams() + ", a language model without attention has 1 only");
        }
        if (options.maxLength() == 0) {
            throw new IllegalArgumentException("max_new_tokens is missing: a recurrent model has no last position");
        }
        if (options.forcedBosTokenId() >= vocabSize || options.forcedEosTokenId() >= vocabSize) {
            throw new IllegalArgumentException("a forced token is outside the vocabulary of " + vocabSize);
        }
        if (options.minLength() > 0 && eos < 0) {
            throw new IllegalArgumentException("min_length has a meaning only for a model with an end token");
        }
        this.options = options;
        this.vocabSize = vocabSize;
        this.eos = eos;
    }

    /**
     * Continues.
     *
     * @param prompt   one token or more
     * @param listener hears tokens as they are chosen, and may end a sequence
     * @return numReturnSequences of them
     * @throws GenerationException if the scores are not numbers
     */
    public List<Generated> run(int[] prompt, Model model, TokenListener listener) {
        if (prompt.length == 0) {
            throw new IllegalArgumentException("the prompt is empty: a language model needs a token to begin with");
        }
        int ranks = Draw.ranks(options, vocabSize);
        int[][] stops = options.stopSequences().stream().map(s -> s.stream().mapToInt(Integer::intValue).toArray()).toArray(int[][]::new);
        Search.Rules rules = new Search.Rules(options, null, options.maxLength(), stops, listener, null);
        LogitsProcessors processors = new LogitsProcessors(options, vocabSize, eos, options.maxLength());
        Draw draw = options.doSample() ? new Draw(options, new Sampler(options.temperature(), options.topP(), ranks), vocabSize) : null;
        List<Generated> results = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            Logits ranking = new Logits(arena, vocabSize, 1, ranks);
            for (int i = 0; i < options.numReturnSequences(); i++) {
                results.add(run(prompt, i, model, rules, processors, draw, new Ranking(ranking, ranks)));
            }
        }
        return results;
    }

    private record Ranking(Logits logits, int ranks) {
    }

    private Generated run(int[] prompt, int index, Model model, Search.Rules rules, LogitsProcessors processors, Draw draw,
            Ranking ranking) {
        Sequence sequence = new Sequence(null);
        sequence.begin(prompt, options.maxLength(), index);
        sequence.random = Sampler.seed(options.seed(), 0, index);
        MemorySegment logits = model.begin(prompt);
        while (true) {
            if (Thread.currentThread().isInterrupted()) {
                throw new CancellationException("interrupted while generating");
            }
            ranking.logits.logSumExp(logits, 1);
            float logSumExp = ranking.logits.logSumExp(0);
            if (!Float.isFinite(logSumExp)) {
                throw new GenerationException(0, sequence.length,
                        "the model's scores are not numbers (NaN or infinite); its weights are damaged");
            }
            processors.process(logits, 0, sequence, logSumExp, false);
            ranking.logits.topK(logits, 1, ranking.ranks);
            if (ranking.logits.value(0, 0) == Float.NEGATIVE_INFINITY) {
                return end(sequence, Finish.FORBIDDEN);
            }
            int token = draw == null ? ranking.logits.index(0, 0)
                    : draw.token(sequence, new Search.Scores(logits, ranking.logits, ranking.ranks), 0);
            boolean stop = rules.stops(sequence, token);
            sequence.append(token, sequence.sum + logits.getAtIndex(ValueLayout.JAVA_FLOAT, token) - logSumExp);
            boolean goOn = rules.listener().onToken(0, index, token);
            if (token == eos || stop || !goOn || sequence.length - sequence.prompt == options.maxLength()) {
                return end(sequence, token == eos ? Finish.EOS : stop ? Finish.STOP : goOn ? Finish.LENGTH : Finish.CANCELLED);
            }
            logits = model.next(token);
        }
    }

    private Generated end(Sequence sequence, Finish finish) {
        int[] ids = sequence.generated();
        return new Generated(ids, ids.length == 0 ? 0 : sequence.sum / Math.pow(ids.length, options.lengthPenalty()), finish);
    }
}
