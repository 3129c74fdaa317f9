package dev.gatun.bench.service;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.gatun.models.tokenize.TextTokenizer;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * ONNX Runtime as a service would use it: one session with so many threads, called by as many platform threads as there are cores for them;
 * the same tokenizer, mean pooling and normalization in Java.
 */
final class OnnxRuntimeService implements Embedder {
    private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
    private final OrtSession session;
    private final TextTokenizer tokenizer;
    private final ExecutorService callers;

    OnnxRuntimeService(Path folder, int threads) throws OrtException {
        OrtSession.SessionOptions options = new OrtSession.SessionOptions();
        options.setIntraOpNumThreads(threads);
        options.setInterOpNumThreads(1);
        options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
        session = environment.createSession(folder.resolve("model.onnx").toString(), options);
        tokenizer = TextTokenizer.load(folder, new TextTokenizer.Limit(256, false));
        callers = Executors.newFixedThreadPool(Math.max(1, Runtime.getRuntime().availableProcessors() / threads));
    }

    @Override
    public String version() {
        return "ONNX Runtime " + environment.getVersion();
    }

    @Override
    public float[] embed(String text) throws Exception {
        return callers.submit(() -> compute(tokenizer.encode(text).ids())).get();
    }

    private float[] compute(int[] ids) throws OrtException {
        long[] shape = {1, ids.length};
        long[] ones = new long[ids.length];
        Arrays.fill(ones, 1);
        LongBuffer longs = LongBuffer.wrap(Arrays.stream(ids).asLongStream().toArray());
        try (OnnxTensor tokens = OnnxTensor.createTensor(environment, longs, shape);
                OnnxTensor mask = OnnxTensor.createTensor(environment, LongBuffer.wrap(ones), shape);
                OnnxTensor types = OnnxTensor.createTensor(environment, LongBuffer.wrap(new long[ids.length]), shape);
                OrtSession.Result result = session.run(Map.of("input_ids", tokens, "attention_mask", mask, "token_type_ids", types))) {
            return pooled(((OnnxTensor) result.get(0)).getFloatBuffer(), ids.length);
        }
    }

    private static float[] pooled(FloatBuffer hidden, int tokens) {
        float[] vector = new float[hidden.remaining() / tokens];
        for (int i = 0; i < tokens; i++) {
            for (int k = 0; k < vector.length; k++) {
                vector[k] += hidden.get(i * vector.length + k);
            }
        }
        double sum = 0;
        for (float v : vector) {
            sum += (double) v * v;
        }
        for (int k = 0; k < vector.length; k++) {
            vector[k] /= (float) Math.sqrt(sum);
        }
        return vector;
    }

    @Override
    public void warmUp(List<String> texts) throws Exception {
        for (String text : texts) {
            embed(text);
        }
    }

    @Override
    public void close() throws OrtException {
        callers.close();
        session.close();
        tokenizer.close();
    }
}
