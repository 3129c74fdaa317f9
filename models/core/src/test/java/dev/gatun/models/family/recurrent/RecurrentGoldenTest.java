package dev.gatun.models.family.recurrent;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.runtime.Program;
import dev.gatun.models.runtime.Session;
import dev.gatun.models.testing.Allocation;
import dev.gatun.models.testing.Goldens;
import dev.gatun.tensor.Cell;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.RecurrentShape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.exec.BoundPlan;
import dev.gatun.tensor.graph.Dim;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Recurrent;
import dev.gatun.tensor.graph.Recurrent.Direction;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.RecurrentOp.States;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Recurrent layers against PyTorch and ONNX Runtime ({@code oracle/recurrent/layers.py}), and streams against whole sequences. */
class RecurrentGoldenTest {
    private static final int[] LENGTHS = {5, 1, 8, 3};
    private static final int ROWS = 17;
    private static final int INPUT = 6;
    private static final Dim STREAMS = Dim.free("streams");

    /** The script's formula. */
    private static float[] values(String name, float bound, long count) {
        float[] values = new float[Math.toIntExact(count)];
        for (int i = 0; i < count; i++) {
            int x = i * (int) 2654435761L + name.hashCode();
            x = (x ^ (x >>> 15)) * (int) 2246822519L;
            x ^= x >>> 13;
            values[i] = ((x >>> 8) / (float) (1 << 23) - 1) * bound;
        }
        return values;
    }

    private static Weight weight(Arena arena, String name, int hidden, long... dims) {
        long count = 1;
        for (long dim : dims) {
            count *= dim;
        }
        return new Weight(name, Tensor.ofFloats(arena, values(name, (float) (1 / Math.sqrt(hidden)), count), dims));
    }

    private static Cell cell(String kind) {
        return switch (kind) {
            case "tanh" -> Cell.TANH;
            case "relu" -> Cell.RELU;
            case "gru" -> Cell.GRU;
            case "cho" -> Cell.GRU_RESET_FIRST;
            default -> Cell.LSTM;
        };
    }

    /** The stack of a case of the script's, as "lstm 64 2 both". */
    private static RecurrentStack stack(Arena arena, String name) {
        String[] words = name.split(" ");
        int hidden = Integer.parseInt(words[1]);
        int directions = words[3].equals("both") ? 2 : 1;
        int projected = words[0].equals("lstmp") && hidden > 1 ? hidden / 2 : 0;
        RecurrentShape shape = new RecurrentShape(cell(words[0]), INPUT, hidden, projected, directions);
        List<Recurrent> layers = new ArrayList<>();
        for (int i = 0; i < Integer.parseInt(words[2]); i++) {
            List<Direction> all = new ArrayList<>();
            for (int d = 0; d < directions; d++) {
                String end = "_l" + i + (d == 1 ? "_reverse" : "");
                long gates = shape.cell().gates() * hidden;
                all.add(new Direction(weight(arena, name + " weight_ih" + end, hidden, gates, i == 0 ? INPUT : directions * shape.width()),
                        weight(arena, name + " weight_hh" + end, hidden, gates, shape.width()),
                        weight(arena, name + " bias_ih" + end, hidden, gates), weight(arena, name + " bias_hh" + end, hidden, gates),
                        projected == 0 ? null : weight(arena, name + " weight_hr" + end, hidden, projected, hidden), d == 1));
            }
            layers.add(new Recurrent(shape.cell(), all, States.NONE));
        }
        return new RecurrentStack(layers);
    }

    private static int[] sequences(int... lengths) {
        int[] sequences = new int[lengths.length + 2];
        sequences[0] = lengths.length;
        for (int i = 0; i < lengths.length; i++) {
            sequences[i + 2] = sequences[i + 1] + lengths[i];
        }
        return sequences;
    }

