package dev.gatun.bench.encoder;

import dev.gatun.bench.harness.Contender;
import dev.gatun.models.encode.Encoder;
import dev.gatun.models.encode.EncoderSession;
import dev.gatun.models.encode.Head;
import dev.gatun.models.encode.Pooling;
import dev.gatun.models.registry.Encoders;
import dev.gatun.tensor.Precision;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Gatun: one worker with every thread for a single text, otherwise one worker a thread. */
final class GatunEncoder implements Contender {
    private final Encoder encoder;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment vectors;
    private final List<EncoderSession> sessions = new ArrayList<>();
    private final List<Callable<Void>> shares = new ArrayList<>();
    private final ExecutorService executor;

    GatunEncoder(Path model, int[][] tokens, int threads, Precision precision) {
        encoder = Encoders.load(model, precision, Head.pooled(Pooling.MEAN, true));
        int d = encoder.spec().hiddenSize();
        vectors = arena.allocate((long) tokens.length * d * Float.BYTES, 64);
        int workers = tokens.length == 1 ? 1 : threads;
        executor = Executors.newFixedThreadPool(workers);
        long total = java.util.Arrays.stream(tokens).mapToLong(row -> row.length).sum();
        for (int worker = 0, first = 0; worker < workers; worker++) {
            long share = 0;
            int last = first;
            while (last < tokens.length && (worker == workers - 1 || share * workers < total)) {
                share += tokens[last++].length;
            }
            add(tokens, first, last, threads / workers, d);
            first = last;
        }
    }

    private void add(int[][] tokens, int first, int last, int threads, int d) {
        EncoderSession session = encoder.newSession(threads);
        sessions.add(session);
        int count = 0;
        MemorySegment offsets = arena.allocate((last - first + 1L) * Integer.BYTES, 64);
        for (int i = first; i < last; i++) {
            count += tokens[i].length;
            offsets.setAtIndex(ValueLayout.JAVA_INT, i - first + 1L, count);
        }
        MemorySegment ids = arena.allocate((long) count * Integer.BYTES, 64);
        for (int i = first, at = 0; i < last; at += tokens[i++].length) {
            MemorySegment.copy(tokens[i], 0, ids, ValueLayout.JAVA_INT, (long) at * Integer.BYTES, tokens[i].length);
        }
        MemorySegment dst = vectors.asSlice((long) first * d * Float.BYTES, (long) (last - first) * d * Float.BYTES);
        shares.add(() -> {
            session.forward(ids, offsets, last - first, dst);
            return null;
        });
    }

    @Override
    public String version() {
        return "Gatun, oneDNN " + dev.gatun.bindings.onednn.OneDnn.version();
    }

    @Override
    public void run() {
        try {
            if (shares.size() == 1) {
                shares.getFirst().call();
                return;
            }
            for (var future : executor.invokeAll(shares)) {
                future.get();
            }
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public float[] output() {
        return vectors.toArray(ValueLayout.JAVA_FLOAT);
    }

    @Override
    public void close() {
        executor.shutdown();
        sessions.forEach(EncoderSession::close);
        encoder.close();
        arena.close();
    }
}
