package dev.gatun.models.family.cnn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.testing.GeneratedWeights;
import dev.gatun.models.testing.Goldens;
import dev.gatun.models.vision.VisionModel;
import dev.gatun.models.vision.VisionSession;
import dev.gatun.models.vision.VisionSpec.InputSize;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.testing.Reference;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TextbookCnnTest {

    private static VisionModel small() throws IOException {
        try (Arena files = Arena.ofShared()) {
            return TextbookCnn.load(WeightScope.of(Goldens.open(files, "cnn/textbook-small/model.safetensors")), smallConfig());
        }
    }

    private static TextbookCnnConfig smallConfig() throws IOException {
        return TextbookCnnConfig.fromJson(new ObjectMapper().readTree(
                Files.readAllBytes(Goldens.path("cnn/textbook-small/config.json"))));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void agreesWithPyTorch(int threads) throws IOException {
        assertEquals(new TextbookCnnConfig(3, 5, 7, 12, 8, 11, 4), smallConfig());
        try (VisionModel model = small(); Arena arena = Arena.ofShared()) {
            SafetensorsFile golden = Goldens.open(arena, "cnn/textbook-small/cases.safetensors");
            check(model, Tensor.ofFloats(arena, Goldens.floats(golden, "input"), 9, 3, 12, 8), golden, threads);
        }
    }

    @Test
    void theDefaultSizesAgreeWithPyTorch() {
        try (Arena arena = Arena.ofShared();
                VisionModel model = TextbookCnn.load(WeightScope.of(GeneratedWeights.textbook(arena)), TextbookCnnConfig.DEFAULT)) {
            check(model, GeneratedWeights.input(arena, "input", 3, 3, 24, 24), Goldens.open(arena, "cnn/textbook-default.safetensors"), 1);
        }
    }

    private static void check(VisionModel model, Tensor input, SafetensorsFile golden, int threads) {
        int count = (int) input.shape().dim(0);
        try (Arena arena = Arena.ofShared(); VisionSession session = model.newSession(threads)) {
            Tensor logits = Tensor.allocate(arena, TensorDesc.of(DataType.F32, count, model.spec().classCount()));
            Tensor features = Tensor.allocate(arena, TensorDesc.of(DataType.F32, count, model.spec().featureCount()));
            session.forward(input.segment(), count, logits.segment(), features.segment());
            Reference.assertClose(Reference.widen(Goldens.floats(golden, "logits")), logits.toFloats(), 1e-5);
            Reference.assertClose(Reference.widen(Goldens.floats(golden, "features")), features.toFloats(), 1e-5);
        }
    }

    @Test
    void anyBatchGivesWhatSinglePicturesGive() throws IOException {
        try (VisionModel model = small(); Arena arena = Arena.ofShared(); VisionSession session = model.newSession(1)) {
            int most = 71;
            Tensor input = Tensor.ofFloats(arena, Reference.random(3, most * 3 * 12 * 8), most, 3, 12, 8);
            float[] single = new float[most * 4];
            Tensor one = Tensor.allocate(arena, TensorDesc.of(DataType.F32, 4));
            for (int i = 0; i < most; i++) {
                session.forward(input.segment().asSlice(i * session.pictureByteSize()), 1, one.segment());
                System.arraycopy(one.toFloats(), 0, single, i * 4, 4);
            }
            for (int count : new int[] {0, 1, 3, 31, 32, 33, most}) {
                Tensor all = Tensor.allocate(arena, TensorDesc.of(DataType.F32, count, 4));
                session.forward(input.segment(), count, all.segment());
                Reference.assertClose(Reference.widen(java.util.Arrays.copyOf(single, count * 4)), all.toFloats(), 1e-6);
            }
        }
    }

    @Test
    void memoryOnTheHeapAndPicturesThatAreNoNumbersAreRefused() throws IOException {
        try (VisionModel model = small(); Arena arena = Arena.ofShared(); VisionSession session = model.newSession(1)) {
            MemorySegment input = arena.allocate(2 * session.pictureByteSize());
            MemorySegment heap = MemorySegment.ofArray(new float[8]);
            for (Runnable call : java.util.List.<Runnable>of(() -> session.forward(input, 2, heap),
                    () -> session.forward(input, 2, MemorySegment.NULL, heap), () -> session.forward(heap, 0, heap))) {
                String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
                assertTrue(message.contains("is on the heap"), message);
            }
            input.set(java.lang.foreign.ValueLayout.JAVA_FLOAT, session.pictureByteSize() + 8, Float.NaN);
            String message = assertThrows(IllegalArgumentException.class,
                    () -> session.forward(input, 2, arena.allocate(2 * 4 * Float.BYTES))).getMessage();
            assertTrue(message.startsWith("picture 1 has an element that is NaN"), message);
        }
    }

    @Test
    void wrongSizesAreNamed() throws IOException {
        try (VisionModel model = small()) {
            IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> model.newSession(new InputSize(24, 24), 1));
            assertEquals("textbook-cnn: input [N, 3, 24, 24], expected [N, 3, 12, 8]", e.getMessage());
        }
        try (Arena files = Arena.ofShared()) {
            WeightScope scope = WeightScope.of(Goldens.open(files, "cnn/textbook-small/model.safetensors"));
            WeightException e = assertThrows(WeightException.class, () -> TextbookCnn.load(scope, TextbookCnnConfig.DEFAULT));
            assertTrue(e.getMessage().contains("conv1.weight: expected [64, 3, 3, 3], found [5, 3, 3, 3]"), e.getMessage());
        }
        assertArrayEquals(new int[] {4608}, new int[] {TextbookCnnConfig.DEFAULT.flatSize()});
        assertThrows(IllegalArgumentException.class, () -> new TextbookCnnConfig(3, 64, 128, 3, 24, 1000, 10));
    }
}
