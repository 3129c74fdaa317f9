package dev.gatun.models.family.whisper;

import dev.gatun.models.audio.FeatureWindows;
import dev.gatun.models.generate.Encoded;
import dev.gatun.models.generate.GenerationSession;
import dev.gatun.models.generate.Source;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Writes a recording down window by window, as transformers' generate for Whisper does: each window is decoded, again at higher
 * temperatures if the text is not good enough, cut at the timestamps that the model wrote, and the next begins where the last segment ends.
 * One thread.
 */
public final class WhisperTranscriber {
    /** Seconds of a step of timestamps, and frames of the features in it. */
    private static final double PRECISION = 0.02;
    private static final int STRIDE = 2;
    private static final double LOW_TEMPERATURE = 0.5;

    private final WhisperModel model;
    private final GenerationSession session;
    private final WhisperOptions options;
    private final Listener listener;
    private final SplittableRandom random;
    private final List<Segment> segments = new ArrayList<>();
    private WindowWriter writer;
    private String language;
    private int[] prompt;
    private boolean condition;
    private int maxLength;
    private long seek;
    private boolean stopped;

    /**
     * A part of the recording.
     *
     * @param start  seconds
     * @param end    seconds
     * @param tokens its timestamps included
     * @param times  seconds at which each token ends, or null
     */
    public record Segment(double start, double end, int[] tokens, double[] times, double meanLogProbability, double compression,
            double noSpeech, double temperature) {
    }

    /** Hears of what is written. */
    public interface Listener {
        /** Hears nothing. */
        Listener NONE = new Listener() {
        };

        /**
         * A window's text so far; it may still be thrown away. After the last token of a window come its segments.
         *
         * @return whether to go on
         */
        default boolean onToken(double start, int token) {
            return true;
        }

        /** A window is being written anew, at a higher temperature: its tokens so far do not count. */
        default void onRetry(double start, double temperature) {
        }

        /** A segment is final. */
        default void onSegment(Segment segment) {
        }

        /**
         * So many seconds are done.
         *
         * @return whether to go on
         */
        default boolean onProgress(double seconds) {
            return true;
        }
    }

    /** @param session of the model, nobody else's meanwhile */
    public WhisperTranscriber(WhisperModel model, GenerationSession session, WhisperOptions options, Listener listener) {
        this.model = model;
        this.session = session;
        this.options = options;
        this.listener = listener;
        this.random = new SplittableRandom(options.seed());
        if (options.words() && model.generation().alignment() == null) {
            throw new IllegalArgumentException("the time of each word needs alignment_heads, which generation_config.json does not have");
        }
        if (options.words() && beams() > 1) {
            throw new IllegalArgumentException("the time of each word is not known of beams, of which there are " + beams()
                    + ": ask for 1");
        }
        for (int token : options.prompt()) {
            if (token < 0 || token >= model.config().vocabSize()) {
                throw new IllegalArgumentException("the prompt has token " + token + ", the vocabulary 0 to "
                        + (model.config().vocabSize() - 1));
            }
        }
        if (options.timestamps() && model.generation().noTimestamps() < 0) {
            throw new IllegalArgumentException("timestamps need no_timestamps_token_id, which generation_config.json does not have");
        }
    }

    private int beams() {
        return options.beams() > 0 ? options.beams() : model.generation().beams();
    }

    /** The language that was asked for or detected; null if the model has no languages, or its settings name none. */
    public String language() {
        return language;
    }

