package dev.gatun.models.vision;

import java.lang.foreign.MemorySegment;

/** Computes an image network's logits outside of its graphs, as an imported model that runs as it is written. Thread-safe. */
public interface PictureRows extends AutoCloseable {

    /** A session for one caller, who closes it. */
    Session newSession(int threads);

    /** Bytes of native memory, that of sessions left out. */
    long nativeByteSize();

    @Override
    void close();

    /** One thread at a time. */
    interface Session extends AutoCloseable {
        /**
         * Computes a row for each picture.
         *
         * @param pictures F32 [count, C, H, W]
         * @param rows     F32 [count, classCount], overwritten
         */
        void forward(MemorySegment pictures, int count, MemorySegment rows);

        /** Bytes of native memory. */
        long nativeByteSize();

        @Override
        void close();
    }
}
