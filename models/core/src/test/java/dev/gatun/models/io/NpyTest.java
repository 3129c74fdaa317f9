package dev.gatun.models.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.tensor.Shape;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NpyTest {
    private final Arena arena = Arena.ofConfined();

    @TempDir
    Path folder;

    @AfterEach
    void close() {
        arena.close();
    }

    private Path npy(int version, String header, int dataBytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', (byte) version, 0});
        byte[] text = header.getBytes(StandardCharsets.UTF_8);
        out.write(text.length & 0xff);
        out.write(text.length >> 8);
        if (version > 1) {
            out.write(new byte[2]);
        }
        out.write(text);
        out.write(new byte[dataBytes]);
        return Files.write(folder.resolve("x.npy"), out.toByteArray());
    }

    private String refused(Path file) {
        String message = assertThrows(IOException.class, () -> NpyFile.open(file, arena)).getMessage();
        assertTrue(message.startsWith(file.toString()), message);
        return message;
    }

    @Test
    void aFileThatIsShortenedAfterwardsTakesNothingAway() throws IOException {
        Path file = npy(1, "{'descr': '<i4', 'fortran_order': False, 'shape': (5000, 2), }", 40_000);
        NpyFile npy = NpyFile.open(file, arena);
        Files.write(file, new byte[0]);
        assertArrayEquals(new int[10_000], npy.data().toArray(ValueLayout.JAVA_INT));
    }

    @Test
    void rowsThatAreStreamedAreReadBack() throws IOException {
        Path file = folder.resolve("rows.npy");
        MemorySegment rows = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1, 2, 3, 4, 5, 6);
        try (NpyWriter writer = NpyWriter.create(file, 3)) {
            writer.write(rows, 2);
            writer.write(rows, 1);
            assertFalse(Files.exists(file), "a file under its name before it is whole");
            writer.finish();
        }
        NpyFile read = NpyFile.open(file, arena);
        assertEquals(NpyFile.Type.FLOAT32, read.type());
        assertEquals(Shape.of(3, 3), read.shape());
        assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6, 1, 2, 3}, read.data().toArray(ValueLayout.JAVA_FLOAT_UNALIGNED));
    }

    @Test
    void whatIsNotFinishedLeavesNothing() throws IOException {
        try (NpyWriter writer = NpyWriter.create(folder.resolve("rows.npy"), 3)) {
            writer.write(arena.allocate(12), 1);
        }
        try (var left = Files.list(folder)) {
            assertEquals(0, left.count());
        }
        assertThrows(IOException.class, () -> NpyWriter.create(folder.resolve("no/where.npy"), 3));
        assertThrows(IOException.class, () -> NpyWriter.create(folder, 3));
    }

    @Test
    void integersAndOtherVersionsAreRead() throws IOException {
        NpyFile two = NpyFile.open(npy(2, "{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }\n", 16), arena);
        assertEquals(NpyFile.Type.INT64, two.type());
        assertEquals(Shape.of(2), two.shape());
        assertEquals(Shape.of(), NpyFile.open(npy(1, "{\"shape\": (), \"descr\": \"<i4\", \"fortran_order\": False}", 4), arena)
                .shape());
        assertEquals(0, NpyFile.open(npy(3, "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 5)}", 0), arena)
                .data().byteSize());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "1 | {'descr': '<f4', 'fortran_order': True, 'shape': (2, 1)} | fortran_order",
        "1 | {'descr': '>f4', 'fortran_order': False, 'shape': (2, 1)} | >f4",
        "1 | {'descr': '<c8', 'fortran_order': False, 'shape': (1, 1)} | <c8",
        "1 | {'descr': '<f4', 'fortran_order': False, 'shape': (3, 1)} | takes 12",
        "1 | {'descr': '<f4', 'fortran_order': False, 'shape': (-2, 1)} | shape",
        "1 | {'descr': '<f4', 'fortran_order': False, 'shape': (2 1)} | shape",
        "1 | {'descr': '<f4', 'fortran_order': False, 'shape': (,,2)} | shape",
        "1 | {'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)} | shape",
        "1 | {'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,)} | too large",
        "1 | {'descr': '<f4', 'shape': (2,)} | fortran_order",
        "1 | 'descr': '<f4' | descr",
        "9 | {'descr': '<f4', 'fortran_order': False, 'shape': (2,)} | version 9",
    })
    void lyingHeadersAreRefused(int version, String header, String expected) throws IOException {
        String message = refused(npy(version, header, 8));
        assertTrue(message.contains(expected), message);
    }

    @Test
    void everyPrefixIsRefused() throws IOException {
        byte[] whole = Files.readAllBytes(npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 8));
        Path file = folder.resolve("prefix.npy");
        for (int length = 0; length < whole.length; length++) {
            refused(Files.write(file, Arrays.copyOf(whole, length)));
        }
        assertTrue(refused(folder.resolve("none.npy")).contains("does not exist"));
        assertTrue(refused(folder).contains("folder"));
    }
}
