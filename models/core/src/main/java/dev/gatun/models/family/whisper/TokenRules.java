package dev.gatun.models.family.whisper;

import dev.gatun.models.generate.logits.LogitsProcessor;
import dev.gatun.models.generate.logits.SuppressTokens;
import dev.gatun.models.generate.logits.TokenContext;
import dev.gatun.models.generate.logits.TokenScores;
import java.util.Arrays;
import java.util.List;

/**
 * What may come next: transformers' WhisperNoSpeechDetection, SuppressTokensAtBegin, SuppressTokens and WhisperTimeStamp processors, and
 * top_k, in their order. One thread.
 */
final class TokenRules implements LogitsProcessor {
    private static final float NEVER = Float.NEGATIVE_INFINITY;

    private final WhisperGeneration generation;
    private final boolean timestamps;
    private final SuppressTokens suppress;
    private final float[] sorted;
    private int start;
    private int text;
    private int topK;
    private double noSpeech;

    /** @param timestamps whether timestamps are written, and their rules hold */
    TokenRules(WhisperGeneration generation, int vocabSize, boolean timestamps) {
        this.generation = generation;
        this.timestamps = timestamps;
        this.suppress = new SuppressTokens(list(generation.suppress()));
        this.sorted = new float[vocabSize];
    }

    private static List<Integer> list(int[] ids) {
        return Arrays.stream(ids).boxed().toList();
    }

    /**
     * For another text.
     *
     * @param startOfTranscript the prompt's token whose scores say whether anybody speaks
     * @param textBegin         where the text begins
     * @param best              how many tokens may come, the likeliest; 0 for all
     */
    void begin(int startOfTranscript, int textBegin, int best) {
        start = startOfTranscript;
        text = textBegin;
        topK = best;
        noSpeech = 0;
    }

    /** The probability that nobody speaks. */
    double noSpeech() {
        return noSpeech;
    }

    @Override
    public boolean seesPrompt() {
        return true;
    }

    @Override
    public void process(TokenScores scores, TokenContext context) {
        if (context.length() == start + 1 && generation.noTimestamps() > 0) {
            noSpeech = Math.exp(scores.get(generation.noTimestamps() - 1) - logSumExp(scores, 0, scores.size()));
        }
        if (context.length() < text) {
            return;
        }
        if (context.length() == text) {
            Arrays.stream(generation.beginSuppress()).forEach(scores::forbid);
        }
        suppress.process(scores, context);
        if (timestamps) {
            pairs(scores, context);
            if (context.length() == text) {
                first(scores);
            }
            ratherTimestamps(scores);
        }
        if (topK > 0 && topK < scores.size()) {
            keepBest(scores);
        }
    }

    /** Timestamps come in pairs, but before the end, and do not decrease. */
    private void pairs(TokenScores scores, TokenContext context) {
        int begin = generation.noTimestamps() + 1;
        int length = context.length();
        scores.forbid(generation.noTimestamps());
        boolean last = length - 1 >= text && context.token(length - 1) >= begin;
        boolean before = length - 2 < text || context.token(length - 2) >= begin;
        if (last && before) {
            scores.forbid(begin, scores.size());
        } else if (last) {
            scores.forbid(0, generation.eos()[0]);
        }
        for (int i = length - 1; i >= text; i--) {
            if (context.token(i) >= begin) {
                scores.forbid(begin, Math.min(scores.size(), context.token(i) + (last && !before ? 0 : 1)));
                break;
            }
        }
    }

    private void first(TokenScores scores) {
        int begin = generation.noTimestamps() + 1;
        scores.forbid(0, begin);
        if (generation.maxInitial() >= 0) {
            scores.forbid(Math.min(scores.size(), begin + generation.maxInitial() + 1), scores.size());
        }
    }

    /** If timestamps together are likelier than the likeliest other token, it is one of them. */
    private void ratherTimestamps(TokenScores scores) {
        int begin = generation.noTimestamps() + 1;
        if (logSumExp(scores, begin, scores.size()) > max(scores, 0, begin)) {
            scores.forbid(0, begin);
        }
    }

    private void keepBest(TokenScores scores) {
        for (int i = 0; i < sorted.length; i++) {
            sorted[i] = scores.get(i);
        }
        Arrays.sort(sorted);
        float least = sorted[sorted.length - topK];
        for (int i = 0; i < sorted.length; i++) {
            if (scores.get(i) < least) {
                scores.forbid(i);
            }
        }
    }

    private static float max(TokenScores scores, int from, int to) {
        float max = NEVER;
        for (int i = from; i < to; i++) {
            max = Math.max(max, scores.get(i));
        }
        return max;
    }

    static double logSumExp(TokenScores scores, int from, int to) {
        float max = max(scores, from, to);
        if (max == NEVER) {
            return NEVER;
        }
        double sum = 0;
        for (int i = from; i < to; i++) {
            sum += Math.exp(scores.get(i) - max);
        }
        return max + Math.log(sum);
    }
}
