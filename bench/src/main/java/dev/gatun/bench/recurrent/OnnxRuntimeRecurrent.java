package dev.gatun.bench.recurrent;

import ai.onnxruntime.OrtException;
import dev.gatun.bench.harness.OnnxRuntimeContender;
import dev.gatun.bench.recurrent.RecurrentSuite.Layer;
import java.nio.FloatBuffer;
import java.nio.file.Path;

/** A recurrent layer in ONNX Runtime, whose layout is steps first. */
final class OnnxRuntimeRecurrent extends OnnxRuntimeContender {
    private final FloatBuffer results;
    private final Layer layer;

    OnnxRuntimeRecurrent(Path model, Layer layer, int threads) throws OrtException {
        super(model, threads);
        this.layer = layer;
        FloatBuffer x = floats("x", layer.steps(), layer.batch(), layer.hidden());
        each((own, other) -> x.put(other, layer.x()[own]));
        results = results("y", layer.steps(), 1, layer.batch(), layer.hidden());
    }

    private interface Places {
        void accept(int own, int other);
    }

    /** Elements of [batch, steps, hidden] and of [steps, batch, hidden]. */
    private void each(Places places) {
        for (int b = 0; b < layer.batch(); b++) {
            for (int t = 0; t < layer.steps(); t++) {
                for (int i = 0; i < layer.hidden(); i++) {
                    places.accept((b * layer.steps() + t) * layer.hidden() + i, (t * layer.batch() + b) * layer.hidden() + i);
                }
            }
        }
    }

    @Override
    public float[] output() {
        run();
        float[] values = new float[layer.x().length];
        each((own, other) -> values[own] = results.get(other));
        return values;
    }
}
