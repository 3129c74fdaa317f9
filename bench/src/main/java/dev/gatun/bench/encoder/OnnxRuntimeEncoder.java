package dev.gatun.bench.encoder;

import ai.onnxruntime.OrtException;
import dev.gatun.bench.harness.OnnxRuntimeContender;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * A text encoder in ONNX Runtime. Unequal texts are padded to the longest, as a batch of it must be. Pooling is left out of its time: users
 * would do it themselves.
 */
final class OnnxRuntimeEncoder extends OnnxRuntimeContender {
    private final int[][] tokens;
    private final int longest;

    OnnxRuntimeEncoder(Path model, int[][] tokens, int threads) throws OrtException {
        super(model, threads);
        this.tokens = tokens;
        this.longest = Arrays.stream(tokens).mapToInt(row -> row.length).max().orElse(0);
        long[] shape = {tokens.length, longest};
        LongBuffer ids = longs("input_ids", shape);
        LongBuffer mask = longs("attention_mask", shape);
        if (has("token_type_ids")) {
            longs("token_type_ids", shape);
        }
        for (int i = 0; i < tokens.length; i++) {
            for (int j = 0; j < tokens[i].length; j++) {
                ids.put(i * longest + j, tokens[i][j]);
                mask.put(i * longest + j, 1);
            }
        }
    }

    @Override
    public float[] output() {
        float[] hidden = firstOutput();
        int d = hidden.length / (tokens.length * longest);
        float[] vectors = new float[tokens.length * d];
        for (int i = 0; i < tokens.length; i++) {
            pool(hidden, i, d, vectors);
        }
        return vectors;
    }

    private void pool(float[] hidden, int text, int d, float[] vectors) {
        double[] sum = new double[d];
        for (int j = 0; j < tokens[text].length; j++) {
            for (int k = 0; k < d; k++) {
                sum[k] += hidden[(text * longest + j) * d + k];
            }
        }
        double length = Math.sqrt(Arrays.stream(sum).map(x -> x * x).sum());
        for (int k = 0; k < d; k++) {
            vectors[text * d + k] = (float) (sum[k] / length);
        }
    }
}
