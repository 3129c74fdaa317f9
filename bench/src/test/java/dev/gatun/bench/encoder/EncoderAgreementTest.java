package dev.gatun.bench.encoder;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.tensor.Precision;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The same file, the same tokens: 200 texts of 1 to 512 tokens through ONNX Runtime and through Gatun in mixed batches. */
class EncoderAgreementTest {
    private static final Path MODEL = Path.of("..", "models", "target", "minilm", "model.onnx");
    private static final int TEXTS = 200;
    private static final int LONGEST = 512;
    private static final int GROUP = 25;

    @Test
    void agreesWithOnnxRuntimeOnTwoHundredTexts() throws Exception {
        assertTrue(Files.exists(MODEL), MODEL.toAbsolutePath() + " is missing: make model puts it there");
        int[][] tokens = tokens();
        float[] ours;
        try (GatunEncoder gatun = new GatunEncoder(MODEL, tokens, 2, Precision.F32)) {
            gatun.run();
            ours = gatun.output();
        }
        int d = ours.length / TEXTS;
        assertEquals(384, d);
        for (int[] group : groups(tokens)) {
            int[][] similar = Arrays.stream(group).mapToObj(i -> tokens[i]).toArray(int[][]::new);
            try (OnnxRuntimeEncoder peer = new OnnxRuntimeEncoder(MODEL, similar, 2)) {
                float[] theirs = peer.output();
                for (int i = 0; i < group.length; i++) {
                    check(group[i], Arrays.copyOfRange(ours, group[i] * d, (group[i] + 1) * d),
                            Arrays.copyOfRange(theirs, i * d, (i + 1) * d));
                }
            }
        }
    }

    private static void check(int text, float[] ours, float[] theirs) {
        double dot = 0;
        double aa = 0;
        double bb = 0;
        for (int j = 0; j < ours.length; j++) {
            assertEquals(theirs[j], ours[j], 2e-5, "text " + text + ", element " + j);
            dot += (double) ours[j] * theirs[j];
            aa += (double) ours[j] * ours[j];
            bb += (double) theirs[j] * theirs[j];
        }
        double cosine = dot / Math.sqrt(aa * bb);
        assertTrue(cosine >= 0.999999, "text " + text + ": cosine " + cosine);
    }

    /** Lengths from 1 to 512 in random order. */
    private static int[][] tokens() {
        Random random = new Random(7);
        int[][] tokens = new int[TEXTS][];
        for (int i = 0; i < TEXTS; i++) {
            int length = 1 + random.nextInt(20) * random.nextInt(20) * (LONGEST - 1) / 361;
            tokens[i] = random.ints(Math.min(length, LONGEST), 1000, 30_000).toArray();
        }
        tokens[17] = random.ints(LONGEST, 1000, 30_000).toArray();
        return tokens;
    }

    /** Texts of similar length together, which the peer pads and masks. */
    private static int[][] groups(int[][] tokens) {
        int[] order = IntStream.range(0, TEXTS).boxed().sorted(Comparator.comparingInt(i -> tokens[i].length))
                .mapToInt(Integer::intValue).toArray();
        return IntStream.range(0, TEXTS / GROUP).mapToObj(g -> Arrays.copyOfRange(order, g * GROUP, (g + 1) * GROUP))
                .toArray(int[][]::new);
    }
}
