package dev.gatun.models.audio;

import java.io.IOException;
import java.util.Arrays;

/**
 * Windows of an audio's features, from first to last, for a model that decides itself how far the next one lies. Holds one window's frames
 * whatever the length. The features need the maximum of the whole audio: a source that can be opened again is read twice if it is longer
 * than a window, else the maximum so far is taken. One thread; owns the streams it opens.
 */
public final class FeatureWindows implements AutoCloseable {
    private final LogMelConfig config;
    private final int frames;
    private final float[] held;
    private final float[] levels;
    private LogMel mel;
    private long first;
    private int count;
    private boolean ended;
    private float max = Float.NEGATIVE_INFINITY;
    private boolean silent = true;
    private long total = -1;

    /** Samples that can be read from the beginning, again and again. */
    @FunctionalInterface
    public interface Source {
        /** Opens a stream at the model's rate, which the caller closes. */
        SampleStream open() throws IOException;
    }

    private FeatureWindows(LogMelConfig config, int frames, SampleStream stream) {
        if (frames < 1 || frames > Integer.MAX_VALUE / config.bins()) {
            throw new IllegalArgumentException("a window of " + frames + " frames of " + config.bins()
                    + " bins: expected 1 frame or more, and fewer than 2^31 numbers");
        }
        this.config = config;
        this.frames = frames;
        this.mel = new LogMel(config, stream);
        this.held = new float[frames * config.bins()];
        this.levels = new float[frames];
    }

    /**
     * Windows of a source that can be opened again: its maximum is known, as transformers has it.
     *
     * @param frames of a window
     */
    public static FeatureWindows of(LogMelConfig config, int frames, Source source) throws IOException {
        FeatureWindows windows = new FeatureWindows(config, frames, source.open());
        try {
            windows.fill(0);
            float[] frame = new float[config.bins()];
            if (windows.ended || !windows.mel.next(frame, 0)) {
                windows.end();
                return windows;
            }
            long seen = frames;
            do {
                windows.see(frame, 0);
                seen++;
            } while (windows.mel.next(frame, 0));
            windows.mel.close();
            windows.mel = new LogMel(config, source.open());
            windows.total = seen;
            windows.count = 0;
            return windows;
        } catch (IOException | RuntimeException | Error e) {
            windows.close();
            throw e;
        }
    }

    /** Windows of a stream as it comes: each is scaled by the maximum so far. */
    public static FeatureWindows ofStream(LogMelConfig config, int frames, SampleStream stream) {
        return new FeatureWindows(config, frames, stream);
    }

    private void end() {
        ended = true;
        total = first + count;
    }

    private void see(float[] values, int offset) {
        for (int i = offset; i < offset + config.bins(); i++) {
            max = Math.max(max, values[i]);
        }
        silent &= mel.level() == 0;
    }

    /** Holds the frames from {@code from} on, as far as there are any. */
    private void fill(long from) throws IOException {
        int bins = config.bins();
        int drop = (int) Math.min(count, from - first);
        System.arraycopy(held, drop * bins, held, 0, (count - drop) * bins);
        System.arraycopy(levels, drop, levels, 0, count - drop);
        count -= drop;
        first += drop;
        while (count < frames && !ended) {
            if (!mel.next(held, count * bins)) {
                end();
            } else if (first < from) {
                first++;
            } else {
                see(held, count * bins);
                levels[count++] = mel.level();
            }
        }
    }

    /**
     * Reads a window.
     *
     * @param from its first frame, not before that of the window before
     * @param dst  takes {@code [frames][bins]}; zeros stand behind the last frame of the audio
     * @return how many of its frames there are; 0 at the end
     */
    public int read(long from, float[] dst) throws IOException {
        fill(from);
        int values = count * config.bins();
        System.arraycopy(held, 0, dst, 0, values);
        LogMel.normalize(dst, 0, values, max);
        Arrays.fill(dst, values, frames * config.bins(), 0f);
        return count;
    }

    /**
     * How many frames of the window that was read last are quieter than a level, from its first on.
     *
     * @param level mean square of the samples around a frame
     */
    public int quiet(double level) {
        int quiet = 0;
        while (quiet < count && levels[quiet] < level) {
            quiet++;
        }
        return quiet;
    }

    /** Whether every sample so far, of a source that can be opened again every sample, is exactly 0, or there is none. */
    public boolean silent() {
        return silent;
    }

    /** Frames of the audio, with what fills it up to a chunk; -1 while they are not known. */
    public long total() {
        return total;
    }

    /** Frames that began so far before the audio's end, rather than in what fills it up. */
    public long heard() {
        return Math.ceilDiv(mel.samplesRead(), (long) config.hop());
    }

    @Override
    public void close() throws IOException {
        mel.close();
    }
}
