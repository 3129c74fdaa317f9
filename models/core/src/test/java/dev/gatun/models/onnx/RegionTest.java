package dev.gatun.models.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of files once sizes are known: kernels, and memory. Numbers are checked by {@link NodeTestsTest}. */
class RegionTest {
    @TempDir
    Path folder;

    private OnnxModel export(String name) throws IOException {
        return export("exports.zip", name);
    }

    private OnnxModel export(String archive, String name) throws IOException {
        try (InputStream in = RegionTest.class.getResourceAsStream("/onnx/" + archive); ZipInputStream zip = new ZipInputStream(in)) {
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                if (entry.getName().equals(name + "/model.onnx")) {
                    return OnnxModel.load(Files.write(folder.resolve(name + ".onnx"), zip.readAllBytes()));
                }
            }
        }
        throw new IOException("no " + name);
    }

    private static Map<String, OnnxTensor> texts(Arena arena, int batch, int length) {
        long[] ids = new long[batch * length];
        long[] ones = new long[ids.length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = 3 + i % 20;
            ones[i] = 1;
        }
        return Map.of("input_ids", OnnxTensor.ofLongs(arena, ids, batch, length), "attention_mask",
                OnnxTensor.ofLongs(arena, ones, batch, length), "token_type_ids", OnnxTensor.ofLongs(arena, new long[ids.length], batch,
                        length));
    }

    @Test
    void anExportedEncoderHasTheKernelsOfOneDescribedByHand() throws IOException {
        try (Arena arena = Arena.ofConfined(); OnnxModel model = export("bert"); OnnxSession session = model.newSession(1, 0)) {
            assertEquals(List.of(), session.describe());
            session.run(texts(arena, 2, 9));
            List<String> lines = session.describe();
            assertEquals(1, lines.stream().filter(l -> l.startsWith("attention")).count(), lines.toString());
            assertEquals(1, lines.stream().filter(l -> l.startsWith("linear") && l.contains("+2")).count(), "one product of Q, K, V");
            assertTrue(lines.stream().noneMatch(l -> l.contains("softmax") || l.contains("move") || l.contains("MatMul")
                    || l.contains("Transpose") || l.contains("(Shape)")), lines.toString());
        }
    }

    @Test
    void zerosAroundPicturesAreTheWindowsOwnPadding() throws IOException {
        try (Arena arena = Arena.ofConfined(); OnnxModel model = export("padded"); OnnxSession session = model.newSession(1, 0)) {
            session.run(Map.of("x", OnnxTensor.allocate(arena, OnnxType.FLOAT, 1, 3, 8, 9)));
            List<String> lines = session.describe();
            assertEquals(1, lines.stream().filter(l -> l.contains("(Pad)")).count(), "what cuts: " + lines);
            assertEquals(6, lines.stream().filter(l -> l.startsWith("pad")).count(), "three, of two dimensions each: " + lines);
            assertTrue(lines.stream().noneMatch(l -> l.contains("(AveragePool)")), lines.toString());
        }
    }

    @Test
    void theFirstRunAndLaterOnesGiveTheSame() throws IOException {
        try (Arena arena = Arena.ofConfined(); OnnxModel model = export("bert"); OnnxSession session = model.newSession(1)) {
            float[] first = ((OnnxTensor) session.run(texts(arena, 2, 16)).get("y")).toFloats();
            session.run(texts(arena, 1, 40));
            assertArrayEquals(first, ((OnnxTensor) session.run(texts(arena, 2, 16)).get("y")).toFloats());
        }
    }

    @Test
    void memoryIsFlatOverThreeHundredSizes() throws IOException {
        try (Arena arena = Arena.ofConfined(); OnnxModel model = export("conv_bn"); OnnxSession session = model.newSession(1, 0)) {
            long[] after = new long[4];
            long weights = 0;
            for (int i = 0; i < 300; i++) {
                long h = 8 + i % 100 * 7 % 41;
                long w = 8 + i % 100;
                session.run(Map.of("x", OnnxTensor.allocate(arena, OnnxType.FLOAT, 1, 3, h, w)));
                after[i / 100] = Math.max(after[i / 100], session.nativeByteSize());
                weights = i == 99 ? model.nativeByteSize() : weights;
            }
            assertTrue(after[2] <= after[0], after[0] + " bytes at first, then " + after[2]);
            assertEquals(weights, model.nativeByteSize(), "of the model");
        }
    }

    /** Nothing between the first rounding to bytes and the last product is floats, nor run node by node. */
    @Test
    void quantizedNetworksStayBytes() throws IOException {
        for (String name : List.of("res-qdq-u8s8-pc", "mob-qop-u8u8-pt")) {
            try (Arena arena = Arena.ofConfined(); OnnxModel model = export("quantized.zip", name);
                    OnnxSession session = model.newSession(1, 0)) {
                session.run(Map.of("x", OnnxTensor.allocate(arena, OnnxType.FLOAT, 2, 3, name.startsWith("res") ? 27 : 33,
                        name.startsWith("res") ? 33 : 29)));
                List<String> lines = session.describe();
                assertTrue(lines.stream().filter(l -> l.contains("byte_conv")).count() > 5, lines.toString());
                assertTrue(lines.stream().noneMatch(l -> l.startsWith("conv") || l.startsWith("node")), lines.toString());
            }
        }
    }
}
