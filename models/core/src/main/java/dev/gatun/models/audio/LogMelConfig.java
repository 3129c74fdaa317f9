package dev.gatun.models.audio;

import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.checkpoint.WeightException;
import java.util.List;

/**
 * A log-mel spectrogram; mirrors {@code preprocessor_config.json} of a WhisperFeatureExtractor.
 *
 * @param bins         {@code feature_size}
 * @param sampleRate   {@code sampling_rate} in Hz
 * @param hop          {@code hop_length}, samples from one frame to the next
 * @param window       {@code n_fft}, samples of a frame
 * @param chunkSeconds {@code chunk_length}: shorter audio is filled up to it
 * @param padding      {@code padding_value}: what it is filled with
 */
public record LogMelConfig(int bins, int sampleRate, int hop, int window, int chunkSeconds, float padding) {
    /** Checks the numbers. */
    public LogMelConfig {
        if (bins < 1 || sampleRate < 1 || window < 2 || hop < 1 || hop > window || chunkSeconds < 1 || !Float.isFinite(padding)
                || (long) chunkSeconds * sampleRate < 2L * window || (long) chunkSeconds * sampleRate > 1 << 26) {
            throw new IllegalArgumentException("log-mel: " + bins + " bins, " + sampleRate + " Hz, hop " + hop + ", window " + window + ", "
                    + chunkSeconds + " s, padding " + padding + ": out of range");
        }
    }

    /** Whisper's: a frame each 10 ms. */
    public static LogMelConfig whisper(int bins) {
        return new LogMelConfig(bins, 16000, 160, 400, 30, 0);
    }

    /**
     * Reads the fields; what is absent has transformers' default.
     *
     * @throws WeightException if a field has a value that is not served, or is not known
     */
    public static LogMelConfig of(ConfigFields config) {
        config.require("feature_extractor_type", "WhisperFeatureExtractor");
        config.require("padding_side", "right");
        // Random noise.
        config.require("dither", 0);
        config.require("do_normalize", false);
        // What follows from others, and what transformers computes anew.
        config.ignore("n_samples", "nb_max_frames", "mel_filters", "processor_class", "return_attention_mask", "transformers_version",
                "feature_extractor", "auto_map");
        int window = config.integer("n_fft", 2, 1 << 14, 400);
        int rate = config.integer("sampling_rate", 1000, Resampled.MAX_RATE, 16000);
        LogMelConfig mel = new LogMelConfig(config.integer("feature_size", 1, 1 << 10, 80), rate,
                config.integer("hop_length", 1, window, 160), window, config.integer("chunk_length", 1, 600, 30),
                (float) config.number("padding_value", 0));
        List<String> unread = config.unread();
        if (!unread.isEmpty()) {
            throw config.error(unread.getFirst(), "no such field");
        }
        return mel;
    }

    /** Samples of a chunk. */
    public int chunkSamples() {
        return chunkSeconds * sampleRate;
    }
}
