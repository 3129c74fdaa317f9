package dev.gatun.models.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.testing.Goldens;
import dev.gatun.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsFileTest {
    private final Arena arena = Arena.ofConfined();

    @TempDir
    Path folder;

    @AfterEach
    void close() {
        arena.close();
    }

    private Path file(String header, int dataBytes) throws IOException {
        byte[] text = header.getBytes(StandardCharsets.UTF_8);
        return file(text.length, text, new byte[dataBytes]);
    }

    private Path file(long claimed, byte[] header, byte[] data) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(8 + header.length + data.length).order(ByteOrder.LITTLE_ENDIAN);
        buffer.putLong(claimed).put(header).put(data);
        return Files.write(folder.resolve("model.safetensors"), buffer.array());
    }

    private String refused(Path file) {
        String message = assertThrows(WeightException.class, () -> SafetensorsFile.open(file, arena)).getMessage();
        assertTrue(message.startsWith(file.toString()), message);
        return message;
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,16]}} | 8 | not inside",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}} | 8 | not inside",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}} | 8 | not inside",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}} | 8 | takes 12",
        "{\"w\":{\"dtype\":\"F33\",\"shape\":[2],\"data_offsets\":[0,8]}} | 8 | unknown dtype 'F33'",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}} | 8 | list of sizes",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,8]}} | 8 | list of sizes",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,8]}} | 8 | too many elements",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904],\"data_offsets\":[0,8]}} | 8 | too large",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,99999999999999999999]}} | 8 | data_offsets",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}} | 8 | data_offsets",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[2]}} | 8 | data_offsets",
        "{\"w\":7} | 8 | data_offsets",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}} | 12 | end at 8",
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}} | 12 | belong to nothing",
        "[1,2] | 0 | not a JSON object",
        "{\"w\": | 0 | not valid JSON",
        "{} trailing | 0 | not valid JSON",
    })
    void lyingHeadersAreRefused(String header, int dataBytes, String expected) throws IOException {
        String message = refused(file(header, dataBytes));
        assertTrue(message.contains(expected), message);
    }

    @Test
    void overlapsAndDuplicatesAreRefused() throws IOException {
        String a = "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}";
        String b = "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}";
        assertTrue(refused(file("{" + a + "," + b + "}", 12)).contains("overlap"));
        assertTrue(refused(file("{" + a + "," + a + "}", 8)).contains("not valid JSON"));
    }

    @Test
    void lyingLengthsAreRefused() throws IOException {
        byte[] header = "{}".getBytes(StandardCharsets.US_ASCII);
        for (long claimed : new long[] {-1, 0, 3, 100_000_001, Long.MAX_VALUE, Long.MIN_VALUE}) {
            assertTrue(refused(file(claimed, header, new byte[0])).contains("claims"));
        }
    }

    @Test
    void deeplyNestedHeadersAreRefused() throws IOException {
        assertTrue(refused(file("{\"w\":" + "[".repeat(100_000), 0)).contains("not valid JSON"));
    }

    @Test
    void whatIsNoTextIsRefused() throws IOException {
        byte[] header = "{\"w\u00e9\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}".getBytes(StandardCharsets.ISO_8859_1);
        assertTrue(refused(file(header.length, header, new byte[0])).contains("the header is not valid UTF-8"));
        byte[] wide = "{}".getBytes(StandardCharsets.UTF_16LE);
        assertTrue(refused(file(wide.length, wide, new byte[0])).contains("not valid JSON"));
        String many = "1,".repeat(40) + "1";
        assertTrue(refused(file("{\"w\":{\"dtype\":\"U8\",\"shape\":[" + many + "],\"data_offsets\":[0,1]}}",
                1)).contains("41 dimensions"));
        String name = "n".repeat(100_000);
        assertTrue(refused(file("{\"" + name + "\":{\"dtype\":\"U7\",\"shape\":[],\"data_offsets\":[0,1]}}", 1)).length() < 400);
    }

    @Test
    void everyPrefixIsRefused() throws IOException {
        byte[] whole = Files.readAllBytes(Goldens.path("bert/tiny/model.safetensors"));
        Path file = folder.resolve("prefix.safetensors");
        for (int length = 0; length < whole.length; length += length < 4096 ? 7 : 997) {
            Files.write(file, Arrays.copyOf(whole, length));
            refused(file);
        }
    }

    @Test
    void missingFilesFoldersAndRightsAreNamed() throws IOException {
        assertTrue(refused(folder.resolve("none.safetensors")).contains("does not exist"));
        assertTrue(refused(folder).contains("folder"));
        Path secret = Files.write(folder.resolve("secret.safetensors"), new byte[16]);
        Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("---------"));
        Assumptions.assumeFalse(Files.isReadable(secret), "root may read everything");
        assertTrue(refused(secret).contains("may not be read"));
    }

    @Test
    void halfPrecisionAndUnalignedTensorsAreConverted() throws IOException {
        String header = "{\"b\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[0,2]},"
                + "\"f\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]},"
                + "\"h\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[6,8]},"
                + "\"d\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[8,16]},"
                + "\"i\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[16,24]},"
                + "\"__metadata__\":{\"format\":\"pt\"}}";
        ByteBuffer data = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN);
        data.putShort((short) (Float.floatToIntBits(1.5f) >> 16)).putFloat(-2.25f).putShort(Float.floatToFloat16(0.5f))
                .putDouble(3.75).putLong(9);
        byte[] text = header.getBytes(StandardCharsets.UTF_8);
        SafetensorsFile file = SafetensorsFile.open(file(text.length, text, data.array()), arena);
        assertEquals(1.5f, file.floats("b").getFloat(0));
        assertEquals(-2.25f, file.floats("f").getFloat(0));
        assertEquals(0.5f, file.floats("h").getFloat(0));
        assertEquals(3.75f, file.floats("d").getFloat(0));
        assertEquals("pt", file.metadata().get("format"));
        String message = assertThrows(WeightException.class, () -> file.floats("i")).getMessage();
        assertTrue(message.contains("tensor i") && message.contains("I64"), message);
    }

    @Test
    void whatIsWrittenIsReadBack() throws IOException {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        tensors.put("b", Tensor.ofInts(arena, new int[] {1, -2, 3}, 3));
        tensors.put("a", Tensor.ofFloats(arena, new float[] {1, 2, 3, 4, 5, 6}, 2, 3));
        tensors.put("empty", Tensor.ofFloats(arena, new float[0], 0, 3));
        Path file = folder.resolve("written.safetensors");
        SafetensorsWriter.write(file, tensors, Map.of("made by", "a test"));
        SafetensorsWriter.write(file, tensors, Map.of("made by", "a test"));
        SafetensorsFile read = SafetensorsFile.open(file, arena);
        assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6}, read.floats("a").toFloats());
        assertEquals("I32", read.entry("b").type());
        assertEquals(0, read.entry("empty").bytes().byteSize());
        assertEquals("a test", read.metadata().get("made by"));
        try (var left = Files.list(folder)) {
            assertEquals(List.of(file), left.toList());
        }
        Path plain = Files.writeString(folder.resolve("plain"), "as the umask says");
        assertEquals(Files.getPosixFilePermissions(plain), Files.getPosixFilePermissions(file));
        assertThrows(IOException.class, () -> SafetensorsWriter.write(folder.resolve("no/where"), tensors, Map.of()));
    }
}
