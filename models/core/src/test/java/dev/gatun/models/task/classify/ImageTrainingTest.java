package dev.gatun.models.task.classify;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.checkpoint.SafetensorsWriter;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.testing.ChildJvm;
import dev.gatun.models.testing.GeneratedWeights;
import dev.gatun.models.train.Fit;
import dev.gatun.tensor.Tensor;
import java.awt.image.BufferedImage;
import java.io.BufferedReader;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Image classifiers that are trained here, from nothing and from a ResNet: what they know, and what becomes of interrupted trainings. */
class ImageTrainingTest {
    private static final ImageTraining.Sizes TINY = new ImageTraining.Sizes(8, 3, 4, 5, true);

    @TempDir
    Path folder;

    private static Fit fit(int epochs, long seed, boolean resume) {
        return new Fit(epochs, 32, 3e-3, 0.01, 0.2, seed, 1, resume);
    }

    @Test
    void digitsAreLearntFromNothing() throws IOException {
        Examples digits = Examples.digits();
        assertEquals(1797, digits.count());
        Path output = folder.resolve("digits");
        List<Fit.Progress> epochs = new ArrayList<>();
        Fit.Progress last = new ImageTraining(digits, fit(10, 0, false), output, epochs::add).cnn(new ImageTraining.Sizes(16, 16, 32, 64,
                true));
        assertEquals(10, epochs.size());
        assertEquals(epochs.getLast(), last);
        assertTrue(last.held().accuracy() >= 0.98, epochs.toString());
        assertFalse(Files.exists(output.resolve(Fit.CHECKPOINT)));
        // Pictures that were made of digits by Pillow; what was loaded reads them as what was trained would.
        List<Path> pictures;
        try (Stream<Path> files = Files.list(Path.of("src/samples/digits")); ImageClassifier trained = ImageClassifier.load(output,
                ClassifierOptions.defaults().withThreads(1))) {
            pictures = files.filter(f -> f.toString().endsWith(".png")).toList();
            assertEquals(20, pictures.size());
            int right = 0;
            for (ImageClassifier.Result result : trained.classify(pictures, r -> { })) {
                String digit = result.picture().getFileName().toString().substring(6, 7);
                right += trained.predict(result.logits(), 1).best().getFirst().label().equals(digit) ? 1 : 0;
            }
            assertTrue(right >= 19, right + " of 20");
        }
    }

    @Test
    void anInterruptedTrainingComesToTheSameModel() throws IOException {
        Path whole = folder.resolve("whole");
        Path broken = folder.resolve("broken");
        Path checkpoint = broken.resolve(Fit.CHECKPOINT);
        Examples digits = Examples.digits();
        new ImageTraining(digits, fit(3, 5, false), whole, epoch -> { }).cnn(TINY);
        assertThrows(IllegalStateException.class, () -> new ImageTraining(digits, fit(3, 5, false), broken, epoch -> {
            if (epoch.epoch() == 2) {
                throw new IllegalStateException("killed");
            }
        }).cnn(TINY));
        assertFalse(Files.exists(broken.resolve("model.safetensors")));
        WeightException begun = assertThrows(WeightException.class, () -> train(digits, fit(3, 5, false), broken));
        assertTrue(begun.getMessage().contains("interrupted"), begun.getMessage());
        WeightException other = assertThrows(WeightException.class, () -> train(digits, fit(3, 6, true), broken));
        assertTrue(other.getMessage().contains("seed 5, expected 6"), other.getMessage());
        byte[] good = Files.readAllBytes(checkpoint);
        Files.write(checkpoint, java.util.Arrays.copyOf(good, good.length - 4));
        assertThrows(WeightException.class, () -> train(digits, fit(3, 5, true), broken));
        Files.write(checkpoint, good);
        Path part = Files.writeString(broken.resolve(Fit.CHECKPOINT + ".1b4e28ba-2fa1-11d2-883f-0016d3cca427.part"), "killed here");
        List<Integer> epochs = new ArrayList<>();
        new ImageTraining(digits, fit(3, 5, true), broken, epoch -> epochs.add(epoch.epoch())).cnn(TINY);
        assertFalse(Files.exists(part));
        assertEquals(List.of(3), epochs);
        for (String file : List.of("model.safetensors", "config.json", "labels.txt")) {
            assertArrayEquals(Files.readAllBytes(whole.resolve(file)), Files.readAllBytes(broken.resolve(file)), file);
        }
        Fit.Progress again = new ImageTraining(digits, fit(3, 5, true), broken, epoch -> epochs.add(epoch.epoch())).cnn(TINY);
        assertEquals(List.of(3), epochs, "finished, so that nothing is left to learn");
        assertTrue(Double.isNaN(again.loss()) && again.epoch() == 3, again.toString());
        WeightException plain = assertThrows(WeightException.class, () -> new ImageTraining(digits, fit(3, 5, true), broken, epoch -> { })
                .cnn(new ImageTraining.Sizes(8, 3, 4, 5, false)));
        assertTrue(plain.getMessage().contains("looks others each time, expected one of each: without being resumed"), plain.getMessage());
    }

