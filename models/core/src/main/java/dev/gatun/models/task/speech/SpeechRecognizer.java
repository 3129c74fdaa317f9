package dev.gatun.models.task.speech;

import dev.gatun.bindings.loader.ThreadCount;
import dev.gatun.models.audio.AudioException;
import dev.gatun.models.audio.AudioReader;
import dev.gatun.models.audio.FeatureWindows;
import dev.gatun.models.audio.LogMelConfig;
import dev.gatun.models.audio.Resampled;
import dev.gatun.models.audio.SampleStream;
import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.checkpoint.JsonFiles;
import dev.gatun.models.checkpoint.Uses;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.family.whisper.WhisperModel;
import dev.gatun.models.family.whisper.WhisperOptions;
import dev.gatun.models.family.whisper.WhisperTranscriber;
import dev.gatun.models.family.whisper.WhisperVocabulary;
import dev.gatun.models.generate.GenerationSession;
import dev.gatun.models.runtime.Workers;
import dev.gatun.models.tokenize.TextTokenizer;
import dev.gatun.models.tokenize.TokenizerAhead;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Writes down what is said in recordings of any length, by a Whisper model. Thread-safe: a recording has a session of its own, which uses
 * every core if nobody else computes. Memory does not grow with a recording's length but for its text. Owns model and sessions.
 */
public final class SpeechRecognizer implements AutoCloseable {
    private final WhisperModel model;
    private final WhisperVocabulary vocabulary;
    private final LogMelConfig mel;
    private final Path folder;
    private final Workers<GenerationSession> workers;
    private volatile boolean closed;

    private SpeechRecognizer(WhisperModel model, WhisperVocabulary vocabulary, LogMelConfig mel, Path folder, int threads) {
        this.folder = folder;
        this.model = model;
        this.vocabulary = vocabulary;
        this.mel = mel;
        this.workers = new Workers<>("the speech recognizer", "gatun-speech", threads, model::newSession);
    }

    /** Every core that the container may use. */
    public static SpeechRecognizer load(Path folder) {
        return load(folder, ThreadCount.usual());
    }

