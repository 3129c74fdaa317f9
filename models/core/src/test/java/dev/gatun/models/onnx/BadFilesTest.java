package dev.gatun.models.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.FutureTask;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Damaged and hostile files: an exception that names the file, never anything else. */
class BadFilesTest {
    private static final OnnxOptions SMALL = OnnxOptions.defaults().withThreads(1).withMemoryLimit(1 << 26);

    @TempDir
    Path folder;

    private String message(byte[]... parts) {
        Path file = OnnxFiles.write(folder, OnnxFiles.model(parts));
        OnnxException e = assertTimeoutPreemptively(Duration.ofSeconds(20), () -> assertThrows(OnnxException.class, () -> {
            try (Arena arena = Arena.ofConfined(); OnnxModel model = OnnxModel.load(file, SMALL);
                    OnnxSession session = model.newSession()) {
                session.run(Map.of("x", OnnxTensor.ofFloats(arena, new float[6], 2, 3)));
            }
        }));
        assertTrue(e.getMessage().startsWith(file.toString()), e.getMessage());
        return e.getMessage();
    }

    private static void requireIn(String message, String... parts) {
        for (String part : parts) {
            assertTrue(message.contains(part), message);
        }
    }

    @Test
    void nodesAndFileAreNamed() {
        requireIn(message(OnnxFiles.node("Abs", "x", "z"), OnnxFiles.node("Neg", "x", "z")), "the_z (Neg)", "taken");
        requireIn(message(OnnxFiles.node("Abs", "y", "z"), OnnxFiles.node("Neg", "z", "y")), "cycle");
        requireIn(message(OnnxFiles.node("Abs", "nothing", "z")), "the_z (Abs)", "nothing");
        requireIn(message(OnnxFiles.node("Softmax", "x", "z", OnnxFiles.attribute("axis", 7))), "the_z (Softmax)", "axis 7",
                "2 dimensions");
        requireIn(message(OnnxFiles.node("Concat", "x", "z", OnnxFiles.attribute("axis", -9))), "the_z (Concat)", "axis -9");
    }

    @Test
    void initializersThatLie() {
        byte[] use = OnnxFiles.node("Identity", "w", "z");
        requireIn(message(use, OnnxFiles.initializer("w", 1, new byte[4], 5)), "tensor w", "takes 20 bytes", "has 4");
        requireIn(message(use, OnnxFiles.initializer("w", 1, new byte[4], 1L << 40, 1L << 40)), "tensor w");
        requireIn(message(use, OnnxFiles.initializer("w", 1, new byte[4], -1)), "tensor w", "negative");
        requireIn(message(use, OnnxFiles.initializer("w", 99, new byte[4], 1)), "tensor w", "type 99");
        byte[] w = OnnxFiles.initializer("w", 1, new byte[4], 1);
        requireIn(message(use, w, w), "initializer w", "taken");
    }

    @Test
    void foldedConstantsThatCannotBeComputed() {
        byte[] zero = OnnxFiles.initializer("zero", 7, new byte[8], 1);
        byte[] divide = OnnxFiles.field(1, OnnxFiles.field(1, "zero"), OnnxFiles.field(1, "zero"), OnnxFiles.field(2, "z"),
                OnnxFiles.field(3, "the_z"),
                OnnxFiles.field(4, "Div"));
        requireIn(message(zero, divide), "the_z (Div)", "/ by zero");
        byte[] huge = OnnxFiles.initializer("shape", 7, new byte[] {0, 0, 0, 0, 0, 1, 0, 0}, 1);
        requireIn(message(huge, OnnxFiles.node("ConstantOfShape", "shape", "z")), "the_z (ConstantOfShape)", "limit");
    }

