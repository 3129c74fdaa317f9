package dev.gatun.models.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.testing.Allocation;
import dev.gatun.models.testing.Goldens;
import dev.gatun.models.train.Loss.Reduction;
import dev.gatun.tensor.Cell;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.Attention;
import dev.gatun.tensor.graph.Distances;
import dev.gatun.tensor.graph.Embedding;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.LayerNorm;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Recurrent;
import dev.gatun.tensor.graph.Sizes;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.AttentionOp;
import dev.gatun.tensor.op.BinaryOp;
import dev.gatun.tensor.op.EltwiseOp;
import dev.gatun.tensor.op.RecurrentOp.States;
import dev.gatun.tensor.op.SequencePoolOp;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** Layers over sequences, and networks of them, against PyTorch's gradients and updates ({@code oracle/train/training.py}). */
class SequenceRulesTest {
    private static final int[] SEQUENCES = {3, 0, 3, 4, 8};
    private static final int ROWS = 8;

    private static Weight weight(Arena arena, String model, String name, float bound, long... dims) {
        long count = 1;
        for (long dim : dims) {
            count *= dim;
        }
        float[] values = TrainerTest.values(model + " " + name, bound, count);
        if (bound == 0.4f && name.contains("norm") && name.contains("weight")) {
            for (int i = 0; i < count; i++) {
                values[i] += 1;
            }
        }
        return new Weight(name, Tensor.ofFloats(arena, values, dims));
    }

    static Linear linear(Arena arena, String model, String name, float bound, long in, long out) {
        return new Linear(weight(arena, model, name + ".weight", bound, out, in), weight(arena, model, name + ".bias", bound, out));
    }

    private static LayerNorm norm(Arena arena, String model, String name, float bound, long size) {
        return new LayerNorm(weight(arena, model, name + ".weight", bound, size), weight(arena, model, name + ".bias", bound, size), 1e-5f);
    }

    static Recurrent recurrent(Arena arena, String model, Cell cell, int layer, float bound, long in, long hidden, boolean both) {
        return recurrent(arena, model, "rnn.", cell, layer, bound, in, hidden, 0, both);
    }

    private static Recurrent recurrent(Arena arena, String model, String name, Cell cell, int layer, float bound, long in, long hidden,
            long projected, boolean both) {
        List<Recurrent.Direction> directions = new ArrayList<>();
        for (int d = 0; d < (both ? 2 : 1); d++) {
            String end = "_l" + layer + (d == 1 ? "_reverse" : "");
            long gates = cell.gates() * hidden;
            directions.add(new Recurrent.Direction(weight(arena, model, name + "weight_ih" + end, bound, gates, in),
                    weight(arena, model, name + "weight_hh" + end, bound, gates, projected == 0 ? hidden : projected),
                    weight(arena, model, name + "bias_ih" + end, bound, gates), weight(arena, model, name + "bias_hh" + end, bound, gates),
                    projected == 0 ? null : weight(arena, model, name + "weight_hr" + end, bound, projected, hidden), d == 1));
        }
        return new Recurrent(cell, directions, States.NONE);
    }

    private static AttentionOp attention(boolean causal) {
        return new AttentionOp(AttentionOp.Source.PACKED, 2, 2, 3, causal, AttentionOp.MaskKind.NONE, false);
    }

    /** Adds a case's layers to a graph. */
    interface Case {
        Port add(GraphBuilder graph, Port x, Port sequences);
    }

