package dev.gatun.models.audio;

import java.io.IOException;
import java.util.Arrays;

/**
 * The log-mel spectrogram of a stream, frame by frame, as transformers' WhisperFeatureExtractor computes it: frames centred on multiples
 * of the hop, reflected at both ends, Hann's window, power, mel filters, log10 of at least 1e-10. What remains of it, which needs the
 * whole audio's maximum, is {@link #normalize}. Audio shorter than a chunk is filled up. One thread; owns its stream.
 */
public final class LogMel implements AutoCloseable {
    private static final int BLOCK = 4096;
    private static final float RANGE = 8;

    private final LogMelConfig config;
    private final SampleStream source;
    private final Fourier fourier;
    private final MelFilters filters;
    private final double[] hann;
    private final double[] windowed;
    private final double[] power;
    private final float[] samples;
    /** Number of the first sample that is held. */
    private long first;
    private int held;
    private long length = -1;
    private long samplesRead;
    private boolean sourceEnded;
    private long frame;
    private float level;

    /** Opens the spectrogram of samples at {@link LogMelConfig#sampleRate()}. */
    public LogMel(LogMelConfig config, SampleStream source) {
        this.config = config;
        this.source = source;
        int n = config.window();
        this.fourier = new Fourier(n);
        this.filters = new MelFilters(config.bins(), n, config.sampleRate());
        this.hann = new double[n];
        for (int i = 0; i < n; i++) {
            hann[i] = 0.5 - 0.5 * Math.cos(2 * Math.PI * i / n);
        }
        this.windowed = new double[n];
        this.power = new double[n / 2 + 1];
        this.samples = new float[4 * n + BLOCK];
    }

    /**
     * Computes the next frame: log10 of the power in each bin.
     *
     * @param dst takes {@link LogMelConfig#bins()} values from {@code offset} on
     * @return false at the end; nothing was written then
     * @throws AudioException if a sample is not a number
     */
    public boolean next(float[] dst, int offset) throws IOException {
        int half = config.window() / 2;
        long center = frame * config.hop();
        // The hop after the centre decides whether there is such a frame; the window after it, how it is reflected.
        while (length < 0 && first + held < center + Math.max(config.hop(), config.window() - half)) {
            fill(Math.max(0, center - config.window()));
        }
        if (length >= 0 && center + config.hop() > length) {
            return false;
        }
        double squares = 0;
        for (int i = 0; i < config.window(); i++) {
            long at = Math.abs(center - half + i);
            at = length >= 0 && at >= length ? 2 * (length - 1) - at : at;
            double sample = samples[(int) (at - first)];
            squares += sample * sample;
            windowed[i] = sample * hann[i];
        }
        level = (float) (squares / config.window());
        fourier.power(windowed, power);
        filters.apply(power, dst, offset);
        frame++;
        return true;
    }

    private void fill(long needed) throws IOException {
        int dropped = (int) Math.max(0, needed - first);
        if (held + BLOCK > samples.length) {
            System.arraycopy(samples, dropped, samples, 0, held - dropped);
            held -= dropped;
            first += dropped;
        }
        int room = Math.min(BLOCK, samples.length - held);
        int read = sourceEnded ? -1 : source.read(samples, held, room);
        if (read < 0) {
            sourceEnded = true;
            long total = first + held;
            int missing = (int) Math.min(room, Math.max(0, config.chunkSamples() - total));
            Arrays.fill(samples, held, held + missing, config.padding());
            held += missing;
            length = missing == 0 ? total : -1;
            return;
        }
        for (int i = held; i < held + read; i++) {
            if (!Float.isFinite(samples[i])) {
                throw new AudioException(null, "sample " + (first + i) + " is " + samples[i] + ", expected a number");
            }
        }
        held += read;
        samplesRead += read;
    }

    /** Mean square of the samples of the frame that was computed last. */
    public float level() {
        return level;
    }

    /** Samples of the source so far, without what fills it up. */
    public long samplesRead() {
        return samplesRead;
    }

    /**
     * What a model sees of log-mel values: not more than 8 below the audio's maximum, then {@code (x + 4) / 4}.
     *
     * @param max of all values of the audio
     */
    public static void normalize(float[] values, int offset, int count, float max) {
        for (int i = offset; i < offset + count; i++) {
            values[i] = (Math.max(values[i], max - RANGE) + 4) / 4;
        }
    }

    @Override
    public void close() throws IOException {
        source.close();
    }
}
