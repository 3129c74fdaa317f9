package dev.gatun.bench.recurrent;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.gatun.bench.harness.Contender;
import dev.gatun.bench.recurrent.RecurrentSuite.Layer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Map;

/** ONNX Runtime with direct buffers for input and output, made once; its layout is steps first. */
final class OnnxRuntimeRecurrent implements Contender {
    private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
    private final OrtSession session;
    private final OnnxTensor input;
    private final OnnxTensor result;
    private final FloatBuffer results;
    private final Layer layer;

    OnnxRuntimeRecurrent(Path model, Layer layer, int threads) throws OrtException {
        this.layer = layer;
        OrtSession.SessionOptions options = new OrtSession.SessionOptions();
        options.setIntraOpNumThreads(threads);
        options.setInterOpNumThreads(1);
        options.setExecutionMode(OrtSession.SessionOptions.ExecutionMode.SEQUENTIAL);
        options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
        session = environment.createSession(model.toString(), options);
        FloatBuffer x = direct(layer.x().length);
        each((own, other) -> x.put(other, layer.x()[own]));
        input = OnnxTensor.createTensor(environment, x, new long[] {layer.steps(), layer.batch(), layer.hidden()});
        results = direct(layer.x().length);
        result = OnnxTensor.createTensor(environment, results, new long[] {layer.steps(), 1, layer.batch(), layer.hidden()});
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

    private static FloatBuffer direct(int length) {
        return ByteBuffer.allocateDirect(length * Float.BYTES).order(ByteOrder.nativeOrder()).asFloatBuffer();
    }

    @Override
    public String version() {
        return "ONNX Runtime " + environment.getVersion();
    }

    @Override
    public void run() {
        try (OrtSession.Result done = session.run(Map.of("x", input), Map.of("y", result))) {
            if (done.size() == 0) {
                throw new IllegalStateException("no output");
            }
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public float[] output() {
        run();
        float[] values = new float[layer.x().length];
        each((own, other) -> values[own] = results.get(other));
        return values;
    }

    @Override
    public void close() {
        try {
            input.close();
            result.close();
            session.close();
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }
}
