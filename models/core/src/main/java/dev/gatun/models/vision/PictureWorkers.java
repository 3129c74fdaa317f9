package dev.gatun.models.vision;

import dev.gatun.models.image.ImagePreprocessor;
import dev.gatun.models.image.PictureException;
import dev.gatun.models.runtime.Workers;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** Picture files through a network: every core decodes, prepares and computes. */
public final class PictureWorkers {
    private static final int MAX_BATCH = 8;

    private final VisionSpec spec;
    private final Workers<VisionSession> workers;

    /** @param workers with sessions of the network's own input size; they belong to the caller */
    public PictureWorkers(VisionSpec spec, Workers<VisionSession> workers) {
        this.spec = spec;
        this.workers = workers;
    }

    /** Hears of pictures as they are done, from the workers' threads. */
    @FunctionalInterface
    public interface Sink {
        /**
         * A picture is done.
         *
         * @param place    among the pictures
         * @param logits   null if it could not be read
         * @param features null if it could not be read
         * @param error    why it could not be read, or null
         */
        void done(int place, float[] logits, float[] features, String error);
    }

    /**
     * Decodes, prepares and computes; a picture that cannot be read, or is null, does not stop the others.
     *
     * @throws IllegalStateException as {@link Workers#run}
     */
    public void run(List<Path> pictures, ImagePreprocessor preprocessor, Sink sink) {
        AtomicInteger next = new AtomicInteger();
        // Decoding takes longer than most networks: few pictures are divided as well as many.
        int batch = Math.clamp(pictures.size() / workers.cores(), 1, MAX_BATCH);
        Consumer<VisionSession> task = session -> work(session, preprocessor, pictures, next, batch, sink);
        if (pictures.size() == 1) {
            workers.runWide(Workers.doing(task));
        } else {
            workers.run(Collections.nCopies(Math.min(workers.cores(), pictures.size()), Workers.doing(task)));
        }
    }

    /** Lets every session compute so many pictures at a time, so that what they need is compiled and allocated. */
    public void warmUp(int count) {
        if (count < 1 || count > MAX_BATCH) {
            throw new IllegalArgumentException(count + " pictures, expected 1 to " + MAX_BATCH + ": no more are computed at once");
        }
        workers.warmUp(session -> {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment input = arena.allocate(count * session.pictureByteSize(), 64);
                session.forward(input, count, arena.allocate((long) count * spec.classCount() * Float.BYTES, 64));
            }
        });
    }

    private void work(VisionSession session, ImagePreprocessor preprocessor, List<Path> pictures, AtomicInteger next, int batch,
            Sink sink) {
        int classes = spec.classCount();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment input = arena.allocate(batch * session.pictureByteSize(), 64);
            MemorySegment logits = arena.allocate((long) batch * classes * Float.BYTES, 64);
            int columns = spec.featureCount();
            MemorySegment features = arena.allocate((long) batch * columns * Float.BYTES, 64);
            int[] slots = new int[batch];
            for (int first = next.getAndAdd(batch); first < pictures.size(); first = next.getAndAdd(batch)) {
                int count = 0;
                for (int i = first; i < Math.min(first + batch, pictures.size()); i++) {
                    try {
                        preprocessor.load(pictures.get(i), input.asSlice(count * session.pictureByteSize(), session.pictureByteSize()));
                        slots[count++] = i;
                    } catch (PictureException e) {
                        sink.done(i, null, null, e.getMessage());
                    }
                }
                session.forward(input, count, logits, features);
                for (int i = 0; i < count; i++) {
                    sink.done(slots[i], row(logits, i, classes), row(features, i, columns), null);
                }
            }
        }
    }

    private static float[] row(MemorySegment table, int row, int columns) {
        return table.asSlice((long) row * columns * Float.BYTES, (long) columns * Float.BYTES).toArray(ValueLayout.JAVA_FLOAT);
    }
}
