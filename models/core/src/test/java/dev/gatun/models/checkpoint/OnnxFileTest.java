package dev.gatun.models.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.CodedOutputStream;
import dev.gatun.models.testing.Goldens;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OnnxFileTest {
    @TempDir
    Path folder;

    private static String refused(Path file) {
        try (Arena arena = Arena.ofConfined()) {
            String message = assertThrows(WeightException.class, () -> OnnxTensors.open(file, arena)).getMessage();
            assertTrue(message.startsWith(file.toString()), message);
            return message;
        }
    }

    private interface Fields {
        void write(CodedOutputStream out) throws IOException;
    }

    private static byte[] message(Fields fields) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        fields.write(out);
        out.flush();
        return bytes.toByteArray();
    }

    private Path model(byte[] tensor) throws IOException {
        byte[] node = message(out -> out.writeString(4, "Relu"));
        byte[] graph = message(out -> {
            out.writeByteArray(1, node);
            out.writeByteArray(5, tensor);
        });
        return Files.write(folder.resolve("model.onnx"), message(out -> out.writeByteArray(7, graph)));
    }

    @Test
    void everyPrefixIsRefused() throws IOException {
        byte[] whole = Files.readAllBytes(Goldens.path("bert/tiny-onnx/model.onnx"));
        Path file = folder.resolve("prefix.onnx");
        int graphEnd = whole.length - 64;
        for (int length = 0; length < graphEnd; length += length < 2048 || length > graphEnd - 512 ? 1 : 251) {
            Files.write(file, Arrays.copyOf(whole, length));
            refused(file);
        }
    }

    @Test
    void damagedBytesGiveTheWeightExceptionOrAFile() throws IOException {
        byte[] whole = Files.readAllBytes(Goldens.path("bert/tiny-onnx/model.onnx"));
        Random random = new Random(11);
        Path file = folder.resolve("damaged.onnx");
        for (int round = 0; round < 400; round++) {
            byte[] damaged = whole.clone();
            for (int i = 0; i < 20; i++) {
                damaged[random.nextInt(round % 2 == 0 ? damaged.length : 3000)] = (byte) random.nextInt();
            }
            Files.write(file, damaged);
            try (Arena arena = Arena.ofConfined()) {
                OnnxTensors.open(file, arena);
            } catch (WeightException e) {
                assertTrue(e.getMessage().startsWith(file.toString()), e.getMessage());
            }
        }
    }

    @Test
    void garbageMissingFilesAndFoldersAreRefused() throws IOException {
        refused(Files.write(folder.resolve("text.onnx"), "this is not protobuf".getBytes(StandardCharsets.US_ASCII)));
        byte[] noise = new byte[5000];
        for (int seed = 0; seed < 50; seed++) {
            new Random(seed).nextBytes(noise);
            refused(Files.write(folder.resolve("noise.onnx"), noise));
        }
        assertTrue(refused(folder.resolve("none.onnx")).contains("does not exist"));
        assertTrue(refused(folder).contains("folder"));
    }

    @Test
    void tensorsThatLieAreRefused() throws IOException {
        assertTrue(refused(model(message(out -> {
            out.writeInt64(1, 3);
            out.writeInt32(2, 1);
            out.writeString(8, "w");
            out.writeByteArray(9, new byte[8]);
        }))).contains("takes 12"));
        refused(model(message(out -> {
            out.writeInt64(1, -3);
            out.writeInt32(2, 1);
            out.writeByteArray(9, new byte[8]);
        })));
        refused(model(message(out -> {
            out.writeInt64(1, Long.MAX_VALUE / 2);
            out.writeInt32(2, 1);
            out.writeByteArray(9, new byte[8]);
        })));
        Path external = model(message(out -> {
            out.writeInt64(1, 2);
            out.writeInt32(2, 1);
            out.writeString(8, "w");
            out.writeInt32(14, 1);
        }));
        try (Arena arena = Arena.ofConfined()) {
            OnnxTensors tensors = OnnxTensors.open(external, arena);
            assertTrue(assertThrows(WeightException.class, () -> tensors.floats("w")).getMessage().contains("another file"));
        }
    }

    @Test
    void floatsWithoutRawDataAreRead() throws IOException {
        Path file = model(message(out -> {
            out.writeInt64(1, 2);
            out.writeInt32(2, 1);
            out.writeFloat(4, 1.5f);
            out.writeFloat(4, -2f);
            out.writeString(8, "w");
        }));
        try (Arena arena = Arena.ofConfined()) {
            assertEquals(-2f, OnnxTensors.open(file, arena).floats("w").getFloat(1));
        }
    }

    @Test
    void packedFloatsAreReadWhereTheyAreAndPartsAreRefused() throws IOException {
        byte[] two = java.nio.ByteBuffer.allocate(8).order(java.nio.ByteOrder.LITTLE_ENDIAN).putFloat(1.5f).putFloat(-2f).array();
        Path file = model(message(out -> {
            out.writeInt64(1, 2);
            out.writeInt32(2, 1);
            out.writeByteArray(4, two);
            out.writeString(8, "w");
        }));
        try (Arena arena = Arena.ofConfined()) {
            assertEquals(-2f, OnnxTensors.open(file, arena).floats("w").getFloat(1));
        }
        assertTrue(refused(model(message(out -> {
            out.writeInt64(1, 2);
            out.writeInt32(2, 1);
            out.writeString(8, "w");
            out.writeByteArray(4, two);
            out.writeFloat(4, 3f);
        }))).contains("several parts"));
        assertTrue(refused(model(message(out -> {
            out.writeInt32(2, 1);
            out.writeString(8, "w");
            for (int i = 0; i < 33; i++) {
                out.writeInt64(1, 1);
            }
        }))).contains("more than 32 dimensions"));
    }

    @Test
    void deepNestingIsRefused() throws IOException {
        byte[] groups = new byte[1 << 20];
        // Field 15, the start of a group, again and again.
        Arrays.fill(groups, (byte) 0x7b);
        refused(Files.write(folder.resolve("groups.onnx"), groups));
        refused(Files.write(folder.resolve("graph.onnx"), message(out -> out.writeByteArray(7, groups))));
    }
}
