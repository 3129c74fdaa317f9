package dev.gatun.models.family.whisper;

import dev.gatun.models.generate.DecoderSession;
import dev.gatun.models.generate.GenerationException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntPredicate;
import java.util.zip.Deflater;

/** Writes the text of an encoded window, token by token; one thread. */
final class WindowWriter {
    private final WhisperModel model;
    private final WhisperGeneration generation;
    private final DecoderSession session;
    private final TokenRules rules;
    private final boolean words;
    private final float[] scores;
    private final List<float[]> queries = new ArrayList<>();

    /**
     * The text of a window.
     *
     * @param tokens             without the end
     * @param meanLogProbability of the tokens, the end included
     * @param compression        bytes of the tokens over those that zlib makes of them
     * @param noSpeech           probability that nobody speaks, by the token before the timestamps
     * @param temperature        that it was written with
     */
    record Written(int[] tokens, double meanLogProbability, double compression, double noSpeech, double temperature) {
    }

    /** @param words whether {@link #queries} are kept */
    WindowWriter(WhisperModel model, DecoderSession session, boolean timestamps, boolean words) {
        this.model = model;
        this.generation = model.generation();
        this.session = session;
        this.words = words;
        this.rules = new TokenRules(generation, model.config().vocabSize(), timestamps);
        this.scores = new float[model.config().vocabSize()];
    }

    /** The language that the encoded window is in, by its code: the likeliest after the start alone. */
    String language() {
        session.restart();
        session.step(generation.start(), scores, plan -> { });
        return generation.languages().entrySet().stream().max((a, b) -> scores[a.getValue()] != scores[b.getValue()]
                ? Float.compare(scores[a.getValue()], scores[b.getValue()]) : b.getValue() - a.getValue()).orElseThrow().getKey();
    }

    /**
     * Writes.
     *
     * @param prompt      tokens before the text
     * @param start       which of them is the start of the transcript, whose scores say whether anybody speaks
     * @param maxLength   of prompt and text, the end included
     * @param temperature 0 for the likeliest token, else one is drawn
     * @param goOn        hears each token of the text, and may end it
     */
    Written write(int[] prompt, int start, int maxLength, double temperature, SplittableRandom random, IntPredicate goOn) {
        session.restart();
        queries.clear();
        double noSpeech = read(prompt, start);
        int[] text = new int[Math.max(1, maxLength - prompt.length)];
        int length = 0;
        double sum = 0;
        boolean more = true;
        boolean ended = false;
        while (more && !ended && length < maxLength - prompt.length) {
            rules.apply(scores, text, length);
            if (temperature > 0) {
                keepBest(scores, generation.topK());
            }
            double all = TokenRules.logSumExp(scores, 0, scores.length);
            if (Double.isNaN(all) || all == Double.POSITIVE_INFINITY) {
                throw new GenerationException(0, length, "the model's scores are not numbers (NaN or infinite); its weights are damaged");
            }
            if (all == Double.NEGATIVE_INFINITY) {
                // Every token is forbidden.
                break;
            }
            int token = temperature > 0 ? draw(temperature, random) : best();
            sum += scores[token] - all;
            text[length++] = token;
            ended = generation.ends(token);
            more = ended || goOn.test(token);
            if (more && !ended && length < maxLength - prompt.length) {
                step(token);
            }
        }
        int[] written = Arrays.copyOf(text, length);
        return new Written(ended ? Arrays.copyOf(written, length - 1) : written, sum / Math.max(1, length), compression(written),
                noSpeech, temperature);
    }

    private double read(int[] prompt, int start) {
        double noSpeech = 0;
        for (int i = 0; i < prompt.length; i++) {
            step(prompt[i]);
            if (i == start && generation.noTimestamps() > 0) {
                noSpeech = Math.exp(scores[generation.noTimestamps() - 1] - TokenRules.logSumExp(scores, 0, scores.length));
            }
        }
        return noSpeech;
    }

    private void step(int token) {
        session.step(token, scores, plan -> {
            if (words) {
                queries.add(WordTimes.queries(model, plan));
            }
        });
    }

    private int best() {
        int best = 0;
        for (int i = 1; i < scores.length; i++) {
            best = scores[i] > scores[best] ? i : best;
        }
        return best;
    }

    private int draw(double temperature, SplittableRandom random) {
        double best = scores[best()];
        double total = 0;
        for (float score : scores) {
            total += Math.exp((score - best) / temperature);
        }
        double left = random.nextDouble() * total;
        int last = 0;
        for (int i = 0; i < scores.length; i++) {
            double weight = Math.exp((scores[i] - best) / temperature);
            if (weight > 0) {
                last = i;
                left -= weight;
                if (left < 0) {
                    return i;
                }
            }
        }
        return last;
    }

    /** Forbids all but the likeliest k. */
    private static void keepBest(float[] scores, int k) {
        if (k <= 0 || k >= scores.length) {
            return;
        }
        float[] sorted = scores.clone();
        Arrays.sort(sorted);
        float least = sorted[sorted.length - k];
        for (int i = 0; i < scores.length; i++) {
            scores[i] = scores[i] < least ? Float.NEGATIVE_INFINITY : scores[i];
        }
    }

    private double compression(int[] tokens) {
        int width = (int) (Math.log(scores.length) / Math.log(2) / 8) + 1;
        byte[] bytes = new byte[tokens.length * width];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (tokens[i / width] >> i % width * Byte.SIZE);
        }
        Deflater deflater = new Deflater();
        try {
            deflater.setInput(bytes);
            deflater.finish();
            byte[] out = new byte[1024];
            while (!deflater.finished()) {
                deflater.deflate(out);
            }
            return (double) bytes.length / deflater.getBytesWritten();
        } finally {
            deflater.end();
        }
    }

    /** Of every token that was read, the queries of the aligned layers; see {@link WordTimes}. */
    List<float[]> queries() {
        return queries;
    }
}
