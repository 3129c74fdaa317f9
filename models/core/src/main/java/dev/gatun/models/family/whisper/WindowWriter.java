package dev.gatun.models.family.whisper;

import dev.gatun.models.generate.Encoded;
import dev.gatun.models.generate.Generated;
import dev.gatun.models.generate.GenerationOptions;
import dev.gatun.models.generate.GenerationRun;
import dev.gatun.models.generate.GenerationSession;
import dev.gatun.models.generate.TokenListener;
import dev.gatun.models.generate.logits.LogitsProcessor;
import dev.gatun.models.generate.logits.TokenContext;
import dev.gatun.models.generate.logits.TokenScores;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import java.util.zip.Deflater;

/** Writes the text of an encoded window; one thread. */
final class WindowWriter {
    private final WhisperModel model;
    private final WhisperGeneration generation;
    private final GenerationSession session;
    private final TokenRules rules;
    private final boolean words;
    private final int beams;
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

    /**
     * A writer.
     *
     * @param words whether {@link #queries} are kept; not of beams
     */
    WindowWriter(WhisperModel model, GenerationSession session, boolean timestamps, boolean words, int beams) {
        this.beams = beams;
        this.model = model;
        this.generation = model.generation();
        this.session = session;
        this.words = words;
        this.rules = new TokenRules(generation, model.config().vocabSize(), timestamps);
    }

    /** The language that a window is in, by its code: the likeliest after the start alone. */
    String language(Encoded window) {
        LogitsProcessor languages = (scores, context) -> {
            scores.clearMarks();
            generation.languages().values().forEach(scores::mark);
            for (int id = 0; id < scores.size(); id++) {
                if (scores.mark(id)) {
                    scores.forbid(id);
                }
            }
        };
        int token = session.generateFrom(List.of(window.from(new int[] {generation.start()})), GenerationOptions.builder().maxNewTokens(1)
                .processor(languages).build(), TokenListener.NONE).getFirst().getFirst().ids()[0];
        return generation.languages().entrySet().stream().filter(entry -> entry.getValue() == token).findFirst().orElseThrow().getKey();
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
    Written write(Encoded window, int[] prompt, int start, int maxLength, double temperature, long seed, IntPredicate goOn) {
        queries.clear();
        rules.begin(start, prompt.length, temperature > 0 ? generation.topK() : 0);
        if (beams > 1 && temperature == 0) {
            return beams(window, prompt, maxLength, goOn);
        }
        GenerationOptions.Builder options = GenerationOptions.builder().maxLength(Math.max(maxLength, prompt.length + 1)).processor(rules)
                .eosTokenIds(Arrays.stream(generation.eos()).boxed().toList());
        if (temperature > 0) {
            options.doSample(true).temperature(temperature).seed(seed);
        }
        boolean[] begun = new boolean[1];
        Generated text;
        try (GenerationRun run = session.startFrom(List.of(window.from(prompt)), options.build(), (source, sequence, token) -> {
            begun[0] = true;
            return generation.ends(token) || goOn.test(token);
        })) {
            for (boolean more = true; more;) {
                // A step before the first token of the text reads the prompt, or a part of it.
                boolean readsText = begun[0];
                more = run.step();
                if (words && readsText) {
                    queries.add(WordTimes.queries(model, run.lastStep()));
                }
            }
            text = run.results().getFirst().getFirst();
        }
        return written(text, text.score(), rules.noSpeech(), temperature);
    }

    private Written written(Generated text, double meanLogProbability, double noSpeech, double temperature) {
        int[] ids = text.ids();
        boolean ended = text.finish() == Generated.Finish.EOS;
        return new Written(ended ? Arrays.copyOf(ids, ids.length - 1) : ids, meanLogProbability, compression(ids), noSpeech, temperature);
    }

    private Written beams(Encoded window, int[] prompt, int maxLength, IntPredicate goOn) {
        GenerationOptions options = GenerationOptions.builder().maxLength(Math.max(maxLength, prompt.length + 1)).processor(rules)
                .eosTokenIds(Arrays.stream(generation.eos()).boxed().toList()).numBeams(beams).lengthPenalty(generation.lengthPenalty())
                .earlyStopping(generation.early()).build();
        Generated text = session.generateFrom(List.of(window.from(prompt)), options,
                (source, sequence, token) -> generation.ends(token) || goOn.test(token)).getFirst().getFirst();
        double noSpeech = rules.noSpeech();
        return written(text, likelihood(window, prompt, text.ids()), noSpeech, 0);
    }

    /** The mean log-probability of a text among what may come at each of its tokens; the search's own sums are over all tokens. */
    private double likelihood(Encoded window, int[] prompt, int[] ids) {
        double[] sum = new double[1];
        LogitsProcessor given = new LogitsProcessor() {
            @Override
            public boolean seesPrompt() {
                return true;
            }

            @Override
            public void process(TokenScores scores, TokenContext context) {
                rules.process(scores, context);
                int at = context.length() - prompt.length;
                if (at >= 0 && at < ids.length) {
                    sum[0] += scores.get(ids[at]) - TokenRules.logSumExp(scores, 0, scores.size());
                }
            }
        };
        int[] read = IntStream.concat(Arrays.stream(prompt), Arrays.stream(ids, 0, ids.length - 1)).toArray();
        session.generateFrom(List.of(window.from(read)), GenerationOptions.builder().maxNewTokens(1).processor(given).build(),
                TokenListener.NONE);
        return sum[0] / ids.length;
    }

    private double compression(int[] tokens) {
        int width = (int) (Math.log(model.config().vocabSize()) / Math.log(2) / 8) + 1;
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

    /** Of every token of the text that was read, the queries of the aligned layers; see {@link WordTimes}. */
    List<float[]> queries() {
        return queries;
    }
}
