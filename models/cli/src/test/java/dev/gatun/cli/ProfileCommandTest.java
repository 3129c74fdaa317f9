package dev.gatun.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.task.embed.EmbeddingModel;
import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Profiles, and the flight recordings that they are made of. */
class ProfileCommandTest {
    @TempDir
    Path folder;

    private static String gatun(int code, String... args) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        assertEquals(code, Gatun.run(new PrintWriter(out, true), new PrintWriter(err, true), args), err.toString());
        return code == 0 ? out.toString() : err.toString();
    }

    @Test
    void everyOperationOfAForwardHasItsRow() throws IOException {
        Path svg = folder.resolve("profile.svg");
        String model = Goldens.path("bert/tiny").toString();
        String table = gatun(0, "profile", model, "--seq-len", "20", "--seconds", "0.2", "--threads", "1", "--svg", svg.toString());
        assertTrue(table.startsWith("encoder f32, batch 1 x 20 tokens, 1 threads"), table);
        assertTrue(table.contains("GFLOP/s of multiply-adds") && table.contains(" forwards, "), table);
        for (String part : List.of("F32 [20, ", "gatun_embed", "gatun_attention", "by kernel")) {
            assertTrue(table.contains(part), part + " in " + table);
        }
        double shares = table.lines().dropWhile(line -> !line.equals("by kernel")).skip(1).mapToDouble(line ->
                Double.parseDouble(line.substring(0, line.indexOf('%')).strip())).sum();
        assertEquals(100, shares, 0.5);
        String picture = Files.readString(svg);
        assertTrue(picture.startsWith("<svg ") && picture.endsWith("</svg>\n") && picture.contains("F32 [20, "), picture);
        assertTrue(gatun(1, "profile", model, "--seq-len", "9", "--seconds", "0.1", "--svg", folder.toString()).contains("is a folder"));
        assertTrue(gatun(2, "profile", model, "--seq-len", "81").contains("the model's positions end at 80"));
    }

    @Test
    void aRecordingOfAServiceIsReadAndOneWithoutOperationsIsRefused() throws IOException {
        Path file = folder.resolve("service.jfr");
        int tokens;
        try (EmbeddingModel model = EmbeddingModel.load(Goldens.path("bert/tiny")); Recording recording = new Recording()) {
            recording.enable("dev.gatun.Operation");
            recording.start();
            tokens = model.submit("a b c").join().tokens();
            model.embed("a b").close();
            recording.stop();
            recording.dump(file);
        }
        List<RecordedEvent> events = RecordingFile.readAllEvents(file);
        RecordedEvent batch = events.stream().filter(e -> e.getEventType().getName().equals("dev.gatun.Batch"))
                .min(Comparator.comparing(RecordedEvent::getStartTime)).orElseThrow();
        assertEquals("the embedding model", batch.getString("model"));
        assertEquals(1, batch.getInt("requests"));
        assertEquals(tokens, batch.getInt("tokens"));
        assertTrue(batch.getLong("longestWait") > 0);
        assertEquals(2, events.stream().filter(e -> e.getEventType().getName().equals("dev.gatun.Forward")).count());
        assertTrue(gatun(0, "profile", file.toString()).contains("by kernel"));
        Path empty = folder.resolve("empty.jfr");
        try (Recording recording = new Recording()) {
            recording.start();
            recording.stop();
            recording.dump(empty);
        }
        assertTrue(gatun(1, "profile", empty.toString()).contains("dev.gatun.Operation#enabled=true"));
    }
}
