package dev.gatun.bench.cnn;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gatun.bench.purejava.JavaKernels;
import dev.gatun.bench.purejava.PlainJava;
import dev.gatun.bench.purejava.VectorJava;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/** The textbook net with vectors, on one thread and on three, agrees with plain loops. */
class JavaCnnTest {
    private static final int BATCH = 2;
    private static final Map<String, Integer> SIZES = Map.of("conv1.weight", 64 * 3 * 9, "conv1.bias", 64,
            "conv2.weight", 128 * 64 * 9, "conv2.bias", 128, "fc1.weight", 1000 * 4608, "fc1.bias", 1000,
            "fc2.weight", 10 * 1000, "fc2.bias", 10);

    private static float[] random(String seed, int count, double limit) {
        SplittableRandom random = new SplittableRandom(seed.hashCode());
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextDouble(-limit, limit);
        }
        return values;
    }

    private static float[] logits(JavaKernels kernels) {
        Function<String, float[]> weights = name -> random(name, SIZES.get(name), 0.05);
        float[] pictures = random("pictures", BATCH * Network.TEXTBOOK.inputLength, 1);
        try (JavaCnn cnn = new JavaCnn("test", kernels, Network.TEXTBOOK, weights, pictures, BATCH)) {
            cnn.run();
            cnn.run();
            return cnn.output();
        }
    }

    @Test
    void vectorsAgreeWithPlainLoops() {
        float[] expected = logits(new PlainJava());
        assertEquals(BATCH * 10, expected.length);
        for (int threads : new int[] {1, 3}) {
            float[] actual = logits(new VectorJava(threads));
            for (int i = 0; i < expected.length; i++) {
                assertEquals(expected[i], actual[i], 1e-5 * (1 + Math.abs(expected[i])), "logit " + i);
            }
        }
    }
}