    @Test
    void aTrainingThatIsKilledGoesOnToTheSameModel() throws IOException, InterruptedException {
        Path whole = folder.resolve("whole");
        Path killed = folder.resolve("killed");
        Examples digits = Examples.digits();
        train(digits, fit(12, 5, false), whole);
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED", "-cp", ChildJvm.classPath(), Killed.class.getName(), killed.toString())
                .redirectErrorStream(true).start();
        try (BufferedReader said = process.inputReader()) {
            List<String> lines = new ArrayList<>();
            while (lines.isEmpty() || !lines.getLast().equals("epoch 3")) {
                String line = said.readLine();
                assertNotNull(line, lines.toString());
                lines.add(line);
            }
            process.destroyForcibly().waitFor();
        }
        assertFalse(Files.exists(killed.resolve("model.safetensors")), "killed too late");
        train(digits, fit(12, 5, true), killed);
        assertArrayEquals(Files.readAllBytes(whole.resolve("model.safetensors")), Files.readAllBytes(killed.resolve("model.safetensors")));
        assertFalse(Files.exists(killed.resolve(Fit.CHECKPOINT)));
    }

    /** Trains until somebody kills it; the last epoch waits for that. */
    static final class Killed {
        private Killed() {
        }

        public static void main(String[] args) throws IOException {
            new ImageTraining(Examples.digits(), fit(12, 5, false), Path.of(args[0]), epoch -> {
                System.out.println("epoch " + epoch.epoch());
                if (epoch.epoch() == 11) {
                    LockSupport.park();
                }
            }).cnn(TINY);
        }
    }

    private static void train(Examples examples, Fit fit, Path output) throws IOException {
        new ImageTraining(examples, fit, output, epoch -> { }).cnn(TINY);
    }

    /** Dark and light pictures in colour, a few of each. */
    private Path pictures() throws IOException {
        Path root = folder.resolve("pictures");
        for (String label : List.of("dark", "light")) {
            Files.createDirectories(root.resolve(label));
            for (int i = 0; i < 6; i++) {
                BufferedImage image = new BufferedImage(11, 9, BufferedImage.TYPE_INT_RGB);
                for (int p = 0; p < 99; p++) {
                    image.setRGB(p % 11, p / 11, (label.equals("dark") ? 0x101830 : 0xd0c0b0) + 0x010203 * ((p * 7 + i * 5) % 23));
                }
                ImageIO.write(image, "png", root.resolve(label).resolve(i + ".png").toFile());
            }
        }
        return root;
    }

    @Test
    void aFolderForEachClassIsLearnt() throws IOException {
        Path root = pictures();
        Files.writeString(root.resolve("dark/broken.png"), "no picture");
        Examples examples = Examples.of(root);
        assertEquals(List.of("dark", "light"), examples.labels());
        assertEquals(3, examples.channels());
        assertEquals(12, examples.count());
        assertEquals(1, examples.unreadable().size());
        Path output = folder.resolve("cnn");
        new ImageTraining(examples, new Fit(20, 4, 0.01, 0, 0.2, 1, 1, false), output, epoch -> { }).cnn(TINY);
        check(output, root);
        Files.createDirectories(root.resolve("middle"));
        assertTrue(assertThrows(IllegalArgumentException.class, () -> Examples.of(root)).getMessage().contains("middle: has no picture"));
        assertTrue(assertThrows(IllegalArgumentException.class, () -> Examples.of(root.resolve("dark"))).getMessage()
                .contains("0 folders, expected two or more"));
        assertThrows(IOException.class, () -> Examples.of(root.resolve("nowhere")));
    }

    private static void check(Path model, Path root) {
        try (ImageClassifier trained = ImageClassifier.load(model, ClassifierOptions.defaults().withThreads(1))) {
            for (String label : List.of("dark", "light")) {
                ImageClassifier.Result result = trained.classify(List.of(root.resolve(label).resolve("3.png")), r -> { }).getFirst();
                assertEquals(label, trained.predict(result.logits(), 1).best().getFirst().label());
            }
        }
    }

    @Test
    void theLastLayerOfAResNetIsLearnt() throws IOException {
        Path root = pictures();
        Path model = Files.createDirectories(folder.resolve("resnet"));
        Path output = folder.resolve("head");
        try (Arena arena = Arena.ofConfined()) {
            GeneratedWeights weights = GeneratedWeights.resNet(arena, "model.", false, 2, 2, 2, 2);
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            weights.names().forEach(name -> tensors.put(name, weights.floats(name)));
            SafetensorsWriter.write(model.resolve("model.safetensors"), tensors, Map.of());
        }
        Files.writeString(model.resolve("config.json"), "{\"architecture\": \"resnet18\", \"input_size\": 32}");
        Examples examples = Examples.of(root);
        new ImageTraining(examples, new Fit(30, 4, 0.01, 0, 0, 1, 1, false), output, epoch -> { }).head(model);
        check(output, root);
        Path cnn = folder.resolve("cnn");
        new ImageTraining(examples, new Fit(1, 4, 0.01, 0, 0, 1, 1, false), cnn, epoch -> { }).cnn(TINY);
        assertTrue(assertThrows(WeightException.class, () -> new ImageTraining(examples, fit(1, 1, false), output, epoch -> { }).head(cnn))
                .getMessage().contains("expected a ResNet"));
    }
}