    @Test
    void functionsThatCallThemselvesAndExternalDataElsewhere() {
        byte[] call = OnnxFiles.field(1, OnnxFiles.field(1, "x"), OnnxFiles.field(2, "z"), OnnxFiles.field(4, "Again"),
                OnnxFiles.field(7, "mine"));
        byte[] body = OnnxFiles.field(7, OnnxFiles.field(1, "a"), OnnxFiles.field(2, "b"), OnnxFiles.field(4, "Again"),
                OnnxFiles.field(7, "mine"));
        byte[] function = OnnxFiles.field(25, OnnxFiles.field(1, "Again"), OnnxFiles.field(4, "a"), OnnxFiles.field(5, "b"), body,
                OnnxFiles.field(10, "mine"));
        Path file = OnnxFiles.write(folder, OnnxFiles.join(OnnxFiles.model(call), function));
        requireIn(assertThrows(OnnxException.class, () -> OnnxModel.load(file)).getMessage(), "calls itself", "Again");
        for (String location : new String[] {"../secret", "/etc/hostname", "missing.bin"}) {
            byte[] entry = OnnxFiles.field(13, OnnxFiles.field(1, "location"), OnnxFiles.field(2, location));
            byte[] outside = OnnxFiles.field(5, OnnxFiles.field(1, 1), OnnxFiles.field(2, 1), OnnxFiles.field(8, "w"), entry,
                    OnnxFiles.field(14, 1));
            requireIn(message(OnnxFiles.node("Identity", "w", "z"), outside), "tensor w", "external data");
        }
    }

    /** z = x, abs(x), abs(abs(x)), ...: so many turns, or endlessly many. */
    private OnnxModel loop(int turns, OnnxOptions options) {
        byte[] body = OnnxFiles.join(OnnxFiles.node("Identity", "go", "on"), OnnxFiles.node("Abs", "state", "next"),
                OnnxFiles.info(11, "turn"), OnnxFiles.info(11, "go"), OnnxFiles.info(11, "state", 2, 3),
                OnnxFiles.info(12, "on"), OnnxFiles.info(12, "next", 2, 3));
        byte[] loop = OnnxFiles.field(1, OnnxFiles.field(1, turns > 0 ? "turns" : ""), OnnxFiles.field(1, "yes"), OnnxFiles.field(1, "x"),
                OnnxFiles.field(2, "z"), OnnxFiles.field(4, "Loop"),
                OnnxFiles.field(5, OnnxFiles.field(1, "body"), OnnxFiles.field(6, body), OnnxFiles.field(20, 5)));
        byte[] count = {(byte) turns, (byte) (turns >> 8), 0, 0, 0, 0, 0, 0};
        return OnnxModel.load(OnnxFiles.write(folder, OnnxFiles.model(loop, OnnxFiles.initializer("turns", 7, count),
                OnnxFiles.initializer("yes", 9, new byte[] {1}))), options);
    }

