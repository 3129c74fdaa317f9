package dev.gatun.bench.cnn;

import dev.gatun.bench.harness.Contender;
import dev.gatun.bindings.onednn.OneDnn;
import dev.gatun.models.task.classify.ClassifierOptions;
import dev.gatun.models.task.classify.ImageClassifier;
import dev.gatun.models.vision.VisionModel;
import dev.gatun.models.vision.VisionSession;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/** Gatun: a session in the caller's thread, or a classifier that divides the batch among cores, as the model prefers. */
final class GatunCnn implements Contender {
    private final ImageClassifier classifier;
    private final VisionSession session;
    private final Arena arena = Arena.ofShared();
    private final int batch;
    private final MemorySegment input;
    private final MemorySegment logits;

    GatunCnn(Path folder, Network network, float[] pictures, int cores) {
        classifier = ImageClassifier.load(folder, ClassifierOptions.defaults().withThreads(cores));
        batch = pictures.length / network.inputLength;
        VisionModel.Split split = classifier.model().split(batch, cores);
        session = split.parts() == 1 ? classifier.model().newSession(split.threads()) : null;
        input = arena.allocate((long) pictures.length * Float.BYTES, 64);
        MemorySegment.copy(pictures, 0, input, ValueLayout.JAVA_FLOAT, 0, pictures.length);
        logits = arena.allocate((long) batch * network.classes * Float.BYTES, 64);
    }

    @Override
    public String version() {
        return "Gatun, oneDNN " + OneDnn.version();
    }

    @Override
    public void run() {
        if (session != null) {
            session.forward(input, batch, logits);
        } else {
            classifier.forward(input, batch, logits, MemorySegment.NULL);
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
        }
        classifier.close();
        arena.close();
    }
}
