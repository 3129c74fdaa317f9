package dev.gatun.models.task.classify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.testing.Goldens;
import dev.gatun.tensor.testing.Reference;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An ONNX file of pictures beside preprocessor_config.json and labels. */
class OnnxPicturesTest {
    private static final ClassifierOptions OPTIONS = new ClassifierOptions(2, true);

    @TempDir
    Path folder;

    private Path model(String size) throws IOException {
        Files.copy(Goldens.path("onnx-pictures/model.onnx"), folder.resolve("model.onnx"));
        Files.writeString(folder.resolve("preprocessor_config.json"), "{\"image_processor_type\": \"ViTImageProcessor\", \"size\": " + size
                + "}");
        Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"convnext\", \"id2label\": {\"0\": \"cat\", \"1\": \"dog\","
                + "\"2\": \"tree\", \"3\": \"sea\"}}");
        return folder;
    }

    @Test
    void logitsAreOnnxRuntimesAtEveryBatch() throws IOException {
        try (ImageClassifier classifier = ImageClassifier.load(model("{\"height\": 18, \"width\": 14}"), OPTIONS);
                Arena arena = Arena.ofShared()) {
            SafetensorsFile cases = Goldens.open(arena, "onnx-pictures/cases.safetensors");
            float[] expected = Goldens.floats(cases, "logits");
            MemorySegment pictures = arena.allocateFrom(ValueLayout.JAVA_FLOAT, Goldens.floats(cases, "pictures"));
            for (int count = 1; count <= 5; count++) {
                MemorySegment logits = arena.allocate(count * 16L, 64);
                classifier.forward(pictures, count, logits, MemorySegment.NULL);
                Reference.assertClose(Reference.widen(java.util.Arrays.copyOf(expected, count * 4)), logits.toArray(ValueLayout.JAVA_FLOAT),
                        1e-5);
            }
            Path picture = folder.resolve("picture.png");
            ImageIO.write(new BufferedImage(20, 30, BufferedImage.TYPE_INT_RGB), "png", picture.toFile());
            ImageClassifier.Result result = classifier.classify(List.of(picture), done -> { }).getFirst();
            assertEquals(4, result.logits().length);
            assertEquals(List.of("cat", "dog", "tree", "sea"), classifier.labels());
        }
    }

    @Test
    void whatDoesNotFitIsNamed() throws IOException {
        Path model = model("{\"height\": 18, \"width\": 14}");
        Files.writeString(model.resolve("config.json"), "{\"id2label\": {\"0\": \"cat\", \"1\": \"dog\"}}");
        assertTrue(assertThrows(WeightException.class, () -> ImageClassifier.load(model, OPTIONS)).getMessage().contains("4 classes"));
        Files.copy(Goldens.path("onnx-encoders/bert.onnx"), model.resolve("model.onnx"), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        assertTrue(assertThrows(WeightException.class, () -> ImageClassifier.load(model, OPTIONS)).getMessage()
                .contains("expected one, FLOAT [batch, channels, height, width]"));
    }
}
