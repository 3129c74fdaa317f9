package dev.gatun.models.encode;

import java.lang.foreign.MemorySegment;

/** Computes rows of tokens outside of an encoder's graph, as an imported model that runs as it is written. Thread-safe. */
public interface TokenRows extends AutoCloseable {

    /** A session for one caller, who closes it. */
    Session newSession(int threads);

    /** Bytes of native memory, that of sessions left out. */
    long nativeByteSize();

    @Override
    void close();

    /** One thread at a time. */
    interface Session extends AutoCloseable {
        /**
         * Computes the rows of some sequences.
         *
         * @param ids     S32, of all sequences end to end
         * @param types   S32 likewise, or {@link MemorySegment#NULL} for 0
         * @param start   element of the first sequence's first token
         * @param lengths of the sequences
         * @param count   of sequences
         * @param dst     F32: a row for each token, or one for each sequence; overwritten
         */
        void forward(MemorySegment ids, MemorySegment types, int start, int[] lengths, int count, MemorySegment dst);

        /** Bytes of native memory. */
        long nativeByteSize();

        @Override
        void close();
    }
}