    /**
     * Writes everything down. Nothing, if nobody can be heard: no samples, or all of them 0.
     *
     * @param windows of {@link WhisperConfig#frames()} frames
     * @throws IllegalArgumentException if the model cannot do what the options ask for
     * @throws IOException              if the recording cannot be read
     */
    public List<Segment> transcribe(FeatureWindows windows) throws IOException {
        WhisperConfig config = model.config();
        float[] features = new float[config.frames() * config.melBins()];
        Source source = model.window(features);
        float level = (float) Math.pow(10, options.minLevel() / 10);
        int frames;
        while (!stopped && (frames = windows.read(seek, features)) > 0) {
            int quiet = windows.quiet(level);
            if (quiet > 0) {
                seek += quiet;
                continue;
            }
            if (windows.silent() && windows.total() >= 0) {
                break;
            }
            try (Encoded window = session.encode(source, plan -> { })) {
                if (writer == null) {
                    begin(window, windows.total() < 0 || windows.total() > config.frames());
                }
                seek += window(window, frames, (int) Math.min(frames, Math.max(0, windows.heard() - seek)));
            }
            stopped |= !listener.onProgress(Math.min(seek * PRECISION / STRIDE, seconds(windows)));
        }
        return segments;
    }

    private static double seconds(FeatureWindows windows) {
        return windows.total() < 0 ? Double.POSITIVE_INFINITY : windows.total() * PRECISION / STRIDE;
    }

    private void begin(Encoded window, boolean isLong) {
        WhisperGeneration generation = model.generation();
        if (isLong && generation.noTimestamps() < 0) {
            throw new IllegalArgumentException("audio longer than a window needs timestamps, and so no_timestamps_token_id, which "
                    + "generation_config.json does not have");
        }
        boolean timestamps = options.timestamps() || isLong;
        writer = new WindowWriter(model, session, timestamps, options.words(), beams());
        prompt = prompt(window, timestamps);
        condition = options.conditionOnPrevious();
        maxLength = generation.maxLength();
    }

    private int[] prompt(Encoded window, boolean timestamps) {
        WhisperGeneration generation = model.generation();
        String task = options.translate() ? "translate" : options.transcribe() ? "transcribe" : generation.task();
        String asked = options.language() != null ? options.language() : generation.language();
        if (!generation.multilingual() && (options.translate() || options.transcribe() || options.language() != null)) {
            throw new IllegalArgumentException("a model of English only (is_multilingual) takes neither language nor task");
        }
        List<Integer> tokens = new ArrayList<>(List.of(generation.start()));
        if (task == null && asked == null && generation.forced() != null) {
            Arrays.stream(generation.forced()).forEach(tokens::add);
        }
        putLanguage(window, asked, tokens);
        if (task != null || asked != null && !generation.tasks().isEmpty()) {
            String name = task == null ? "transcribe" : task;
            Integer token = generation.tasks().get(name);
            if (token == null) {
                throw new IllegalArgumentException("the model has no task " + name + " (task_to_id)");
            }
            tokens.add(token);
        }
        boolean closed = tokens.getLast() == generation.noTimestamps();
        if (!timestamps && generation.noTimestamps() >= 0 && !closed) {
            tokens.add(generation.noTimestamps());
        } else if (timestamps && closed) {
            tokens.removeLast();
        }
        return tokens.stream().mapToInt(Integer::intValue).filter(t -> t >= 0).toArray();
    }

    private void putLanguage(Encoded window, String asked, List<Integer> tokens) {
        WhisperGeneration generation = model.generation();
        boolean unknown = tokens.size() == 1 || tokens.get(1) < 0;
        if (asked != null) {
            language = WhisperLanguages.code(asked, generation.languages().keySet());
        } else if (!generation.languages().isEmpty() && unknown) {
            language = writer.language(window);
        }
        if (language != null) {
            int token = generation.languages().get(language);
            if (tokens.size() > 1) {
                tokens.set(1, token);
            } else {
                tokens.add(token);
            }
        }
    }

