package dev.gatun.models.family.bert;

import dev.gatun.models.encode.Encoder;
import dev.gatun.models.encode.EncoderSession;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/** Random requests in off-heap memory, made once and forwarded many times without touching the heap. */
final class Requests {
    private final Encoder encoder;
    private final EncoderSession session;
    private final MemorySegment[] ids;
    private final MemorySegment[] offsets;
    private final int[] counts;
    private final MemorySegment dst;
    private int next;

    Requests(Encoder encoder, int threads, Arena arena, SplittableRandom random, int requests, int maxBatch, int maxLength) {
        this.encoder = encoder;
        this.session = encoder.newSession(threads);
        this.ids = new MemorySegment[requests];
        this.offsets = new MemorySegment[requests];
        this.counts = new int[requests];
        this.dst = arena.allocate((long) maxBatch * encoder.spec().hiddenSize() * Float.BYTES, 64);
        for (int i = 0; i < requests; i++) {
            counts[i] = 1 + random.nextInt(maxBatch);
            offsets[i] = arena.allocate(ValueLayout.JAVA_INT, counts[i] + 1L);
            int tokens = 0;
            for (int row = 0; row < counts[i]; row++) {
                tokens += random.nextInt(maxLength + 1);
                offsets[i].setAtIndex(ValueLayout.JAVA_INT, row + 1L, tokens);
            }
            ids[i] = arena.allocate(ValueLayout.JAVA_INT, Math.max(1, tokens));
            for (int t = 0; t < tokens; t++) {
                ids[i].setAtIndex(ValueLayout.JAVA_INT, t, random.nextInt(encoder.spec().vocabSize()));
            }
        }
    }

    EncoderSession session() {
        return session;
    }

    /** Forwards so many requests, from where the last call ended. */
    void forward(int times) {
        for (int i = 0; i < times; i++) {
            session.forward(ids[next], offsets[next], counts[next], dst);
            next = next + 1 == ids.length ? 0 : next + 1;
        }
    }
}
