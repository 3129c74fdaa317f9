package dev.gatun.models.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.checkpoint.SafetensorsWriter;
import dev.gatun.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A checkpoint that does not fit on the disk: here a process whose files may have 200 KB. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "a process's files are limited by ulimit, which Windows lacks")
class FullDiskTest {
    @TempDir
    Path folder;

    @Test
    void theLastGoodCheckpointStays() throws IOException, InterruptedException {
        Path checkpoint = folder.resolve("checkpoint.safetensors");
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsWriter.write(checkpoint, Map.of("w", Tensor.ofFloats(arena, new float[] {1, 2, 3}, 3)), Map.of("step", "7"));
        }
        byte[] good = Files.readAllBytes(checkpoint);
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        Process process = new ProcessBuilder("bash", "-c", "ulimit -f 200; exec \"$@\"", "bash", java, "-XX:-UsePerfData",
                "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"), Saving.class.getName(),
                checkpoint.toString()).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(3, process.waitFor(), said);
        assertTrue(said.contains(checkpoint + ": cannot be written: ") && said.contains("what was there before is as it was"), said);
        assertArrayEquals(good, Files.readAllBytes(checkpoint));
        try (Stream<Path> left = Files.list(folder)) {
            assertEquals(List.of(checkpoint), left.toList());
        }
    }

    /** Writes a megabyte. */
    static final class Saving {
        private Saving() {
        }

        public static void main(String[] args) {
            try (Arena arena = Arena.ofConfined()) {
                Tensor large = Tensor.ofFloats(arena, new float[1 << 18], 1 << 18);
                TrainerFile.save(Path.of(args[0]), List.of(new Parameter("w", large, large, new java.lang.foreign.MemorySegment[0], true)),
                        List.of(), 8, Map.of());
            } catch (IOException e) {
                System.out.println(e.getMessage());
                System.exit(3);
            }
        }
    }
}
