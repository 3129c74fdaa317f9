package dev.gatun.bench.generation;

import ai.onnxruntime.OrtException;
import dev.gatun.bench.harness.Contender;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** ONNX Runtime's loop: batches of sentences in the order they come in, padded, each as many steps as its longest answer has tokens. */
final class OnnxRuntimeSentences implements Contender {
    private static final int BATCH = 32;

    private final List<int[]> sentences;
    private final List<OnnxRuntimeGeneration> batches = new ArrayList<>();

    OnnxRuntimeSentences(Path folder, Shape shape, List<int[]> sentences, int beams, int threads) throws OrtException {
        this.sentences = sentences;
        for (int from = 0; from < sentences.size(); from += BATCH) {
            List<int[]> batch = sentences.subList(from, Math.min(from + BATCH, sentences.size()));
            int steps = batch.stream().mapToInt(s -> s.length).max().orElseThrow();
            batches.add(batches.isEmpty() ? new OnnxRuntimeGeneration(folder, shape, batch, beams, steps, threads)
                    : new OnnxRuntimeGeneration(batches.getFirst(), batch, steps));
        }
    }

    @Override
    public String version() {
        return batches.getFirst().version();
    }

    @Override
    public void run() {
        batches.forEach(OnnxRuntimeGeneration::run);
    }

    @Override
    public float[] output() {
        return GatunSentences.compared(sentences, i -> batches.get(i / BATCH).best(i % BATCH, sentences.get(i).length));
    }

    @Override
    public void close() {
        batches.getFirst().close();
    }
}
