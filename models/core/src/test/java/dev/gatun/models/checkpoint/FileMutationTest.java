package dev.gatun.models.checkpoint;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.catalog.ServedFamilies;
import dev.gatun.models.image.PictureException;
import dev.gatun.models.image.PictureReader;
import dev.gatun.models.io.NpyFile;
import dev.gatun.models.io.NpyWriter;
import dev.gatun.models.task.classify.ClassifierOptions;
import dev.gatun.models.task.classify.ImageClassifier;
import dev.gatun.models.task.classify.QuantizeOptions;
import dev.gatun.models.task.classify.Quantizer;
import dev.gatun.models.testing.Goldens;
import dev.gatun.models.testing.Mutations;
import dev.gatun.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Damaged files either load or are refused by the exception that their reader documents, which names the file: never another exception,
 * never an Error, never without end. {@code -Dgatun.mutations=N} tries N of each format, {@code -Dgatun.mutations.seed=S} others.
 */
@Timeout(1800) // a watchdog against endless loops
class FileMutationTest {
    private static final int CASES = Integer.getInteger("gatun.mutations", 300);
    private static final long SEED = Long.getLong("gatun.mutations.seed", 20251L);

    @TempDir
    Path folder;

    private interface Load {
        void load(Path file) throws IOException;
    }

    @BeforeAll
    static void say() {
        System.out.println(FileMutationTest.class.getSimpleName() + ": " + CASES + " cases of each format, seed " + SEED);
    }

    private void mutate(String name, byte[] whole, boolean text, Load load) throws IOException {
        Path file = folder.resolve(name);
        for (int i = 0; i < CASES; i++) {
            SplittableRandom random = new SplittableRandom(SEED + 7919L * i + name.hashCode());
            Files.write(file, Mutations.of(whole, text, random));
            String which = name + ", seed " + SEED + ", case " + i + ": ";
            try {
                load.load(file);
            } catch (WeightException | PictureException e) {
                assertTrue(e.getMessage().startsWith(folder.toString()) && e.getMessage().length() < 2000,
                        which + e.getMessage().substring(0, Math.min(400, e.getMessage().length())));
            } catch (IOException e) {
                assertTrue(e.getClass() == IOException.class && e.getMessage().startsWith(file.toString()), which + e);
            } catch (RuntimeException | Error e) {
                throw new AssertionError(which + e, e);
            }
        }
        Files.write(file, whole);
        load.load(file);
    }

    /** Asks for everything that a source has, in every way. */
    private static void readAll(WeightSource source) {
        for (String name : source.names()) {
            source.entry(name).bytes();
            for (boolean floats : new boolean[] {true, false}) {
                try {
                    Tensor tensor = floats ? source.floats(name) : source.tensor(name);
                    Elements.requireFinite(source.file(name), name, tensor);
                } catch (WeightException e) {
                    assertTrue(e.getMessage().contains("tensor "), e.getMessage());
                }
            }
        }
    }

    private static byte[] golden(String name) throws IOException {
        return Files.readAllBytes(Goldens.path(name));
    }

    @Test
    void safetensors() throws IOException {
        mutate("model.safetensors", golden("cnn/textbook-small/model.safetensors"), false, file -> {
            try (Arena arena = Arena.ofConfined()) {
                readAll(SafetensorsFile.open(file, arena));
            }
        });
    }

    /** The header alone, so that most changes hit it. */
    @Test
    void safetensorsHeaders() throws IOException {
        byte[] whole = golden("cnn/textbook-small/model.safetensors");
        int length = java.nio.ByteBuffer.wrap(whole).order(java.nio.ByteOrder.LITTLE_ENDIAN).getInt();
        byte[] header = java.util.Arrays.copyOfRange(whole, 8, 8 + length);
        byte[] data = java.util.Arrays.copyOfRange(whole, 8 + length, whole.length);
        mutate("header.json", header, true, changed -> {
            byte[] text = Files.readAllBytes(changed);
            Path file = folder.resolve("model.safetensors");
            Files.write(file, java.nio.ByteBuffer.allocate(8 + text.length + data.length).order(java.nio.ByteOrder.LITTLE_ENDIAN)
                    .putLong(text.length).put(text).put(data).array());
            try (Arena arena = Arena.ofConfined()) {
                readAll(SafetensorsFile.open(file, arena));
            }
        });
    }

