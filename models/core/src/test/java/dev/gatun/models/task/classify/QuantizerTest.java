package dev.gatun.models.task.classify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.image.Picture;
import dev.gatun.models.runtime.Program;
import dev.gatun.models.testing.GeneratedWeights;
import dev.gatun.models.testing.Goldens;
import dev.gatun.models.testing.SafetensorsWriter;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.QuantizedConv;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QuantizerTest {
    private static final ClassifierOptions ONE = new ClassifierOptions(1, false);

    @TempDir
    Path folder;

    private static List<Path> digits() throws IOException {
        Path samples = Files.isDirectory(Path.of("src/samples/digits")) ? Path.of("src/samples/digits")
                : Path.of("models/core/src/samples/digits");
        try (Stream<Path> files = Files.list(samples)) {
            return files.filter(f -> f.toString().endsWith(".png")).sorted().toList();
        }
    }

    @ParameterizedTest
    @CsvSource({"100, false, true, 8", "100, false, false, 7", "99.99, true, true, 8"})
    void digitsStayTheSame(double percentile, boolean floatFirst, boolean floatLast, int bits) throws IOException {
        Path output = folder.resolve("int8");
        Quantizer.Report report = Quantizer.quantize(null, digits(), output,
                new QuantizeOptions(percentile, floatFirst, floatLast, bits, 1));
        assertEquals(List.of("conv1", "conv2", "fc1", "fc2"), report.layers().stream().map(Quantizer.LayerError::layer).toList());
        assertEquals(!floatFirst, report.layers().getFirst().int8());
        report.layers().forEach(layer -> assertTrue(layer.relativeError() < 0.05, layer.toString()));
        assertTrue(Files.size(output.resolve("model.safetensors")) < 120_000);
        try (ImageClassifier bytes = ImageClassifier.load(output, ONE); Arena arena = Arena.ofShared()) {
            SafetensorsFile golden = Goldens.open(arena, "cnn/digits/heldout.safetensors");
            byte[] pixels = golden.entry("images").bytes().toArray(ValueLayout.JAVA_BYTE);
            int[] expected = Goldens.ints(golden, "predictions");
            Tensor input = Tensor.allocate(arena, TensorDesc.of(DataType.F32, 360, 1, 24, 24));
            for (int i = 0; i < 360; i++) {
                bytes.preprocessor().write(new Picture(24, 24, 1, Arrays.copyOfRange(pixels, i * 576, (i + 1) * 576)),
                        input.segment().asSlice(i * 576L * Float.BYTES));
            }
            Tensor logits = Tensor.allocate(arena, TensorDesc.of(DataType.F32, 360, 10));
            bytes.forward(input.segment(), 360, logits.segment(), MemorySegment.NULL);
            int same = 0;
            for (int i = 0; i < 360; i++) {
                float[] row = Arrays.copyOfRange(logits.toFloats(), i * 10, i * 10 + 10);
                same += bytes.predict(row, 1).best().getFirst().index() == expected[i] ? 1 : 0;
            }
            assertTrue(same >= 0.995 * 360, same + " of 360 predictions equal float32's");
        }
    }

    @Test
    void aResNetWithResiduals() throws IOException {
        SplittableRandom random = new SplittableRandom(5);
        BufferedImage image = new BufferedImage(300, 260, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < 300 * 260; i++) {
            image.setRGB(i % 300, i / 300, random.nextInt(1 << 24));
        }
        Path picture = folder.resolve("noise.png");
        ImageIO.write(image, "png", picture.toFile());
        Path output = folder.resolve("int8");
        try (Arena arena = Arena.ofShared()) {
            for (boolean bottleneck : new boolean[] {false, true}) {
                int[] blocks = bottleneck ? new int[] {3, 4, 6, 3} : new int[] {2, 2, 2, 2};
                SafetensorsWriter.write(folder.resolve("model.safetensors"), GeneratedWeights.resNet(arena, "", bottleneck, blocks));
                Quantizer.Report report = Quantizer.quantize(folder, List.of(picture, folder.resolve("missing.png")), output,
                        QuantizeOptions.defaults());
                assertEquals(1, report.unreadable().size());
                assertTrue(report.layers().getLast().relativeError() < 0.1, report.layers().getLast().toString());
                try (ImageClassifier classifier = ImageClassifier.load(output, ONE)) {
                    List<String> kernels = classifier.model().describe(classifier.model().spec().inputSize(), 1, 1);
                    Program program = classifier.model().program();
                    assertEquals(bottleneck ? 53 : 20, program.graph(program.mainGraph()).nodes().stream()
                            .filter(node -> node.layer() instanceof QuantizedConv).count());
                    assertTrue(kernels.stream().noneMatch(k -> k.contains("ref:") || k.contains("reorder+")), kernels.toString());
                }
            }
        }
    }

    @Test
    void badCalibrationIsRefused() throws IOException {
        WeightException none = assertThrows(WeightException.class,
                () -> Quantizer.quantize(null, List.of(), folder.resolve("out"), QuantizeOptions.defaults()));
        assertTrue(none.getMessage().contains("none of the 0 calibration pictures"), none.getMessage());
        WeightException bad = assertThrows(WeightException.class, () -> Quantizer.quantize(null,
                List.of(folder.resolve("missing.png")), folder.resolve("out"), QuantizeOptions.defaults()));
        assertTrue(bad.getMessage().contains("missing.png: does not exist"), bad.getMessage());
        Path output = folder.resolve("int8");
        Quantizer.quantize(null, digits(), output, QuantizeOptions.defaults());
        WeightException twice = assertThrows(WeightException.class,
                () -> Quantizer.quantize(output, digits(), folder.resolve("again"), QuantizeOptions.defaults()));
        assertTrue(twice.getMessage().contains("is quantized already"), twice.getMessage());
        assertThrows(IllegalArgumentException.class, () -> new QuantizeOptions(10, false, false, 8, 1));
        String config = Files.readString(output.resolve("config.json"));
        Files.writeString(output.resolve("config.json"), config.replace("\"quantization\"", "\"other\""));
        WeightException bytes = assertThrows(WeightException.class, () -> ImageClassifier.load(output, ONE));
        assertTrue(bytes.getMessage().contains("conv1.weight S8"), bytes.getMessage());
    }
}