    @Test
    void longLoopsTakeTheMemoryOfOneTurn() {
        try (Arena arena = Arena.ofConfined(); OnnxModel model = loop(20_000, SMALL.withMemoryLimit(1 << 14));
                OnnxSession session = model.newSession()) {
            OnnxTensor z = (OnnxTensor) session.run(Map.of("x", OnnxTensor.ofFloats(arena, new float[] {-1, 2, -3, 4, -5, 6}, 2, 3)))
                    .get("z");
            assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6}, z.toFloats());
        }
    }

    @Test
    void endlessLoopsEndWhenTheyAreClosedOrInterrupted() {
        for (boolean closed : new boolean[] {true, false}) {
            assertTimeoutPreemptively(Duration.ofSeconds(20), () -> {
                try (Arena arena = Arena.ofShared(); OnnxModel model = loop(0, SMALL); OnnxSession session = model.newSession()) {
                    OnnxTensor x = OnnxTensor.ofFloats(arena, new float[6], 2, 3);
                    FutureTask<OnnxException> run = new FutureTask<>(() -> assertThrows(OnnxException.class,
                            () -> session.run(Map.of("x", x))));
                    Thread thread = new Thread(run);
                    thread.start();
                    while (session.nativeByteSize() == 0) {
                        Thread.onSpinWait();
                    }
                    if (closed) {
                        session.close();
                    } else {
                        thread.interrupt();
                    }
                    requireIn(run.get().getMessage(), "Loop", closed ? "closed" : "interrupted");
                }
            });
        }
    }

    /** Each function calls the next one twice. */
    @Test
    void functionsThatDoubleFortyTimes() {
        byte[] functions = new byte[0];
        for (int i = 0; i < 40; i++) {
            byte[] first = call("F" + (i + 1), "a", "t");
            byte[] second = call("F" + (i + 1), "t", "b");
            functions = OnnxFiles.join(functions, OnnxFiles.field(25, OnnxFiles.field(1, "F" + i), OnnxFiles.field(4, "a"),
                    OnnxFiles.field(5, "b"), OnnxFiles.field(7, first), OnnxFiles.field(7, second), OnnxFiles.field(10, "mine")));
        }
        byte[] last = OnnxFiles.field(25, OnnxFiles.field(1, "F40"), OnnxFiles.field(4, "a"), OnnxFiles.field(5, "b"),
                OnnxFiles.field(7, OnnxFiles.node("Relu", "a", "b")), OnnxFiles.field(10, "mine"));
        Path file = OnnxFiles.write(folder, OnnxFiles.join(OnnxFiles.model(OnnxFiles.field(1, call("F0", "x", "z"))), functions, last));
        requireIn(assertThrows(OnnxException.class, () -> OnnxModel.load(file)).getMessage(), "calls of functions", "mine.F");
    }

    private static byte[] call(String function, String input, String output) {
        return OnnxFiles.join(OnnxFiles.field(1, input), OnnxFiles.field(2, output), OnnxFiles.field(4, function),
                OnnxFiles.field(7, "mine"));
    }

    @Test
    void aHundredThousandNodesRun() throws IOException {
        List<byte[]> nodes = new ArrayList<>();
        for (int i = 0; i < 100_000; i++) {
            nodes.add(OnnxFiles.node("Neg", i == 0 ? "x" : "v" + i, i == 99_999 ? "z" : "v" + (i + 1)));
        }
        Path file = OnnxFiles.write(folder, OnnxFiles.model(nodes.toArray(byte[][]::new)));
        try (Arena arena = Arena.ofConfined(); OnnxModel model = OnnxModel.load(file); OnnxSession session = model.newSession()) {
            OnnxTensor z = (OnnxTensor) session.run(Map.of("x", OnnxTensor.ofFloats(arena, new float[] {1, 2, 3, 4, 5, 6}, 2, 3))).get("z");
            assertTrue(Arrays.equals(new float[] {1, 2, 3, 4, 5, 6}, z.toFloats()));
            assertTrue(session.nativeByteSize() < 1 << 20, session.nativeByteSize() + " bytes");
        }
    }

    private static byte[] some(String name) throws IOException {
        try (ZipInputStream zip = new ZipInputStream(BadFilesTest.class.getResourceAsStream("/onnx/node-tests.zip"))) {
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
                if (entry.getName().equals(name)) {
                    return zip.readAllBytes();
                }
            }
        }
        throw new IOException(name);
    }

    /** Each file cut at many places, and with bytes changed at random. */
    @Test
    void mutatedFiles() throws IOException {
        Random random = new Random(1);
        for (String name : new String[] {"test_if", "test_loop11", "test_constant", "test_scan9_sum"}) {
            byte[] good = some(name + "/model.onnx");
            for (int i = 0; i < 60; i++) {
                byte[] bad = i < 20 ? Arrays.copyOf(good, random.nextInt(good.length)) : good.clone();
                for (int k = 0; i >= 20 && k < 1 + i % 4; k++) {
                    bad[random.nextInt(bad.length)] = (byte) random.nextInt(256);
                }
                Path file = Files.write(folder.resolve("model.onnx"), bad);
                assertTimeoutPreemptively(Duration.ofSeconds(20), () -> load(file));
            }
        }
    }

    private static void load(Path file) {
        try (Arena arena = Arena.ofConfined(); OnnxModel model = OnnxModel.load(file, SMALL); OnnxSession session = model.newSession()) {
            Map<String, OnnxValue> inputs = new java.util.LinkedHashMap<>();
            for (OnnxInfo info : model.inputs().values()) {
                long[] dims = info.dims() == null ? new long[0]
                        : info.dims().stream().mapToLong(d -> d instanceof Long n && n > 0 && n < 100 ? n : 1).toArray();
                if (info.type() != null && info.type() != OnnxType.STRING) {
                    inputs.put(info.name(), OnnxTensor.allocate(arena, info.type(), dims));
                }
            }
            session.run(inputs);
        } catch (OnnxException e) {
            assertTrue(e.getMessage().startsWith(file.toString()), e.getMessage());
        } catch (IllegalArgumentException e) {
            assertTrue(e.getMessage().startsWith(file.toString()) && e.getMessage().contains("input"), e.toString());
        }
    }
}
