package dev.gatun.bench.cnn;

import ai.onnxruntime.OrtException;
import dev.gatun.bench.harness.OnnxRuntimeContender;
import java.nio.FloatBuffer;
import java.nio.file.Path;

/** An image network in ONNX Runtime. */
final class OnnxRuntimeCnn extends OnnxRuntimeContender {
    private final FloatBuffer results;

    OnnxRuntimeCnn(Path model, Network network, float[] pictures, int threads) throws OrtException {
        super(model, threads);
        int batch = pictures.length / network.inputLength;
        floats("pictures", batch, 3, network.size, network.size).put(0, pictures);
        results = results("logits", batch, network.classes);
    }

    @Override
    public float[] output() {
        run();
        float[] values = new float[results.capacity()];
        results.get(0, values);
        return values;
    }
}