    @Test
    void gradientsThroughSequencesArePyTorchs() {
        try (Arena arena = Arena.ofShared()) {
            Map<String, Case> cases = new LinkedHashMap<>();
            for (String name : List.of("attention", "causal")) {
                Linear qkv = linear(arena, name, "qkv", 0.5f, 6, 18);
                cases.put(name, (g, x, s) -> g.add("attend", attention(name.equals("causal")), g.add("qkv", qkv, x), s));
            }
            for (String name : List.of("lstm 0", "lstm 1", "lstm 2", "gru 0", "gru 1", "gru_reset_first 0",
                "gru_reset_first 1", "tanh 0", "tanh 1", "relu 0", "relu 1")) {
                Cell cell = Cell.valueOf(name.substring(0, name.length() - 2).toUpperCase(java.util.Locale.ROOT));
                cases.put(name, (g, x, s) -> g.addAll("rnn", recurrent(arena, name, cell, 0, 0.5f, 5, 3, cell != Cell.RELU), x, s)
                        .get(name.charAt(name.length() - 1) - '0'));
            }
            for (int i = 0; i < 3; i++) {
                int result = i;
                Recurrent rnn = recurrent(arena, "projected " + i, "rnn.", Cell.LSTM, 0, 0.5f, 5, 3, 2, true);
                cases.put("projected " + i, (g, x, s) -> g.addAll("rnn", rnn, x, s).get(result));
            }
            // States that one layer ends with are what another begins with.
            for (Cell cell : List.of(Cell.LSTM, Cell.GRU)) {
                String name = "chained " + cell.name().toLowerCase(java.util.Locale.ROOT);
                int projected = cell == Cell.LSTM ? 2 : 0;
                Recurrent first = recurrent(arena, name, "first.", cell, 0, 0.5f, 5, 3, projected, true);
                Recurrent second = recurrent(arena, name, "second.", cell, 0, 0.5f, 2 * first.shape().width(), 3, projected, true)
                        .with(States.GIVEN);
                cases.put(name, (g, x, s) -> {
                    List<Port> all = new ArrayList<>(g.addAll("first", first, x, s));
                    all.add(1, s);
                    return g.addAll("second", second, all.toArray(Port[]::new)).getFirst();
                });
            }
            for (SequencePoolOp.Kind kind : SequencePoolOp.Kind.values()) {
                cases.put("pool " + kind.name().toLowerCase(java.util.Locale.ROOT), (g, x, s) -> g.add("pool", new SequencePoolOp(kind,
                        false, 3), x, s));
            }
            cases.put("pool unit", (g, x, s) -> g.add("pool", new SequencePoolOp(SequencePoolOp.Kind.MEAN, true, 3), x, s));
            SafetensorsFile golden = Goldens.open(arena, "train/layers.safetensors");
            cases.forEach((name, each) -> check(arena, golden, name, name.equals("attention") || name.equals("causal") ? 6 : 5, each));
        }
    }

    @Test
    void whatDistancesAddIsLearntAsPyTorchDoes() {
        try (Arena arena = Arena.ofShared()) {
            SafetensorsFile golden = Goldens.open(arena, "train/layers.safetensors");
            for (String name : List.of("capped", "distant", "distant together", "buckets")) {
                AttentionOp.Scores scores = AttentionOp.Scores.of(3);
                AttentionOp op = attention(false).withScores(new AttentionOp.Scores(scores.scale(), name.equals("capped") ? 0.5f
                        : name.endsWith("together") ? 1.5f : 0, 0));
                Weight table = name.equals("capped") ? null : name.equals("buckets")
                        ? Distances.ofBuckets(arena, weight(arena, name, "table", 0.5f, 8, 2), true, 6)
                        : weight(arena, name, "table", 0.5f, name.equals("distant") ? 2 : 1, 5);
                check(arena, golden, name, 6, (g, x, s) -> g.add("attend", new Attention(op, table), g.add("qkv", linear(arena, name, "qkv",
                        0.5f, 6, 18), x), s));
            }
        }
    }

    @Test
    void sumsAndProductsOfTwoShapesArePyTorchs() {
        try (Arena arena = Arena.ofShared()) {
            SafetensorsFile golden = Goldens.open(arena, "train/layers.safetensors");
            Tensor row = Tensor.ofFloats(arena, TrainerTest.values("repeated row", 1, 5), 1, 5);
            check(arena, golden, "repeated", 5, (g, x, s) -> {
                Port rows = g.add("row", linear(arena, "repeated", "row", 0.5f, 5, 5), g.input("given", Spec.of(DataType.F32, 1, 5)));
                return g.add("difference", new BinaryOp(BinaryOp.Operator.SUB), g.add("product", new BinaryOp(BinaryOp.Operator.MUL), x,
                        rows), g.add("column", linear(arena, "repeated", "column", 0.5f, 5, 1), x));
            }, row);
        }
    }

    private static void check(Arena arena, SafetensorsFile golden, String name, int columns, Case layers, Tensor... more) {
        check(arena, golden, name, columns, layers, UnaryOperator.identity(), more);
    }

