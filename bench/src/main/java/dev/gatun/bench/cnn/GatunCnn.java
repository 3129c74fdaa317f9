package dev.gatun.bench.cnn;

import dev.gatun.bench.harness.Contender;
import dev.gatun.bindings.onednn.OneDnn;
import dev.gatun.models.classify.ClassifierOptions;
import dev.gatun.models.classify.ImageClassifier;
import dev.gatun.models.vision.VisionModel;
import dev.gatun.models.vision.VisionSession;
import dev.gatun.models.workers.SessionWorkers;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Gatun: a session in the caller's thread, or workers that share a batch, as the model prefers. */
final class GatunCnn implements Contender {
    private final ImageClassifier classifier;
    private final SessionWorkers<VisionSession> workers;
    private final VisionSession session;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment logits;
    private final List<Consumer<VisionSession>> tasks = new ArrayList<>();

    GatunCnn(Path folder, Network network, float[] pictures, int cores) {
        classifier = ImageClassifier.load(folder, ClassifierOptions.defaults().withThreads(1));
        int batch = pictures.length / network.inputLength;
        VisionModel model = classifier.model();
        VisionModel.Split split = model.split(batch, cores);
        workers = split.parts() == 1 ? null : new SessionWorkers<>("the image model", "gatun-vision", split.parts(), model::newSession);
        session = split.parts() == 1 ? model.newSession(split.threads()) : null;
        MemorySegment input = arena.allocate((long) pictures.length * Float.BYTES, 64);
        MemorySegment.copy(pictures, 0, input, ValueLayout.JAVA_FLOAT, 0, pictures.length);
        logits = arena.allocate((long) batch * network.classes * Float.BYTES, 64);
        for (int i = 0; i < split.parts(); i++) {
            int first = batch * i / split.parts();
            int count = batch * (i + 1) / split.parts() - first;
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
            tasks.getFirst().accept(session);
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
