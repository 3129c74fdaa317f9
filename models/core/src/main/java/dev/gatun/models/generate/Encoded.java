package dev.gatun.models.generate;

import dev.gatun.tensor.op.KvLayout;
import java.lang.foreign.MemorySegment;

/**
 * A source that was encoded once, from which its session generates any number of times. Holds a part of the session's cache until it is
 * closed, by a thread that may use the session.
 */
public final class Encoded implements AutoCloseable {
    private final GenerationSession session;
    private final Source source;
    private final BlockTable table;
    private boolean closed;

    Encoded(GenerationSession session, Source source, BlockTable table) {
        this.session = session;
        this.source = source;
        this.table = table;
    }

    /** A source that begins here. */
    record Start(Encoded encoded, int[] prompt) implements Source {
        @Override
        public int length() {
            return encoded.source.length();
        }

        @Override
        public int[] ids() {
            return encoded.source.ids();
        }
    }

    /** To be generated from, in the session that encoded it; null: the prompt is the start token. */
    public Source from(int[] prompt) {
        return new Start(this, prompt == null ? null : prompt.clone());
    }

    BlockTable table() {
        return table;
    }

    void check(GenerationSession user) {
        if (user != session || closed) {
            throw new IllegalArgumentException("a source was encoded " + (closed ? "and is closed" : "by another session"));
        }
    }

    /** A table of the same blocks. */
    BlockTable share() {
        check(session);
        BlockTable other = session.pool().takeSource();
        other.shareFrom(table);
        return other;
    }

    /**
     * The keys that a layer's attention to the source has.
     *
     * @param dst takes them: [headDim][length]
     */
    public void keys(int layer, int head, float[] dst) {
        session.enter();
        try {
            check(session);
            KvLayout layout = session.model().cacheLayout();
            int length = source.length();
            int dim = layout.headDim();
            long first = layout.part(layer).part() + (long) head * dim * KvLayout.BLOCK_TOKENS;
            for (int from = 0; from < length; from += KvLayout.BLOCK_TOKENS) {
                MemorySegment block = table.memory(from / KvLayout.BLOCK_TOKENS);
                int count = Math.min(KvLayout.BLOCK_TOKENS, length - from);
                for (int d = 0; d < dim; d++) {
                    for (int i = 0; i < count; i++) {
                        dst[d * length + from + i] = layout.get(block, first + (long) d * KvLayout.BLOCK_TOKENS + i);
                    }
                }
            }
        } finally {
            session.exit();
        }
    }

    /** Gives its part of the cache back. Closing twice is harmless, and so is closing after the session. */
    @Override
    public void close() {
        if (!closed && !session.isClosed()) {
            session.enter();
            try {
                session.pool().giveBack(table);
            } finally {
                session.exit();
            }
        }
        closed = true;
    }
}
