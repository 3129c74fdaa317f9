package dev.gatun.bench.cnn;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.gatun.bench.harness.Contender;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.Map;

/**
 * ONNX Runtime as its documentation advises: one session, all graph optimizations, direct buffers for the input and, made once, for
 * the output, intra-op threads set.
 */
final class OnnxRuntimeCnn implements Contender {
    private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
    private final OrtSession session;
    private final OnnxTensor input;
    private final OnnxTensor logits;
    private final FloatBuffer results;

    OnnxRuntimeCnn(Path model, Network network, float[] pictures, int threads) throws OrtException {
        OrtSession.SessionOptions options = new OrtSession.SessionOptions();
        options.setIntraOpNumThreads(threads);
        options.setInterOpNumThreads(1);
        options.setExecutionMode(OrtSession.SessionOptions.ExecutionMode.SEQUENTIAL);
        options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
        session = environment.createSession(model.toString(), options);
        int batch = pictures.length / network.inputLength;
        FloatBuffer direct = direct(pictures.length).put(pictures).flip();
        input = OnnxTensor.createTensor(environment, direct, new long[] {batch, 3, network.size, network.size});
        results = direct(batch * network.classes);
        logits = OnnxTensor.createTensor(environment, results, new long[] {batch, network.classes});
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
        try (OrtSession.Result result = session.run(Map.of("pictures", input), Map.of("logits", logits))) {
            if (result.size() == 0) {
                throw new IllegalStateException("no output");
            }
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public float[] output() {
        run();
        float[] values = new float[results.capacity()];
        results.get(0, values);
        return values;
    }

    @Override
    public void close() {
        try {
            input.close();
            logits.close();
            session.close();
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }
}