    /**
     * Decodes the encoded window; returns how many frames further the next one is.
     *
     * @param heard frames that are not filled up
     */
    private int window(Encoded window, int frames, int heard) {
        int[] previous = condition && !(segments.isEmpty() && options.prompt().length == 0) ? previous() : marked(options.prompt(), 0);
        int[] before = IntStream.concat(Arrays.stream(previous), Arrays.stream(prompt)).toArray();
        int most = limit(before.length);
        double start = seek * PRECISION / STRIDE;
        WindowWriter.Written written = null;
        boolean skip = false;
        boolean again = true;
        for (int i = 0; again && !stopped && i < options.temperatures().length; i++) {
            if (i > 0) {
                listener.onRetry(start, options.temperatures()[i]);
            }
            written = writer.write(window, before, previous.length, most, options.temperatures()[i], random.nextLong(), token -> {
                stopped = !listener.onToken(start, token);
                return !stopped;
            });
            boolean unlikely = written.meanLogProbability() < options.logProbThreshold();
            skip = unlikely && written.noSpeech() > options.noSpeechThreshold();
            again = !skip && (unlikely || written.compression() > options.compressionThreshold());
            condition = options.conditionOnPrevious() && options.temperatures()[i] < LOW_TEMPERATURE;
        }
        if (skip) {
            return frames;
        }
        SegmentCut cut = SegmentCut.of(written.tokens(), model.generation().timestampBegin(model.config().vocabSize()), frames);
        double[] times = options.words() ? WordTimes.of(model, window, writer.queries(), heard) : null;
        for (SegmentCut.Part part : cut.parts()) {
            double[] own = times == null ? null : new double[part.to() - part.from()];
            for (int i = 0; own != null && i < own.length; i++) {
                own[i] = start + times[part.from() + i];
            }
            Segment segment = new Segment(start + part.start() * PRECISION, start + part.end() * PRECISION,
                    Arrays.copyOfRange(written.tokens(), part.from(), part.to()), own, written.meanLogProbability(), written.compression(),
                    written.noSpeech(), written.temperature());
            segments.add(segment);
            listener.onSegment(segment);
        }
        return cut.frames();
    }

    /** What was written before, as far as it fits half of the target. */
    private int[] previous() {
        WhisperGeneration generation = model.generation();
        int begin = generation.timestampBegin(model.config().vocabSize());
        int[] all = IntStream.concat(Arrays.stream(options.prompt()), segments.stream().flatMapToInt(segment -> {
            int[] tokens = segment.tokens();
            boolean twice = tokens.length > 2 && tokens[tokens.length - 2] >= begin;
            return Arrays.stream(tokens).limit(twice ? tokens.length - 1 : tokens.length);
        })).toArray();
        return marked(all, Math.max(0, all.length - (model.config().targetLen() / 2 - 1)));
    }

    /** Tokens from one on, behind the mark of what was said before; nothing, if there are none. */
    private int[] marked(int[] tokens, int from) {
        if (tokens.length == 0) {
            return tokens;
        }
        WhisperGeneration generation = model.generation();
        int[] suppressed = generation.suppress();
        int mark = generation.previous() >= 0 ? generation.previous() : suppressed.length >= 2 ? suppressed[suppressed.length - 2] : -1;
        IntStream last = Arrays.stream(tokens, from, tokens.length);
        return (mark < 0 ? last : IntStream.concat(IntStream.of(mark), last)).toArray();
    }

    private int limit(int before) {
        int target = model.config().targetLen();
        if (before >= target) {
            throw new IllegalArgumentException(before + " tokens before the text leave none of max_target_positions " + target
                    + ": give a shorter prompt");
        }
        if (model.generation().maxNewTokens() > 0) {
            if (before + model.generation().maxNewTokens() > target) {
                throw new IllegalArgumentException("max_new_tokens " + model.generation().maxNewTokens() + " and " + before
                        + " tokens before the text exceed max_target_positions " + target);
            }
            return before + model.generation().maxNewTokens();
        }
        // transformers adds what stands before the text to max_length for every window anew.
        maxLength = Math.min(maxLength + Math.min(target / 2 - 1, before), target);
        return maxLength;
    }
}