    /** @param sorted of a gradient, as PyTorch has it */
    static void check(Arena arena, SafetensorsFile golden, String name, int columns, Case layers, UnaryOperator<Tensor> sorted,
            Tensor... more) {
        GraphBuilder g = new GraphBuilder(name);
        Weight identity = new Weight("identity", Tensor.allocate(arena, TensorDesc.of(DataType.F32, columns, columns)));
        for (long i = 0; i < columns; i++) {
            identity.tensor().setFloat(i * columns + i, 1);
        }
        Port x = g.add("front", new Linear(identity, null), g.input("x", Spec.of(DataType.F32, "n", columns)));
        g.output("y", layers.add(g, x, g.input("sequences", Spec.of(DataType.S32, SEQUENCES.length))));
        Differentiated net = differentiated(arena, g.build());
        float[] values = TrainerTest.values(name + " x", 1, ROWS * columns);
        net.input(0).segment().copyFrom(Tensor.ofFloats(arena, values, ROWS, columns).segment());
        net.input(1).segment().copyFrom(Tensor.ofInts(arena, SEQUENCES, SEQUENCES.length).segment());
        for (int i = 0; i < more.length; i++) {
            net.input(i + 2).segment().copyFrom(more[i].segment());
        }
        net.forward(true);
        compare(arena, golden, name, net, PARAMETERS.remove(net), sorted);
        TrainerTest.gradient(golden, name + "/dx", net.gradient(x));
    }

    @Test
    void masksHiddenKeysAndWindowsArePyTorchs() {
        try (Arena arena = Arena.ofShared()) {
            SafetensorsFile golden = Goldens.open(arena, "train/layers.safetensors");
            for (String name : List.of("masked", "masked each")) {
                boolean each = name.length() > 6;
                Tensor mask = Tensor.ofFloats(arena, TrainerTest.values(name + " mask", 1, each ? 192 : 16), each
                        ? new long[] {3, 4, 4, 4} : new long[] {4, 4});
                AttentionOp op = new AttentionOp(AttentionOp.Source.PACKED, 4, 2, 2, false, each
                        ? AttentionOp.MaskKind.SEQUENCE_HEAD_QUERY_KEY : AttentionOp.MaskKind.QUERY_KEY, true);
                AttentionOp seen = op.withScores(new AttentionOp.Scores(op.scores().scale(), 0, each ? 0 : 3));
                Linear qkv = linear(arena, name, "qkv", 0.5f, 6, 16);
                Tensor padding = Tensor.allocate(arena, TensorDesc.of(DataType.U8, ROWS));
                padding.segment().copyFrom(MemorySegment.ofArray(new byte[] {0, 0, 1, 1, 0, 1, 0, 0}));
                check(arena, golden, name, 6, (g, x, s) -> g.add("attend", seen, g.add("qkv", qkv, x), s,
                        g.input("mask", Spec.of(DataType.F32, (Object[]) java.util.Arrays.stream(mask.shape().dims()).boxed()
                                .toArray(Long[]::new))), g.input("padding", Spec.of(DataType.U8, "n"))), mask, padding);
            }
        }
    }

    private static final Map<Differentiated, Map<Weight, Parameter>> PARAMETERS = new HashMap<>();

    static Map<Weight, Parameter> parameters(Arena arena, Graph graph) {
        Map<Weight, Parameter> parameters = new HashMap<>();
        graph.weights().stream().mapMulti((Weight w, java.util.function.Consumer<Weight> to) -> {
            to.accept(w);
            if (w.origin() != null) {
                to.accept(w.origin().table());
            }
        }).forEach(w -> parameters.put(w, new Parameter(w.name(), w.tensor(), Tensor.allocate(arena, w.tensor().desc()), null, true)));
        return parameters;
    }

    private static Differentiated differentiated(Arena arena, Graph graph) {
        Map<Weight, Parameter> parameters = parameters(arena, graph);
        Differentiated net = new Differentiated(arena, graph, Sizes.of("n", ROWS), parameters, Dropout.NONE, () -> 0);
        PARAMETERS.put(net, parameters);
        return net;
    }

    /** The result for a target of the script's, and the parameters' gradients. */
    static void compare(Arena arena, SafetensorsFile golden, String name, Differentiated net, Map<Weight, Parameter> parameters,
            UnaryOperator<Tensor> sorted) {
        TrainerTest.close(Goldens.floats(golden, "layer " + name + "/y"), net.output(), name + " y");
        long results = net.output().shape().elementCount();
        Tensor target = Tensor.ofFloats(arena, TrainerTest.values(name + " t", 1, results), results).reshape(net.output().shape().dims());
        new Loss.MeanSquared(Reduction.SUM).compute(net.output(), target, net.outputGradient());
        net.backward();
        parameters.forEach((weight, parameter) -> {
            if (!weight.name().equals("identity") && weight.origin() == null) {
                TrainerTest.gradient(golden, name + "/d " + weight.name(), sorted.apply(parameter.gradient()));
            }
        });
    }

