package dev.gatun.models.generate;

import dev.gatun.bindings.kernels.Logits;
import dev.gatun.models.generate.Generated.Finish;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;

/**
 * Continues a prompt by a model that remembers what it was given, token by token: the best, or drawn ones. Lengths count the prompt, as for
 * Hugging Face's models without encoder; so do penalties, and rules about a source see the prompt. One thread.
 */
public final class Continuation {
    private final GenerationOptions options;
    private final int vocabSize;
    private final int[] eos;

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
     * @param eos the token that ends a sequence where the options name none, or -1
     * @throws IllegalArgumentException if an option does not fit
     */
    public Continuation(GenerationOptions options, int vocabSize, int eos) {
        if (options.numBeams() > 1) {
            throw new IllegalArgumentException("num_beams is " + options.numBeams() + ", a language model without attention has 1 only");
        }
        if (options.guess() != null) {
            throw new IllegalArgumentException("an assistant and prompt_lookup_num_tokens are for models with attention");
        }
        if (options.maxLength() == 0 && options.maxNewTokens() == 0) {
            throw new IllegalArgumentException("max_new_tokens is missing: a recurrent model has no last position");
        }
        this.options = options;
        this.vocabSize = vocabSize;
        this.eos = eos < 0 ? new int[0] : new int[] {eos};
        rules(TokenListener.NONE).check(true);
    }

    private Rules rules(TokenListener listener) {
        return new Rules(options, vocabSize, eos, -1, Integer.MAX_VALUE, listener, null);
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
        Rules rules = rules(listener);
        Target target = rules.target(0, prompt, prompt);
        Processing processing = new Processing(rules, 1);
        Draw draw = options.doSample() ? new Draw(rules) : null;
        int ranks = Search.ranks(rules);
        List<Generated> results = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            Logits ranking = new Logits(arena, vocabSize, 1, ranks);
            for (int i = 0; i < options.numReturnSequences(); i++) {
                Sequence sequence = new Sequence(null);
                sequence.start(target, prompt.length, i);
                sequence.random = Sampler.seed(options.seed(), 0, i);
                MemorySegment logits = model.begin(prompt);
                Finish finish = null;
                while (finish == null) {
                    if (Thread.currentThread().isInterrupted()) {
                        throw new CancellationException("interrupted while generating");
                    }
                    ranking.logSumExp(logits, 1);
                    processing.process(logits, ranking, 0, sequence);
                    float[] normalizers = processing.normalizers(logits, ranking, 1);
                    ranking.topK(logits, 1, ranks);
                    finish = GreedySearch.append(rules, sequence, draw, new Search.Scores(logits, ranking, ranks, normalizers), 0);
                    logits = finish == null ? model.next(sequence.ids[sequence.length - 1]) : logits;
                }
                results.add(GreedySearch.result(rules, sequence, finish));
            }
        }
        return results;
    }
}
