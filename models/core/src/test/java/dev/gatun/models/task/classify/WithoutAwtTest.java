package dev.gatun.models.task.classify;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.image.Picture;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** AWT is loaded when a file of a picture is decoded, not before. */
class WithoutAwtTest {

    @Test
    void aNetworkRunsWithoutIt() throws IOException, InterruptedException {
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED", "-Xlog:class+load=info", "-cp", System.getProperty("java.class.path"),
                Running.class.getName()).redirectErrorStream(true).start();
        List<String> lines = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        assertEquals(0, process.waitFor(), String.join("\n", lines.subList(Math.max(0, lines.size() - 20), lines.size())));
        assertTrue(lines.stream().anyMatch(line -> line.contains(" dev.gatun.models.image.ImagePreprocessor ")));
        assertEquals(List.of(), lines.stream().filter(line -> line.contains(" java.awt.") || line.contains(" javax.imageio.")).toList());
    }

    /** Classifies a picture that is in memory. */
    static final class Running {
        private Running() {
        }

        public static void main(String[] args) {
            try (ImageClassifier classifier = ImageClassifier.digits(ClassifierOptions.defaults().withThreads(1));
                    Arena arena = Arena.ofShared()) {
                MemorySegment input = arena.allocate(classifier.preprocessor().elementCount() * Float.BYTES, 64);
                MemorySegment logits = arena.allocate(classifier.labels().size() * (long) Float.BYTES, 64);
                classifier.preprocessor().write(new Picture(28, 28, 1, new byte[28 * 28]), input);
                classifier.forward(input, 1, logits, MemorySegment.NULL);
            }
        }
    }
}
