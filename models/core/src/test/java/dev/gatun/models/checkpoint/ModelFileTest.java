package dev.gatun.models.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.testing.Goldens;
import dev.gatun.tensor.Tensor;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Files that change while they are read, and things that are no files. */
class ModelFileTest {
    private static final int COUNT = 70_001;

    private final Arena arena = Arena.ofShared();

    @TempDir
    Path folder;

    @AfterEach
    void close() {
        arena.close();
    }

    private Path model(String name, float first) throws IOException {
        float[] values = new float[COUNT];
        for (int i = 0; i < COUNT; i++) {
            values[i] = first + i;
        }
        Path file = folder.resolve(name);
        SafetensorsWriter.write(file, Map.of("large", Tensor.ofFloats(arena, values, COUNT), "small",
                Tensor.ofFloats(arena, new float[] {first, 2, 3}, 3)), Map.of());
        return file;
    }

    private static String refused(org.junit.jupiter.api.function.Executable read) {
        return assertThrows(WeightException.class, read).getMessage();
    }

    @Test
    void aFileThatIsShortenedWhileItLoadsIsAnException() throws IOException {
        Path file = model("model.safetensors", 0);
        SafetensorsFile source = SafetensorsFile.open(file, arena);
        assertEquals(3, source.floats("small").shape().elementCount());
        try (RandomAccessFile writer = new RandomAccessFile(file.toFile(), "rw")) {
            writer.setLength(4096);
        }
        String message = refused(() -> source.floats("large"));
        assertTrue(message.startsWith(file + ": was changed while it was read"), message);
        // What was read before is not read again.
        assertEquals(2, source.floats("small").getFloat(1));
    }

    @Test
    void aFileThatIsReplacedOrWrittenToIsAnException() throws IOException {
        Path file = model("model.safetensors", 0);
        SafetensorsFile source = SafetensorsFile.open(file, arena);
        Files.move(model("other.safetensors", 7), file, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        assertTrue(refused(() -> source.floats("large")).contains("was changed"));
        SafetensorsFile touched = SafetensorsFile.open(file, arena);
        Files.setLastModifiedTime(file, FileTime.fromMillis(1_000_000));
        assertTrue(refused(() -> touched.floats("large")).contains("was changed"));
        SafetensorsFile deleted = SafetensorsFile.open(file, arena);
        Files.delete(file);
        assertTrue(refused(() -> deleted.floats("large")).contains("does not exist"));
    }

    @Test
    void onnxIsReadPartByPartToo() throws IOException {
        Path file = Files.copy(Goldens.path("bert/tiny-onnx/model.onnx"), folder.resolve("model.onnx"));
        OnnxTensors source = OnnxTensors.open(file, arena);
        String name = source.names().stream().filter(n -> source.entry(n).shape().elementCount() > 100).findFirst().orElseThrow();
        try (RandomAccessFile writer = new RandomAccessFile(file.toFile(), "rw")) {
            writer.setLength(1000);
        }
        assertTrue(refused(() -> source.entry(name).bytes()).contains("was changed"));
    }

    @Test
    void threadsReadTheSame() throws Exception {
        SafetensorsFile source = SafetensorsFile.open(model("model.safetensors", 1), arena);
        List<Callable<float[]>> tasks = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            tasks.add(() -> source.floats("large").toFloats());
        }
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            for (var result : threads.invokeAll(tasks)) {
                float[] values = result.get();
                assertEquals(COUNT, values.length);
                assertEquals(1 + 65_537, values[65_537]);
            }
        }
        assertEquals(0, source.entry("large").bytes().address() % 64);
    }

    @Test
    void anInterruptedThreadIsToldSo() throws IOException {
        SafetensorsFile source = SafetensorsFile.open(model("model.safetensors", 0), arena);
        Thread.currentThread().interrupt();
        try {
            assertTrue(refused(() -> source.floats("large")).contains("interrupted"));
        } finally {
            assertTrue(Thread.interrupted());
        }
        assertEquals(5, source.floats("large").getFloat(5));
    }

    @Test
    void linksToFilesAreFollowedAndDanglingOnesNamed() throws IOException {
        Path file = model("blob", 3);
        Path link = Files.createSymbolicLink(folder.resolve("model.safetensors"), file.getFileName());
        assertEquals(3, SafetensorsFile.open(link, arena).floats("small").getFloat(0));
        Files.delete(file);
        String message = refused(() -> SafetensorsFile.open(link, arena));
        assertTrue(message.contains("is a link to blob, which does not exist"), message);
        Path loop = Files.createSymbolicLink(folder.resolve("loop.safetensors"), Path.of("loop.safetensors"));
        assertTrue(refused(() -> SafetensorsFile.open(loop, arena)).startsWith(loop.toString()));
    }

    @Test
    void pointersOfGitLfsSaySo() throws IOException {
        byte[] pointer = ("version https://git-lfs.github.com/spec/v1\noid sha256:" + "0".repeat(64) + "\nsize 438000173\n")
                .getBytes(StandardCharsets.US_ASCII);
        for (String name : new String[] {"model.safetensors", "model.onnx", "model.safetensors.index.json", "config.json", "labels.txt"}) {
            Path other = Files.createDirectories(folder.resolve(name + "-folder"));
            Path file = Files.write(other.resolve(name), pointer);
            String message = refused(() -> {
                Checkpoint checkpoint = Checkpoint.open(other);
                checkpoint.labels();
                checkpoint.tensors();
            });
            assertTrue(message.startsWith(file + ": is a Git LFS pointer") && message.contains("git lfs pull"), message);
        }
    }

    @Test
    @Timeout(60) // opening a pipe would wait for ever
    void pipesAreNotOpened() throws Exception {
        for (String name : new String[] {"model.safetensors", "model.onnx", "config.json", "modules.json", "labels.txt",
                "tokenizer.json"}) {
            Path other = Files.createDirectories(folder.resolve(name + "-folder"));
            Path pipe = other.resolve(name);
            Assumptions.assumeTrue(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor() == 0);
            String message = refused(() -> {
                Checkpoint checkpoint = Checkpoint.open(other);
                checkpoint.labels();
                checkpoint.tensors();
            });
            if (name.equals("tokenizer.json")) {
                assertEquals(List.of(), Checkpoint.open(other).tokenizerFiles());
            } else {
                assertTrue(message.startsWith(pipe + ": is a pipe or a device"), message);
            }
        }
    }

    @Test
    void emptyPartsAreParts() throws IOException {
        Path file = Files.write(folder.resolve("empty"), new byte[0]);
        assertEquals(0, ModelFile.open(file).read(0, 0, arena).byteSize());
        assertArrayEquals(new byte[0], ModelFile.open(file).bytes(0, 0));
        assertThrows(IndexOutOfBoundsException.class, () -> ModelFile.open(file).read(0, 1, arena));
    }
}
