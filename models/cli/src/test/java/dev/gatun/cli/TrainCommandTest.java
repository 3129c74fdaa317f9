package dev.gatun.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.SafetensorsWriter;
import dev.gatun.models.testing.GeneratedWeights;
import dev.gatun.models.testing.Goldens;
import dev.gatun.tensor.Tensor;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code train}: what it prints, what its result is good for, and misuse. */
class TrainCommandTest {
    @TempDir
    Path folder;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    private int run(String... args) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        return Gatun.run(new PrintWriter(out), new PrintWriter(err), args);
    }

    @Test
    void digitsAreTrainedAndRead() {
        String output = folder.resolve("digits").toString();
        assertEquals(0, run("train", "--task", "images", "--output", output, "--side", "8", "--channels", "3,4", "--hidden", "8",
                "--epochs", "2", "--threads", "1"), err.toString());
        assertTrue(err.toString().matches("(?s)epoch 1 of 2: loss \\d\\.\\d{4}, held out \\d\\.\\d{4}, right \\d+\\.\\d\\d%\\Repoch 2.*"),
                err.toString());
        assertTrue(out.toString().startsWith(output + ": loss "), out.toString());
        assertEquals(0, run("classify", "--model", output, "../core/src/samples/digits"), err.toString());
        assertEquals(20, out.toString().lines().count());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void textsAreTrainedAndRead(boolean thaw) throws IOException {
        Path csv = Files.writeString(folder.resolve("texts.csv"), "body,kind\nwhat a good day,fine\na fine and happy end,fine\n"
                + "it was bad and sad,poor\nnever again,poor\n");
        String output = folder.resolve("texts").toString();
        List<String> args = new ArrayList<>(List.of("train", "--task", "text", csv.toString(), "--text-column", "body", "--label-column",
                "kind", "--model", Goldens.path("heads/bert-classify").toString(), "--output", output, "--epochs", "60", "--rate", "0.03",
                "--validation", "0", "--threads", "1"));
        if (thaw) {
            args.add("--thaw");
        }
        assertEquals(0, run(args.toArray(String[]::new)), err.toString());
        assertEquals(60, err.toString().lines().count());
        for (String text : List.of("what a good day", "never again")) {
            assertEquals(0, run("classify-text", "--model", output, text), err.toString());
            assertTrue(out.toString().startsWith(text.equals("never again") ? "poor 0.9" : "fine 0.9"), out.toString());
        }
    }

    /** Pictures of one colour each; {@code oracle/train/head.py} of the core. */
    @Test
    void aResNetsHeadIsTrainedAsByPyTorchAndOnce() throws IOException {
        JsonNode expected = new ObjectMapper().readTree(Goldens.path("train/head.json").toFile());
        Path model = resNet();
        Path pictures = folder.resolve("pictures");
        Map.of("blue", List.of(0x1018c8, 0x283cdc), "green", List.of(0x14b41e, 0x3cdc5a), "red", List.of(0xd2140a, 0xb43c32))
                .forEach((label, colours) -> colours.forEach(colour -> picture(pictures.resolve(label), colour)));
        String output = folder.resolve("head").toString();
        List<String> args = new ArrayList<>(List.of("train", "--task", "images", pictures.toString(), "--model", model.toString(),
                "--output", output, "--rate", "0.01", "--decay", "0.1", "--batch", "6", "--validation", "0", "--seed", "1", "--epochs",
                "3", "--resume"));
        assertEquals(0, run(args.toArray(String[]::new)), err.toString());
        for (int step = 0; step < 3; step++) {
            assertTrue(err.toString().contains(String.format(Locale.ROOT, "epoch %d of 3: loss %.4f", step + 1,
                    expected.get("losses").get(step).asDouble())), err.toString());
        }
        Path trained = folder.resolve("head/model.safetensors");
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile file = SafetensorsFile.open(trained, arena);
            for (int k = 0; k < 3; k++) {
                assertEquals(expected.get("bias").get(k).asDouble(), file.floats("fc.bias").getFloat(k), 1e-4, "bias " + k);
                for (int i = 0; i < 20; i++) {
                    assertEquals(expected.get("weight").get(20 * k + i).asDouble(), file.floats("fc.weight").getFloat(512L * k + i), 1e-4,
                            "weight " + k + " at " + i);
                }
            }
        }
        assertEquals(0, run("classify", "--model", output, pictures.resolve("red").toString()), err.toString());
        assertEquals(2, out.toString().lines().filter(line -> line.contains("red")).count(), out.toString());
        byte[] first = Files.readAllBytes(trained);
        assertEquals(0, run(args.toArray(String[]::new)), err.toString());
        assertEquals("", err.toString());
        assertTrue(out.toString().startsWith(output + ": was finished after 3 epochs"), out.toString());
        args.set(args.indexOf("3"), "4");
        assertEquals(1, run(args.toArray(String[]::new)));
        assertTrue(err.toString().contains("model.safetensors: is of a training with epochs 3, expected 4: without being resumed"),
                err.toString());
        assertArrayEquals(first, Files.readAllBytes(trained));
    }

    private Path resNet() throws IOException {
        Path model = Files.createDirectories(folder.resolve("resnet"));
        try (Arena arena = Arena.ofConfined()) {
            GeneratedWeights weights = GeneratedWeights.resNet(arena, "", false, 2, 2, 2, 2);
            Map<String, Tensor> tensors = new HashMap<>();
            weights.names().forEach(name -> tensors.put(name, weights.floats(name)));
            SafetensorsWriter.write(model.resolve("model.safetensors"), tensors, Map.of());
        }
        Files.writeString(model.resolve("config.json"), "{\"architecture\": \"resnet18\", \"input_size\": 32}");
        return model;
    }

    private static void picture(Path folder, int colour) {
        BufferedImage image = new BufferedImage(37, 41, BufferedImage.TYPE_INT_RGB);
        for (int p = 0; p < 37 * 41; p++) {
            image.setRGB(p % 37, p / 37, colour);
        }
        try {
            ImageIO.write(image, "png", Files.createDirectories(folder).resolve(colour + ".png").toFile());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void misuseIsToldFromFailure() throws Exception {
        String output = folder.resolve("model").toString();
        assertEquals(2, run("train", "--task", "images", "--output", output, "--epochs", "0"));
        assertEquals(2, run("train", "--task", "images", "--output", output, "--channels", "3"));
        assertEquals(2, run("train", "--output", output));
        assertEquals(2, run("train", "--task", "text", "--output", output));
        assertEquals(1, run("train", "--task", "images", folder.toString(), "--output", output));
        assertTrue(err.toString().contains("expected two or more: one for each class"), err.toString());
        Files.createFile(folder.resolve("file"));
        assertEquals(1, run("train", "--task", "images", "--output", folder.resolve("file").toString()));
    }
}