    private static void assertNear(String what, float[] expected, Tensor actual, int columns, int step) {
        float[] found = actual.toFloats();
        int kept = (columns + step - 1) / step;
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], found[i / kept * columns + i % kept * step], 1e-5f, what + " at " + i);
        }
        assertEquals(found.length / columns * kept, expected.length, what);
    }

    @Test
    void layersGiveWhatPyTorchGives() {
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile golden = Goldens.open(arena, "recurrent/layers.safetensors");
            TreeSet<String> cases = new TreeSet<>();
            golden.names().stream().filter(n -> !n.startsWith("onnx")).forEach(n -> cases.add(n.split("/")[0]));
            assertEquals(40, cases.size());
            for (String name : cases) {
                check(golden, name);
            }
        }
    }

    private static void check(SafetensorsFile golden, String name) {
        try (Arena arena = Arena.ofShared()) {
            RecurrentStack stack = stack(arena, name);
            RecurrentShape shape = stack.layers().getFirst().shape();
            int layers = stack.layers().size();
            boolean lstm = shape.cell() == Cell.LSTM;
            GraphBuilder g = new GraphBuilder(name);
            Map<String, Tensor> inputs = new LinkedHashMap<>();
            Port x = g.input("x", Spec.of(DataType.F32, "rows", INPUT));
            inputs.put("x", Tensor.ofFloats(arena, values(name + " x", 1, ROWS * INPUT), ROWS, INPUT));
            Port sequences = g.input("sequences", Spec.of(DataType.S32, "sequences"));
            inputs.put("sequences", Tensor.ofInts(arena, sequences(LENGTHS), LENGTHS.length + 2));
            List<Port> h = states(arena, g, inputs, name, "h", layers, shape.directions(), shape.width());
            List<Port> c = lstm ? states(arena, g, inputs, name, "c", layers, shape.directions(), shape.hidden()) : null;
            RecurrentStack.Results results = stack.add(g, "rnn", x, sequences, h, c);
            g.output("out", results.out());
            for (int i = 0; i < layers; i++) {
                g.output("h" + i, results.h().get(i));
                if (lstm) {
                    g.output("c" + i, results.c().get(i));
                }
            }
            int step = shape.hidden() < 64 ? 1 : shape.hidden() < 513 ? 7 : 31;
            try (Program program = Program.load(g.build()); Session session = program.newSession(shape.hidden() < 64 ? 1 : 2)) {
                Map<String, Tensor> found = session.run(inputs);
                assertNear(name + " out", Goldens.floats(golden, name + "/out"), found.get("out"),
                        (int) (shape.directions() * shape.width()), step);
                assertStates(golden, name + "/h", found, "h", layers, shape.directions(), (int) shape.width(), step);
                if (lstm) {
                    assertStates(golden, name + "/c", found, "c", layers, shape.directions(), (int) shape.hidden(), step);
                }
            }
        }
    }

    private static List<Port> states(Arena arena, GraphBuilder g, Map<String, Tensor> inputs, String name, String kind, int layers,
            int directions,
            long width) {
        int each = Math.toIntExact(directions * LENGTHS.length * width);
        float[] all = values(name + " " + kind, 1, (long) layers * each);
        List<Port> ports = new ArrayList<>();
        for (int i = 0; i < layers; i++) {
            ports.add(g.input(kind + "0" + i, Spec.of(DataType.F32, directions, STREAMS, width)));
            inputs.put(kind + "0" + i, Tensor.ofFloats(arena, java.util.Arrays.copyOfRange(all, i * each, (i + 1) * each), directions,
                    LENGTHS.length, width));
        }
        return ports;
    }

    private static void assertStates(SafetensorsFile golden, String name, Map<String, Tensor> found, String kind, int layers,
            int directions,
            int width, int step) {
        float[] all = Goldens.floats(golden, name);
        int each = all.length / layers;
        for (int i = 0; i < layers; i++) {
            assertNear(name, java.util.Arrays.copyOfRange(all, i * each, (i + 1) * each), found.get(kind + i), width, step);
        }
    }

    @Test
    void onnxGatesAndTheGruThatResetsFirstGiveWhatOnnxRuntimeGives() {
        try (Arena arena = Arena.ofShared()) {
            SafetensorsFile golden = Goldens.open(arena, "recurrent/layers.safetensors");
            for (int hidden : new int[] {7, 20}) {
                checkOnnx(arena, golden, "onnx GRU " + hidden + " bidirectional", Cell.GRU_RESET_FIRST, hidden, List.of(1, 0, 2));
                checkOnnx(arena, golden, "onnx GRU " + hidden + " reverse", Cell.GRU, hidden, List.of(1, 0, 2));
                checkOnnx(arena, golden, "onnx LSTM " + hidden + " bidirectional", Cell.LSTM, hidden, List.of(0, 2, 3, 1));
            }
        }
    }

    private static void checkOnnx(Arena arena, SafetensorsFile golden, String name, Cell cell, int hidden, List<Integer> order) {
        int directions = name.endsWith("bidirectional") ? 2 : 1;
        int gates = cell.gates() * hidden;
        List<Direction> all = new ArrayList<>();
        for (int d = 0; d < directions; d++) {
            all.add(new Direction(part(arena, name + " W", hidden, d, gates, INPUT), part(arena, name + " R", hidden, d, gates, hidden),
                    part(arena, name + " B", hidden, 2 * d, gates), part(arena, name + " B", hidden, 2 * d + 1, gates), null,
                    d == 1 || directions == 1));
        }
        GraphBuilder g = new GraphBuilder(name);
        Port x = g.input("x", Spec.of(DataType.F32, "rows", INPUT));
        Port sequences = g.input("sequences", Spec.of(DataType.S32, "sequences"));
        List<Port> results = g.addAll("layer", new Recurrent(cell, all, order, States.NONE), x, sequences);
        g.output("out", results.get(0));
        g.output("h", results.get(1));
        try (Program program = Program.load(g.build()); Session session = program.newSession(1)) {
            Map<String, Tensor> found = session.run(Map.of("x", Tensor.ofFloats(arena, values(name + " x", 1, ROWS * INPUT), ROWS, INPUT),
                    "sequences", Tensor.ofInts(arena, sequences(LENGTHS), LENGTHS.length + 2)));
            assertNear(name, Goldens.floats(golden, name + "/out"), found.get("out"), directions * hidden, 1);
            assertNear(name, Goldens.floats(golden, name + "/h"), found.get("h"), hidden, 1);
        }
    }

    private static Weight part(Arena arena, String name, int hidden, int index, long... dims) {
        int count = Math.toIntExact(dims.length == 1 ? dims[0] : dims[0] * dims[1]);
        float[] all = values(name, (float) (1 / Math.sqrt(hidden)), (long) count * (index + 1));
        return new Weight(name + index, Tensor.ofFloats(arena, java.util.Arrays.copyOfRange(all, index * count, all.length), dims));
    }

    /** A graph whose states are kept, of two layers. */
    private static Program streaming(Arena arena, String name) {
        GraphBuilder g = new GraphBuilder("stream");
        Port x = g.input("x", Spec.of(DataType.F32, RecurrentSession.ROWS, INPUT));
        Port sequences = g.input(RecurrentSession.SEQUENCES, Spec.of(DataType.S32, RecurrentSession.SEQUENCE_DIM));
        g.output("out", stack(arena, name).addKept(g, "rnn", x, sequences, STREAMS));
        return Program.load(g.build());
    }

    private static float[] feed(RecurrentSession session, float[] x, int from, int rows, int... lengths) {
        BoundPlan plan = session.chunk(lengths);
        for (int i = 0; i < rows * INPUT; i++) {
            plan.input("x").setFloat(i, x[from * INPUT + i]);
        }
        session.execute();
        return java.util.Arrays.copyOf(plan.output("out").toFloats(), (int) (rows * plan.output("out").shape().dim(1)));
    }

    @Test
    void stepsAndChunksGiveWhatTheWholeSequenceGivesAndStatesAreSavedRestoredAndCopied() {
        for (String name : List.of("lstm 7 2 forward", "gru 33 2 forward", "lstmp 20 2 forward", "tanh 5 2 forward", "relu 9 2 forward",
                "cho 17 2 forward")) {
            try (Arena arena = Arena.ofShared(); Program program = streaming(arena, name)) {
                float[] x = values(name + " x", 1, 12 * INPUT);
                try (RecurrentSession whole = new RecurrentSession(program, "stream", 1, 1);
                        RecurrentSession parts = new RecurrentSession(program, "stream", 2, 2)) {
                    float[] expected = feed(whole, x, 0, 12, 12);
                    int width = expected.length / 12;
                    // The second stream gets the first's steps in other pieces.
                    assertRows(expected, 0, width, feed(parts, x, 0, 3, 3, 0));
                    var saved = arena.allocate(parts.stateByteSize(), 64);
                    parts.save(saved);
                    assertRows(expected, 3, width, feed(parts, x, 3, 1, 1, 0));
                    parts.copy(0, 1);
                    assertRows(expected, 4, width, feed(parts, x, 4, 8, 0, 8));
                    assertRows(expected, 4, width, feed(parts, x, 4, 1, 1, 0));
                    parts.restore(saved);
                    assertRows(expected, 3, width, feed(parts, x, 3, 9, 9, 0));
                    parts.reset(0);
                    assertRows(expected, 0, width, feed(parts, x, 0, 2, 2, 0));
                    assertThrows(IllegalArgumentException.class, () -> parts.restore(arena.allocate(saved.byteSize() - 4)));
                    assertThrows(IllegalArgumentException.class, () -> parts.copy(0, 2));
                    assertThrows(IllegalArgumentException.class, () -> parts.chunk(1));
                    assertThrows(IllegalArgumentException.class, () -> parts.chunk(-1, 2));
                }
            }
        }
    }

    private static void assertRows(float[] expected, int from, int width, float[] found) {
        assertTrue(found.length > 0);
        for (int i = 0; i < found.length; i++) {
            assertEquals(expected[from * width + i], found[i], 2e-6f, "row " + (from + i / width));
        }
    }

    @Test
    void aStepAllocatesNothing() {
        for (String kind : List.of("lstm", "lstmp", "gru", "cho", "relu", "tanh")) {
            requireNothingFromTheHeap(kind + " 16 2 forward");
        }
    }

    private static void requireNothingFromTheHeap(String name) {
        try (Arena arena = Arena.ofShared(); Program program = streaming(arena, name);
                RecurrentSession session = new RecurrentSession(program, "stream", 1, 1)) {
            int[] one = {1};
            long least = Long.MAX_VALUE;
            for (int round = 0; round < 40 && least > 0; round++) {
                long before = Allocation.bytes();
                for (int i = 0; i < 1000; i++) {
                    session.chunk(one);
                    session.execute();
                }
                least = Math.min(least, Allocation.bytes() - before);
            }
            assertEquals(0, least);
        }
    }

    @Test
    void badStatesAndOffsetsAreRefused() {
        try (Arena arena = Arena.ofShared()) {
            GraphBuilder g = new GraphBuilder("bad");
            Port x = g.input("x", Spec.of(DataType.F32, "rows", INPUT));
            Port sequences = g.input("sequences", Spec.of(DataType.S32, "sequences"));
            Recurrent layer = stack(arena, "gru 7 1 forward").layers().getFirst();
            Port wrong = g.input("h", Spec.of(DataType.F32, 1, STREAMS, 8));
            ShapeException refused = assertThrows(ShapeException.class, () ->
                    g.addAll("layer", layer.with(States.GIVEN), x, sequences, wrong));
            assertTrue(refused.getMessage().contains("F32 [1, 16, 7]"), refused.getMessage());
            assertThrows(IllegalArgumentException.class, () -> g.addAll("layer", layer.with(States.GIVEN), x, sequences));
            Port few = g.input("few", Spec.of(DataType.F32, 1, 1, 7));
            g.output("given", g.addAll("given", layer.with(States.GIVEN), x, sequences, few).getFirst());
            g.output("out", g.addAll("layer", layer, x, sequences).getFirst());
            try (Program program = Program.load(g.build()); Session session = program.newSession(1)) {
                Tensor rows = Tensor.allocate(arena, dev.gatun.tensor.TensorDesc.of(DataType.F32, 3, INPUT));
                Tensor one = Tensor.allocate(arena, dev.gatun.tensor.TensorDesc.of(DataType.F32, 1, 1, 7));
                Tensor h = Tensor.allocate(arena, dev.gatun.tensor.TensorDesc.of(DataType.F32, 1, 2, 8));
                for (int[] bad : new int[][] {{2, 0, 2, 4}, {3, 0, 1, 2}, {2, 0, 2, 1}, {2, 1, 2, 3}, {-1, 0, 0, 0}, {2, 0, 1, 2}}) {
                    assertThrows(IllegalArgumentException.class,
                            () -> session.run(Map.of("x", rows, "h", h, "few", one, "sequences", Tensor.ofInts(arena, bad, 4))));
                }
                float[] out = session.run(Map.of("x", rows, "h", h, "few", one, "sequences",
                        Tensor.ofInts(arena, new int[] {1, 0, 2, 0}, 4))).get("out").toFloats();
                assertArrayEquals(new float[7], java.util.Arrays.copyOfRange(out, 14, 21));
            }
        }
    }
}
