package dev.gatun.models.audio;

import java.io.IOException;

/** One channel of samples at a rate that both sides know: what a microphone, a telephone line or a {@link Resampled} file gives. */
@FunctionalInterface
public interface SampleStream extends AutoCloseable {

    /**
     * Reads the next samples, of -1 to 1; waits until there is one at least.
     *
     * @return how many were written from {@code dst[offset]} on, from 1 to {@code count}; -1 at the end
     * @throws IOException if they cannot be read
     */
    int read(float[] dst, int offset, int count) throws IOException;

    /** Nothing to free, unless a stream says otherwise. */
    @Override
    default void close() throws IOException {
    }

    /** Samples of an array, which is not copied. */
    static SampleStream of(float[] samples) {
        int[] next = {0};
        return (dst, offset, count) -> {
            int n = Math.min(count, samples.length - next[0]);
            if (n <= 0) {
                return -1;
            }
            System.arraycopy(samples, next[0], dst, offset, n);
            next[0] += n;
            return n;
        };
    }
}