    @Test
    void rowsOfTablesAreLearnt() {
        try (Arena arena = Arena.ofShared()) {
            GraphBuilder g = new GraphBuilder("embedding");
            Port ids = g.input("ids", Spec.of(DataType.S32, "n"));
            g.output("y", g.add("embedding", new Embedding(weight(arena, "embedding", "words.weight", 0.5f, 7, 4),
                    weight(arena, "embedding", "positions.weight", 0.5f, 5, 4), null, false,
                    norm(arena, "embedding", "norm", 0.5f, 4), 1.5f),
                    ids, g.input("positions", Spec.of(DataType.S32, "n"))));
            Graph graph = g.build();
            Map<Weight, Parameter> parameters = parameters(arena, graph);
            Differentiated net = new Differentiated(arena, graph, Sizes.of("n", 5), parameters, Dropout.NONE, () -> 0);
            net.input(0).segment().copyFrom(Tensor.ofInts(arena, new int[] {3, 0, 6, 3, 3}, 5).segment());
            net.input(1).segment().copyFrom(Tensor.ofInts(arena, new int[] {0, 1, 2, 0, 1}, 5).segment());
            net.forward(true);
            compare(arena, Goldens.open(arena, "train/layers.safetensors"), "embedding", net, parameters, UnaryOperator.identity());
            net.input(1).setInt(3, 5);
            assertEquals("index 3 of positions.weight is 5, expected 0 to 4", assertThrows(IllegalArgumentException.class,
                    () -> net.forward(true)).getMessage());
        }
    }

    private static Graph tagger(Arena arena, String name) {
        return tagger(arena, name, Cell.LSTM);
    }

    private static Graph tagger(Arena arena, String name, Cell cell) {
        GraphBuilder g = new GraphBuilder("tagger");
        Port x = g.add("words", new Embedding(weight(arena, name, "words.weight", 0.4f, 11, 5), null, null, false, null, 1),
                g.input("ids", Spec.of(DataType.S32, "n")));
        Port sequences = g.input("sequences", Spec.of(DataType.S32, SEQUENCES.length));
        x = g.addAll("rnn0", recurrent(arena, name, cell, 0, 0.4f, 5, 6, true), x, sequences).getFirst();
        x = g.addAll("rnn1", recurrent(arena, name, cell, 1, 0.4f, 12, 6, true), x, sequences).getFirst();
        g.output("scores", g.add("out", linear(arena, name, "out", 0.4f, 12, 4), x));
        return g.build();
    }

    private static Graph transformer(Arena arena, String name) {
        GraphBuilder g = new GraphBuilder("transformer");
        Port x = g.add("words", new Embedding(weight(arena, name, "words.weight", 0.4f, 11, 6),
                weight(arena, name, "positions.weight", 0.4f, 5, 6), null, false, null, 1),
                g.input("ids", Spec.of(DataType.S32, "n")), g.input("places", Spec.of(DataType.S32, "n")));
        Port sequences = g.input("sequences", Spec.of(DataType.S32, SEQUENCES.length));
        for (int i = 0; i < 2; i++) {
            String block = "blocks." + i + ".";
            Port a = g.add("attend", attention(true), g.add("qkv", linear(arena, name, block + "attend.qkv", 0.4f, 6, 18), x), sequences);
            a = g.add("o", linear(arena, name, block + "o", 0.4f, 6, 6), a);
            x = g.add("norm1", norm(arena, name, block + "norm1", 0.4f, 6), g.add("sum1", new BinaryOp(BinaryOp.Operator.ADD), x, a));
            Port f = g.add("gelu", new EltwiseOp(Activation.GELU_ERF), g.add("up", linear(arena, name, block + "up", 0.4f, 6, 10), x));
            f = g.add("down", linear(arena, name, block + "down", 0.4f, 10, 6), f);
            x = g.add("norm2", norm(arena, name, block + "norm2", 0.4f, 6), g.add("sum2", new BinaryOp(BinaryOp.Operator.ADD), x, f));
        }
        g.output("scores", g.add("out", linear(arena, name, "out", 0.4f, 6, 4), x));
        return g.build();
    }

