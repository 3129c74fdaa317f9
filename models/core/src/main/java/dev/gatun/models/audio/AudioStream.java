package dev.gatun.models.audio;

import java.io.IOException;

/** Sound, block by block, as it was recorded. One thread; whoever opened it closes it. */
public interface AudioStream extends AutoCloseable {
    /** Channels that a file may have. */
    int MAX_CHANNELS = 64;

    /** Samples of a channel in a second. */
    int sampleRate();

    /** Channels. */
    int channels();

    /**
     * Reads the next samples, of -1 to 1 where the file does not exceed them, the channels of a moment side by side.
     *
     * @param dst whose length is a multiple of the channels, at least one of each
     * @return how many moments were read, at least 1; -1 at the end
     * @throws AudioException if the audio is damaged or cut off
     * @throws IOException    if it cannot be read
     */
    int read(float[] dst) throws IOException;

    @Override
    void close() throws IOException;
}