    /**
     * Loads a folder as downloaded; but for {@link #prompt} its files are not needed afterwards.
     *
     * @param folder  a path, or {@code owner/name} in the local Hugging Face cache
     * @param threads cores to use
     * @throws WeightException if a file is missing or damaged, contradicts another, or has a field that is not served
     */
    public static SpeechRecognizer load(Path folder, int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("threads must be 1 or more, not " + threads);
        }
        Checkpoint checkpoint = Checkpoint.open(folder);
        if (!WhisperModel.MODEL_TYPE.equals(checkpoint.modelType())) {
            throw new WeightException(checkpoint.configFile(), "describes no model of speech: "
                    + (checkpoint.said().isEmpty() ? "it names none" : checkpoint.said()) + ", expected model_type whisper"
                    + Uses.hint(checkpoint.architectures()));
        }
        Path file = checkpoint.file("preprocessor_config.json");
        WhisperModel model = WhisperModel.load(checkpoint);
        try {
            LogMelConfig mel = file == null ? LogMelConfig.whisper(model.config().melBins())
                    : LogMelConfig.of(ConfigFields.of(file, JsonFiles.object(file)));
            if (mel.bins() != model.config().melBins() || mel.chunkSamples() / mel.hop() != model.config().frames()) {
                throw new WeightException(file == null ? checkpoint.configFile() : file, "makes " + mel.chunkSamples() / mel.hop()
                        + " frames of " + mel.bins() + " bins, the model of config.json wants " + model.config().frames() + " of "
                        + model.config().melBins());
            }
            return new SpeechRecognizer(model, WhisperVocabulary.read(checkpoint.folder(), model), mel, checkpoint.folder(), threads);
        } catch (RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    /**
     * Writes a file down: WAV, FLAC, Ogg Vorbis or MP3.
     *
     * @throws AudioException           if it cannot be read
     * @throws IllegalArgumentException if the model cannot do what the options ask for
     * @throws IllegalStateException    if this is closed
     */
    public Transcript transcribe(Path audio, WhisperOptions options, SpeechListener listener) throws IOException {
        return run(options, listener, () -> FeatureWindows.of(mel, model.config().frames(),
                () -> new Resampled(AudioReader.open(audio), mel.sampleRate())));
    }

    /** Writes samples down, one channel at {@link #sampleRate()}; throws as the other. */
    public Transcript transcribe(float[] samples, WhisperOptions options, SpeechListener listener) throws IOException {
        return run(options, listener, () -> FeatureWindows.of(mel, model.config().frames(), () -> SampleStream.of(samples)));
    }

    /**
     * Writes a stream down as it comes, one channel at {@link #sampleRate()}, window by window; closes it. The loudness of each window is
     * measured against the loudest so far, where recordings know their loudest moment from the beginning. Throws as the others.
     */
    public Transcript transcribe(SampleStream samples, WhisperOptions options, SpeechListener listener) throws IOException {
        return run(options, listener, () -> FeatureWindows.ofStream(mel, model.config().frames(), samples));
    }

    @FunctionalInterface
    private interface Opening {
        FeatureWindows open() throws IOException;
    }

    private Transcript run(WhisperOptions options, SpeechListener listener, Opening opening) throws IOException {
        if (closed) {
            throw new IllegalStateException("the speech recognizer is closed");
        }
        try {
            return workers.runWide(session -> transcribe(session, opening, options, listener));
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    /** Writes a second of silence down in every session, so that what that needs is compiled and allocated before the first request. */
    public void warmUp(WhisperOptions options) {
        workers.warmUp(session -> transcribe(session, () -> FeatureWindows.of(mel, model.config().frames(),
                () -> SampleStream.of(new float[mel.sampleRate()])), options, SpeechListener.NONE));
    }

    private Transcript transcribe(GenerationSession session, Opening opening, WhisperOptions options, SpeechListener listener) {
        try (FeatureWindows windows = opening.open()) {
            return transcribe(session, windows, options, listener);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Transcript transcribe(GenerationSession session, FeatureWindows windows, WhisperOptions options, SpeechListener listener)
            throws IOException {
        Relay relay = new Relay(listener);
        WhisperTranscriber transcriber = new WhisperTranscriber(model, session, options, relay);
        relay.transcriber = transcriber;
        transcriber.transcribe(windows);
        int[] all = relay.tokens.stream().flatMapToInt(Arrays::stream).toArray();
        return new Transcript(transcriber.language(), vocabulary.text(all), relay.segments);
    }

    /** From tokens to text. */
    private final class Relay implements WhisperTranscriber.Listener {
        private final SpeechListener listener;
        private final List<int[]> tokens = new ArrayList<>();
        private final List<Transcript.Segment> segments = new ArrayList<>();
        private WhisperTranscriber transcriber;
        private int[] partial = new int[0];
        private double window = -1;

        Relay(SpeechListener listener) {
            this.listener = listener;
        }

        @Override
        public boolean onToken(double start, int token) {
            partial = start == window ? Arrays.copyOf(partial, partial.length + 1) : new int[1];
            partial[partial.length - 1] = token;
            window = start;
            return listener == SpeechListener.NONE || listener.onPartial(start, vocabulary.text(partial));
        }

        @Override
        public void onRetry(double start, double temperature) {
            window = -1;
        }

        @Override
        public void onSegment(WhisperTranscriber.Segment segment) {
            window = -1;
            Transcript.Segment text = new Transcript.Segment(segment.start(), segment.end(), vocabulary.text(segment.tokens()),
                    words(segment), segment.meanLogProbability(), segment.noSpeech(), segment.temperature());
            tokens.add(segment.tokens());
            segments.add(text);
            listener.onSegment(text);
        }

        private List<Transcript.Word> words(WhisperTranscriber.Segment segment) {
            double[] times = segment.times();
            // A token's time is its end: that at which the next one begins.
            return times == null ? List.of() : vocabulary.words(segment.tokens(), transcriber.language()).stream()
                    .map(word -> new Transcript.Word(word.from() == 0 ? segment.start() : times[word.from() - 1], times[word.to() - 1],
                            word.text())).toList();
        }

        @Override
        public boolean onProgress(double seconds) {
            return listener.onProgress(seconds);
        }
    }

    /** Samples in a second that the model wants. */
    public int sampleRate() {
        return mel.sampleRate();
    }

    /**
     * The tokens of a prompt for {@link WhisperOptions#withPrompt}, as transformers' {@code get_prompt_ids} without its mark. Reads the
     * folder's tokenizer.json.
     *
     * @throws IllegalArgumentException if the text has a special token
     */
    public int[] prompt(String text) {
        try (TokenizerAhead ahead = TokenizerAhead.bare(folder);
                TextTokenizer tokenizer = ahead.cut(new TextTokenizer.Limit(Integer.MAX_VALUE, false))) {
            int[] ids = text.isBlank() ? new int[0] : tokenizer.encode(" " + text.strip()).ids();
            int special = Arrays.stream(model.generation().eos()).min().orElseThrow();
            if (Arrays.stream(ids).anyMatch(id -> id >= special)) {
                throw new IllegalArgumentException("the prompt '" + text + "' has a special token: give words only");
            }
            return ids;
        }
    }

    /** Codes of the languages that the model knows; empty if it is a model of English only. */
    public List<String> languages() {
        return List.copyOf(model.generation().languages().keySet());
    }

    /** Bytes of native memory: weights, activations and caches. */
    public long nativeByteSize() {
        return model.nativeByteSize() + workers.nativeByteSize();
    }

    /** Waits for calls under way, then frees everything. Closing twice is harmless. */
    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
        }
        workers.close();
        model.close();
    }
}