    @Test
    void shardIndex() throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            for (String name : new String[] {"a", "b"}) {
                SafetensorsWriter.write(folder.resolve("part-" + name + ".safetensors"),
                        Map.of(name + ".weight", Tensor.ofFloats(arena, new float[] {1, 2}, 2)), Map.of());
            }
        }
        byte[] index = ("{\"metadata\": {\"total_size\": 16}, \"weight_map\": {\"a.weight\": \"part-a.safetensors\","
                + " \"b.weight\": \"part-b.safetensors\"}}").getBytes(StandardCharsets.UTF_8);
        mutate("model.safetensors.index.json", index, true, file -> {
            try (Arena arena = Arena.ofConfined()) {
                readAll(ShardedSafetensors.open(file, arena));
            }
        });
    }

    @Test
    void onnx() throws IOException {
        mutate("model.onnx", golden("bert/tiny-onnx/model.onnx"), false, file -> {
            try (Arena arena = Arena.ofConfined()) {
                readAll(OnnxTensors.open(file, arena));
            }
        });
    }

    @Test
    void npy() throws IOException {
        Path made = folder.resolve("made.npy");
        try (Arena arena = Arena.ofConfined(); NpyWriter writer = NpyWriter.create(made, 3)) {
            writer.write(Tensor.ofFloats(arena, new float[] {1, 2, 3, 4, 5, 6}, 2, 3).segment(), 2);
            writer.finish();
        }
        mutate("mutated.npy", Files.readAllBytes(made), false, file -> {
            try (Arena arena = Arena.ofConfined()) {
                NpyFile.open(file, arena);
            }
        });
    }

    /** As a folder is looked at, and as a network is loaded. */
    @Test
    void visionConfig() throws IOException {
        Files.copy(Goldens.path("cnn/textbook-small/model.safetensors"), folder.resolve("model.safetensors"));
        mutate("config.json", golden("cnn/textbook-small/config.json"), true, file -> {
            look();
            try (ImageClassifier classifier = ImageClassifier.load(folder, ClassifierOptions.defaults().withThreads(1))) {
                classifier.labels();
                classifier.preprocessor();
            }
        });
    }

    /** A quantized folder: its config against its tensors, and its tensors against the config. */
    @ParameterizedTest
    @ValueSource(strings = {"config.json", "model.safetensors"})
    void quantized(String name) throws IOException {
        Path picture = Goldens.path("image/grey.png");
        Quantizer.quantize(null, List.of(picture), folder, QuantizeOptions.defaults());
        mutate(name, Files.readAllBytes(folder.resolve(name)), name.endsWith(".json"), file -> {
            try (ImageClassifier classifier = ImageClassifier.load(folder, ClassifierOptions.defaults().withThreads(1))) {
                classifier.preprocessor();
            }
        });
    }

    @Test
    void encoderConfig() throws IOException {
        Files.copy(Goldens.path("bert/tiny/model.safetensors"), folder.resolve("model.safetensors"));
        mutate("config.json", golden("bert/tiny/config.json"), true, file -> look());
    }

    /** As models are loaded, by whatever serves them. */
    @ParameterizedTest
    @ValueSource(strings = {"bert/tiny", "transformer/token/tied-sinusoidal-post-relu", "transformer/token/tied-learned-post-gelu"})
    void configsOfLoadedModels(String golden) throws IOException {
        Files.copy(Goldens.path(golden + "/model.safetensors"), folder.resolve("model.safetensors"));
        mutate("config.json", golden(golden + "/config.json"), true, file -> {
            Checkpoint checkpoint = Checkpoint.open(folder);
            close(ServedFamilies.ALL.require(checkpoint).load(checkpoint, LoadOptions.defaults()));
        });
    }

    @Test
    void weightsOfLoadedModels() throws IOException {
        Files.copy(Goldens.path("bert/tiny/config.json"), folder.resolve("config.json"));
        mutate("model.safetensors", golden("bert/tiny/model.safetensors"), false, file -> {
            Checkpoint checkpoint = Checkpoint.open(folder);
            close(ServedFamilies.ALL.require(checkpoint).load(checkpoint, LoadOptions.defaults()));
        });
    }

    private static void close(Object model) throws IOException {
        try {
            ((AutoCloseable) model).close();
        } catch (IOException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void labelledConfig() throws IOException {
        byte[] config = ("{\"model_type\": \"bert\", \"architectures\": [\"BertModel\"], \"id2label\": {\"0\": \"no\", \"1\": \"yes\"},"
                + " \"hidden_size\": 32,"
                + " \"pretrained_cfg\": {\"tag\": \"a1_in1k\", \"input_size\": [3, 224, 224], \"label_names\": [\"a\", \"b\"]},"
                        + " \"num_classes\": 2}")
                .getBytes(StandardCharsets.UTF_8);
        mutate("config.json", config, true, file -> look());
    }

    @Test
    void modules() throws IOException {
        byte[] modules = ("[{\"idx\": 0, \"name\": \"0\", \"path\": \"0_Transformer\", \"type\":"
                + " \"sentence_transformers.models.Transformer\"},"
                + "{\"idx\": 1, \"name\": \"1\", \"path\": \"1_Pooling\", \"type\": \"sentence_transformers.models.Pooling\"}]")
                .getBytes(StandardCharsets.UTF_8);
        mutate("modules.json", modules, true, file -> look());
    }

    @Test
    void labels() throws IOException {
        mutate("labels.txt", "tench\ngoldfish, Carassius auratus\nKönigspinguin\n".getBytes(StandardCharsets.UTF_8), true,
                file -> Checkpoint.open(folder).labels());
    }

    private void look() {
        Checkpoint checkpoint = Checkpoint.open(folder);
        InspectReport report = ServedFamilies.ALL.describe(checkpoint);
        assertTrue(report.text().length() < 20_000 && !report.json().isEmpty(), "a report of " + report.text().length() + " characters");
    }

    @ParameterizedTest
    @ValueSource(strings = {"rgb.png", "deep.png", "palette.png", "photo.jpg", "grey.jpg", "orientation-6.jpg", "canvas-plain.gif",
            "tall.gif",
        "rgb.bmp"})
    void pictures(String name) throws IOException {
        mutate(name, golden("image/" + name), false, file -> PictureReader.read(file, 1 << 20));
    }

    @Test
    void tiff() throws IOException {
        Path made = folder.resolve("made.tiff");
        ImageIO.write(ImageIO.read(Goldens.path("image/rgb.png").toFile()), "tiff", made.toFile());
        mutate("mutated.tiff", Files.readAllBytes(made), false, file -> PictureReader.read(file, 1 << 20));
    }
}