    @Test
    void twentyStepsOfAnLstmAndOfATransformerFollowPyTorch() {
        for (String name : List.of("tagger sgd", "tagger adamw", "transformer sgd", "transformer adamw")) {
            Optimizer optimizer = name.endsWith("sgd") ? new Optimizer.Sgd(0.1, 0.9)
                    : new Optimizer.AdamW(0.01, 0.9, 0.999, name.startsWith("tagger") ? 1e-8 : 1e-6, 0.01);
            try (Arena arena = Arena.ofShared(); Trainer trainer = new Trainer(name.startsWith("tagger") ? tagger(arena, name)
                    : transformer(arena, name), new Trainer.Options(new Loss.CrossEntropy(), optimizer, Schedule.CONSTANT, 0, 1))) {
                SafetensorsFile golden = Goldens.open(arena, "train/training.safetensors");
                float[] losses = Goldens.floats(golden, name + "/losses");
                Map<String, Tensor> inputs = new HashMap<>();
                inputs.put("sequences", Tensor.ofInts(arena, SEQUENCES, SEQUENCES.length));
                if (name.startsWith("transformer")) {
                    inputs.put("places", Tensor.ofInts(arena, new int[] {0, 1, 2, 0, 0, 1, 2, 3}, ROWS));
                }
                for (int step = 0; step < 20; step++) {
                    inputs.put("ids", numbers(arena, "ids" + step, 11));
                    assertEquals(losses[step], trainer.step(inputs, numbers(arena, "y" + step, 4)), 1e-4 * Math.max(1, losses[step]), name
                            + " loss of step " + step);
                }
                trainer.parameters().forEach((parameter, value) ->
                        assertArrayEquals(Goldens.floats(golden, name + "/" + parameter), value.toFloats(), 1e-4f, name + " " + parameter));
            }
        }
    }

    @Test
    void aStepTakesNothingFromTheHeap() {
        for (String name : List.of("tagger adamw", "transformer sgd", "tagger sgd", "transformer adamw", "gru tagger", "tanh tagger",
            "relu tagger")) {
            try (Arena arena = Arena.ofShared(); Trainer trainer = new Trainer(name.startsWith("tagger") ? tagger(arena, name)
                    : name.endsWith("tagger") ? tagger(arena, name, Cell.valueOf(name.split(" ")[0].toUpperCase(java.util.Locale.ROOT)))
                    : transformer(arena, name), new Trainer.Options(new Loss.CrossEntropy(), name.endsWith("adamw")
                            ? new Optimizer.AdamW(1e-3) : new Optimizer.Sgd(1e-3, 0.9), Schedule.CONSTANT, 1, 1))) {
                Map<String, Tensor> inputs = new HashMap<>(Map.of("sequences", Tensor.ofInts(arena, SEQUENCES, SEQUENCES.length), "ids",
                        numbers(arena, "ids0", 11)));
                if (name.startsWith("transformer")) {
                    inputs.put("places", Tensor.ofInts(arena, new int[] {0, 1, 2, 0, 0, 1, 2, 3}, ROWS));
                }
                Tensor labels = numbers(arena, "y0", 4);
                long least = Long.MAX_VALUE;
                // What the compiler has not come to yet may take some.
                for (int window = 0; window < 400 && least > 0; window++) {
                    long before = Allocation.bytes();
                    for (int i = 0; i < 50; i++) {
                        trainer.step(inputs, labels);
                    }
                    least = Math.min(least, Allocation.bytes() - before);
                }
                assertEquals(0, least, name);
            }
        }
    }

    private static Tensor numbers(Arena arena, String name, int limit) {
        float[] values = TrainerTest.values(name, 1, ROWS);
        int[] numbers = new int[ROWS];
        for (int i = 0; i < ROWS; i++) {
            numbers[i] = Math.abs((int) (values[i] * 100)) % limit;
        }
        return Tensor.ofInts(arena, numbers, ROWS);
    }

    @Test
    void wrongInputsAreNamed() {
        try (Arena arena = Arena.ofShared(); Trainer trainer = new Trainer(tagger(arena, "tagger sgd"),
                new Trainer.Options(new Loss.CrossEntropy(), new Optimizer.Sgd(0.1, 0), Schedule.CONSTANT, 0, 1))) {
            Map<String, Tensor> inputs = new HashMap<>(Map.of("ids", numbers(arena, "ids0", 11), "sequences", Tensor.ofInts(arena,
                    new int[] {3, 0, 3, 4, 9}, 5)));
            Tensor labels = numbers(arena, "y0", 4);
            assertEquals("Recurrent: offset 3 of the sequences is 9, expected 4 to 8", assertThrows(IllegalArgumentException.class,
                    () -> trainer.step(inputs, labels)).getMessage());
            inputs.put("sequences", Tensor.ofInts(arena, new int[] {4, 0, 3, 4, 8}, 5));
            assertEquals("Recurrent: 4 sequences, expected 0 to 3", assertThrows(IllegalArgumentException.class,
                    () -> trainer.step(inputs, labels)).getMessage());
            // One without rows, and rows behind the last.
            inputs.put("sequences", Tensor.ofInts(arena, new int[] {2, 0, 0, 5, 0}, 5));
            assertTrue(trainer.step(inputs, labels) > 0);
            inputs.remove("sequences");
            assertThrows(IllegalArgumentException.class, () -> trainer.step(inputs, labels));
        }
    }
}
