package dev.gatun.models.task.classify;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.image.Picture;
import dev.gatun.models.testing.GeneratedWeights;
import dev.gatun.models.testing.Goldens;
import dev.gatun.models.testing.SafetensorsWriter;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.testing.Reference;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImageClassifierTest {
    private static final ClassifierOptions TWO = new ClassifierOptions(2, false);

    @TempDir
    Path folder;

    /** The held-out digits as PyTorch's net saw them, prepared by {@code preprocessor.write}. */
    private static MemorySegment heldOut(Arena arena, ImageClassifier classifier, SafetensorsFile golden) {
        byte[] pixels = golden.entry("images").bytes().toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
        int count = pixels.length / (24 * 24);
        MemorySegment input = arena.allocate(count * 24L * 24 * Float.BYTES, 64);
        for (int i = 0; i < count; i++) {
            byte[] one = java.util.Arrays.copyOfRange(pixels, i * 24 * 24, (i + 1) * 24 * 24);
            classifier.preprocessor().write(new Picture(24, 24, 1, one), input.asSlice(i * 24L * 24 * Float.BYTES));
        }
        return input;
    }

    @Test
    void digitsAreReadAsByPyTorch() {
        try (ImageClassifier classifier = ImageClassifier.digits(TWO); Arena arena = Arena.ofShared()) {
            SafetensorsFile golden = Goldens.open(arena, "cnn/digits/heldout.safetensors");
            int[] labels = Goldens.ints(golden, "labels");
            int[] predictions = Goldens.ints(golden, "predictions");
            MemorySegment input = heldOut(arena, classifier, golden);
            Tensor logits = Tensor.allocate(arena, TensorDesc.of(DataType.F32, 360, 10));
            classifier.forward(input, 360, logits.segment(), MemorySegment.NULL);
            float[] values = logits.toFloats();
            Reference.assertClose(Reference.widen(Goldens.floats(golden, "logits")), values, 1e-4);
            int right = 0;
            for (int i = 0; i < 360; i++) {
                int best = classifier.predict(java.util.Arrays.copyOfRange(values, i * 10, i * 10 + 10), 1).best().getFirst().index();
                assertEquals(predictions[i], best, "digit " + i);
                right += best == labels[i] ? 1 : 0;
            }
            assertTrue(right >= 0.97 * 360, right + " of 360 held-out digits are right");
        }
    }

    @Test
    void theSamplePicturesAreReadRight() throws IOException {
        try (ImageClassifier classifier = ImageClassifier.digits(TWO); Stream<Path> files = Files.list(samples())) {
            List<Path> pictures = new ArrayList<>(files.filter(f -> f.toString().endsWith(".png")).sorted().toList());
            assertTrue(pictures.size() >= 10);
            Path missing = folder.resolve("missing.png");
            Path damaged = Files.write(folder.resolve("damaged.png"), new byte[] {(byte) 0x89, 'P', 'N', 'G', 13, 10, 26, 10, 0, 0});
            pictures.add(3, missing);
            pictures.add(damaged);
            List<ImageClassifier.Result> results = classifier.classify(pictures, result -> { });
            for (ImageClassifier.Result result : results) {
                String name = result.picture().getFileName().toString();
                if (result.picture().equals(missing) || result.picture().equals(damaged)) {
                    assertNull(result.logits());
                    assertTrue(result.error().startsWith(result.picture().toString()), result.error());
                } else {
                    assertNotNull(result.logits(), result.error());
                    assertEquals(name.split("-")[1], classifier.predict(result.logits(), 3).best().getFirst().label(), name);
                }
            }
        }
    }

    @Test
    void aPathThatIsNoneDoesNotStopTheOthers() throws IOException {
        Path large = folder.resolve("large.png");
        javax.imageio.ImageIO.write(new java.awt.image.BufferedImage(20_000, 20_000, java.awt.image.BufferedImage.TYPE_BYTE_BINARY), "png",
                large.toFile());
        try (Stream<Path> files = Files.list(samples()); ImageClassifier classifier = ImageClassifier.digits(TWO)) {
            Path good = files.filter(f -> f.toString().endsWith(".png")).findFirst().orElseThrow();
            List<ImageClassifier.Result> results = classifier.classify(java.util.Arrays.asList(null, good, large, good), r -> { });
            assertTrue(results.get(0).error().contains("is no path"), results.get(0).error());
            assertNotNull(results.get(1).logits());
            assertTrue(results.get(2).error().contains("is 20000 x 20000 pixels"), results.get(2).error());
            assertArrayEquals(results.get(1).logits(), results.get(3).logits());
        }
    }

    private static Path samples() {
        Path here = Path.of("src/samples/digits");
        return Files.isDirectory(here) ? here : Path.of("models/core/src/samples/digits");
    }

    @Test
    void aFolderWithoutConfigIsRecognized() throws IOException {
        try (Arena arena = Arena.ofShared()) {
            SafetensorsWriter.write(folder.resolve("model.safetensors"), GeneratedWeights.textbook(arena));
            try (ImageClassifier classifier = ImageClassifier.load(folder, TWO)) {
                assertEquals("textbook-cnn", classifier.model().spec().name());
                assertEquals(List.of("class 0", "class 1"), classifier.labels().subList(0, 2));
            }
            SafetensorsWriter.write(folder.resolve("model.safetensors"), GeneratedWeights.resNet(arena, "model.", false, 2, 2, 2, 2));
            try (ImageClassifier classifier = ImageClassifier.load(folder, TWO)) {
                assertEquals("resnet18", classifier.model().spec().name());
                assertEquals("tench", classifier.labels().getFirst());
                assertEquals(256, classifier.preprocessor().shortSide());
                SafetensorsFile golden = Goldens.open(arena, "cnn/resnet.safetensors");
                assertArrayEquals(new long[] {1, 1000}, golden.entry("resnet18.logits").shape().dims());
            }
        }
    }

    @Test
    void damagedModelsAreRefused() throws IOException {
        refused("does not exist", () -> ImageClassifier.load(folder.resolve("nowhere"), TWO));
        refused("has neither model.safetensors", () -> ImageClassifier.load(folder, TWO));
        try (Arena arena = Arena.ofShared()) {
            GeneratedWeights weights = GeneratedWeights.textbook(arena);
            SafetensorsWriter.write(folder.resolve("model.safetensors"), weights, "fc2.bias");
            refused("has no tensor fc2.bias", () -> ImageClassifier.load(folder, TWO));
            SafetensorsWriter.write(folder.resolve("model.safetensors"), weights);
            Files.writeString(folder.resolve("config.json"), "{\"architecture\": \"vgg16\"}");
            refused("architecture vgg16, expected", () -> ImageClassifier.load(folder, TWO));
            Files.writeString(folder.resolve("config.json"), "{\"architecture\": \"textbook-cnn\", \"num_classes\": 11}");
            refused("fc2.weight: expected [11, 1000], found [10, 1000]", () -> ImageClassifier.load(folder, TWO));
            Files.writeString(folder.resolve("config.json"), "{\"architecture\": ");
            refused("is not valid JSON", () -> ImageClassifier.load(folder, TWO));
            Files.delete(folder.resolve("config.json"));
            Files.writeString(folder.resolve("labels.txt"), "only one\n");
            refused("labels.txt has 1 lines, the model 10 classes", () -> ImageClassifier.load(folder, TWO));
            Files.delete(folder.resolve("labels.txt"));
            SafetensorsWriter.writeWithExtra(folder.resolve("model.safetensors"), weights, "fc3.weight");
            refused("has 1 tensors that textbook-cnn does not have: fc3.weight", () -> ImageClassifier.load(folder, TWO));
            SafetensorsWriter.writeWithNaN(folder.resolve("model.safetensors"), weights, "conv2.bias");
            ImageClassifier.load(folder, TWO).close();
            refused("tensor conv2.bias: element 0 is NaN", () -> ImageClassifier.load(folder, TWO.withCheckWeights(true)));
        }
    }

    private static void refused(String expected, org.junit.jupiter.api.function.Executable load) {
        WeightException e = assertThrows(WeightException.class, load);
        assertTrue(e.getMessage().contains(expected), e.getMessage());
    }
}
