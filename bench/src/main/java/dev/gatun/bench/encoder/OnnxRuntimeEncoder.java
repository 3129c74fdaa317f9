package dev.gatun.bench.encoder;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.gatun.bench.harness.Contender;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * ONNX Runtime as its documentation advises: one session, all graph optimizations, direct buffers, intra-op threads
 * set, inputs made once. Unequal texts are padded to the longest, as a batch of it must be. Pooling is left out of
 * its time: users would do it themselves.
 */
final class OnnxRuntimeEncoder implements Contender {
    private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
    private final OrtSession session;
    private final Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
    private final int[][] tokens;
    private final int longest;

    OnnxRuntimeEncoder(Path model, int[][] tokens, int threads) throws OrtException {
        this.tokens = tokens;
        this.longest = Arrays.stream(tokens).mapToInt(row -> row.length).max().orElse(0);
        OrtSession.SessionOptions options = new OrtSession.SessionOptions();
        options.setIntraOpNumThreads(threads);
        options.setInterOpNumThreads(1);
        options.setExecutionMode(OrtSession.SessionOptions.ExecutionMode.SEQUENTIAL);
        options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
        session = environment.createSession(model.toString(), options);
        LongBuffer ids = direct();
        LongBuffer mask = direct();
        for (int i = 0; i < tokens.length; i++) {
            for (int j = 0; j < tokens[i].length; j++) {
                ids.put(i * longest + j, tokens[i][j]);
                mask.put(i * longest + j, 1);
            }
        }
        long[] shape = {tokens.length, longest};
        inputs.put("input_ids", OnnxTensor.createTensor(environment, ids, shape));
        inputs.put("attention_mask", OnnxTensor.createTensor(environment, mask, shape));
        inputs.put("token_type_ids", OnnxTensor.createTensor(environment, direct(), shape));
    }

    private LongBuffer direct() {
        return ByteBuffer.allocateDirect(tokens.length * longest * Long.BYTES).order(ByteOrder.nativeOrder()).asLongBuffer();
    }

    @Override
    public String version() {
        return "ONNX Runtime " + environment.getVersion();
    }

    @Override
    public void run() {
        try (OrtSession.Result result = session.run(inputs)) {
            if (result.size() == 0) {
                throw new IllegalStateException("no output");
            }
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public float[] output() {
        try (OrtSession.Result result = session.run(inputs)) {
            FloatBuffer hidden = ((OnnxTensor) result.get(0)).getFloatBuffer();
            int d = hidden.remaining() / (tokens.length * longest);
            float[] vectors = new float[tokens.length * d];
            for (int i = 0; i < tokens.length; i++) {
                pool(hidden, i, d, vectors);
            }
            return vectors;
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }

    private void pool(FloatBuffer hidden, int text, int d, float[] vectors) {
        double[] sum = new double[d];
        for (int j = 0; j < tokens[text].length; j++) {
            for (int k = 0; k < d; k++) {
                sum[k] += hidden.get((text * longest + j) * d + k);
            }
        }
        double length = Math.sqrt(Arrays.stream(sum).map(x -> x * x).sum());
        for (int k = 0; k < d; k++) {
            vectors[text * d + k] = (float) (sum[k] / length);
        }
    }

    @Override
    public void close() {
        try {
            inputs.values().forEach(OnnxTensor::close);
            session.close();
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }
}
