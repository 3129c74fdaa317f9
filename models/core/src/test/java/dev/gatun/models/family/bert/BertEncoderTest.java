package dev.gatun.models.family.bert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.encode.Encoder;
import dev.gatun.models.encode.EncoderSession;
import dev.gatun.models.encode.Head;
import dev.gatun.models.encode.Pooling;
import dev.gatun.models.registry.Encoders;
import dev.gatun.models.testing.Goldens;
import dev.gatun.tensor.testing.Reference;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BertEncoderTest {

    @ParameterizedTest
    @CsvSource({"tiny, 1", "tiny, 2", "tiny-prefixed, 1"})
    void agreesWithPyTorchAtEveryLength(String folder, int threads) {
        checkAgainstPyTorch(Goldens.path("bert/" + folder), threads);
    }

    @Test
    void anOnnxExportGivesTheSameModel() {
        checkAgainstPyTorch(Goldens.path("bert/tiny-onnx/model.onnx"), 1);
    }

    private static void checkAgainstPyTorch(Path model, int threads) {
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile cases = Goldens.open(arena, "bert/tiny/cases.safetensors");
            int[] ids = Goldens.ints(cases, "ids");
            int[] offsets = Goldens.ints(cases, "offsets");
            String[] names = {"mean", "mean_raw", "cls", "cls_raw"};
            for (int i = 0; i < names.length; i++) {
                double[] expected = Reference.widen(Goldens.floats(cases, names[i]));
                try (Encoder encoder = Encoders.load(model, Head.pooled(i < 2 ? Pooling.MEAN : Pooling.CLS, i % 2 == 0))) {
                    Reference.assertClose(expected, forward(encoder, threads, ids, offsets), 1e-5);
                }
            }
        }
    }

    @Test
    void oneByOneEqualsTogether() {
        try (Encoder encoder = Encoders.load(Goldens.path("bert/tiny"), Head.pooled(Pooling.MEAN, true));
                Arena arena = Arena.ofConfined()) {
            SafetensorsFile cases = Goldens.open(arena, "bert/tiny/cases.safetensors");
            int[] ids = Goldens.ints(cases, "ids");
            int[] offsets = Goldens.ints(cases, "offsets");
            float[] together = forward(encoder, 1, ids, offsets);
            for (int i = 0; i < offsets.length - 1; i += 6) {
                int[] own = java.util.Arrays.copyOfRange(ids, offsets[i], offsets[i + 1]);
                float[] alone = forward(encoder, 1, own, new int[] {0, own.length});
                Reference.assertClose(Reference.widen(alone), java.util.Arrays.copyOfRange(together, i * 40, (i + 1) * 40), 2e-6);
            }
        }
    }

    @Test
    void emptySequencesGiveZerosAndNoSequencesNothing() {
        try (Encoder encoder = Encoders.load(Goldens.path("bert/tiny"), Head.pooled(Pooling.MEAN, true))) {
            float[] vectors = forward(encoder, 1, new int[] {2, 3}, new int[] {0, 0, 2, 2});
            assertArrayEquals(new float[40], java.util.Arrays.copyOfRange(vectors, 0, 40));
            assertTrue(vectors[40] != 0);
            assertArrayEquals(new float[40], java.util.Arrays.copyOfRange(vectors, 80, 120));
            assertEquals(0, forward(encoder, 1, new int[0], new int[] {0}).length);
        }
    }

    @Test
    void wrongInputsAreRefusedByName() {
        try (Encoder encoder = Encoders.load(Goldens.path("bert/tiny"), Head.pooled(Pooling.MEAN, true))) {
            int threads = 1;
            message("token 1 has id 99, the vocabulary has 0 to 98",
                    () -> forward(encoder, threads, new int[] {1, 99}, new int[] {0, 2}));
            message("token 0 has id -1", () -> forward(encoder, threads, new int[] {-1}, new int[] {0, 1}));
            message("sequence 0 has 81 tokens, the model's positions end at 80",
                    () -> forward(encoder, threads, new int[81], new int[] {0, 81}));
            message("offsets decrease at sequence 1", () -> forward(encoder, threads, new int[5], new int[] {0, 3, 2, 5}));
            message("the first offset must be 0", () -> forward(encoder, threads, new int[5], new int[] {1, 3}));
            try (EncoderSession session = encoder.newSession(threads); Arena arena = Arena.ofConfined()) {
                MemorySegment offsets = arena.allocateFrom(ValueLayout.JAVA_INT, 0, 2);
                MemorySegment ids = arena.allocateFrom(ValueLayout.JAVA_INT, 1, 1);
                message("dst has 8 bytes, expected 160 or more", () -> session.forward(ids, offsets, 1, arena.allocate(8)));
                message("ids is on the heap",
                        () -> session.forward(MemorySegment.ofArray(new int[2]), offsets, 1, arena.allocate(160)));
                message("count must be 0 or more", () -> session.forward(ids, offsets, -1, arena.allocate(160)));
            }
            assertThrows(IllegalArgumentException.class, () -> encoder.newSession(0));
        }
    }

    private static void message(String part, org.junit.jupiter.api.function.Executable call) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, call);
        assertTrue(e.getMessage().contains(part), e.getMessage());
    }

    static float[] forward(Encoder encoder, int threads, int[] ids, int[] offsets) {
        try (EncoderSession session = encoder.newSession(threads); Arena arena = Arena.ofConfined()) {
            int count = offsets.length - 1;
            int d = encoder.spec().hiddenSize();
            MemorySegment dst = arena.allocate(Math.max(1, count * d) * 4L, 64);
            session.forward(arena.allocateFrom(ValueLayout.JAVA_INT, ids), arena.allocateFrom(ValueLayout.JAVA_INT, offsets), count, dst);
            return dst.asSlice(0, count * d * 4L).toArray(ValueLayout.JAVA_FLOAT);
        }
    }
}
