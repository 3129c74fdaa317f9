package dev.gatun.bench.cnn;

import dev.gatun.bench.harness.Contender;
import dev.gatun.bindings.onednn.OneDnn;
import dev.gatun.models.classify.ClassifierOptions;
import dev.gatun.models.classify.ImageClassifier;
import dev.gatun.models.vision.VisionSession;
import dev.gatun.models.vision.VisionWorkers;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Gatun: a session in the caller's thread, or workers that share a batch, each with so many threads. */
final class GatunCnn implements Contender {
    private final ImageClassifier classifier;
    private final VisionWorkers workers;
    private final VisionSession session;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment logits;
    private final List<VisionWorkers.Task> tasks = new ArrayList<>();

    GatunCnn(Path model, Network network, float[] pictures, int workerCount, int threads) {
        classifier = ImageClassifier.load(model, ClassifierOptions.defaults().with(1, 1));
        workers = workerCount == 1 ? null : new VisionWorkers(classifier.model(), workerCount, threads);
        session = workerCount == 1 ? classifier.model().newSession(threads) : null;
        int batch = pictures.length / network.inputLength;
        MemorySegment input = arena.allocate((long) pictures.length * Float.BYTES, 64);
        MemorySegment.copy(pictures, 0, input, ValueLayout.JAVA_FLOAT, 0, pictures.length);
        logits = arena.allocate((long) batch * network.classes * Float.BYTES, 64);
        for (int i = 0; i < workerCount; i++) {
            int first = batch * i / workerCount;
            int count = batch * (i + 1) / workerCount - first;
            MemorySegment share = input.asSlice((long) first * network.inputLength * Float.BYTES);
            MemorySegment result = logits.asSlice((long) first * network.classes * Float.BYTES);
            tasks.add(worker -> worker.forward(share, count, result));
        }
    }

    @Override
    public String version() {
        return "Gatun, oneDNN " + OneDnn.version();
    }

    @Override
    public void run() {
        if (session != null) {
            tasks.getFirst().run(session);
        } else {
            workers.run(tasks);
        }
    }

    @Override
    public float[] output() {
        return logits.toArray(ValueLayout.JAVA_FLOAT);
    }

    @Override
    public void close() {
        if (session != null) {
            session.close();
        } else {
            workers.close();
        }
        classifier.close();
        arena.close();
    }
}
