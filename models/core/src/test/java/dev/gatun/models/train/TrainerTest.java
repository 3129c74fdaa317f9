package dev.gatun.models.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.testing.Allocation;
import dev.gatun.models.testing.Goldens;
import dev.gatun.models.train.Loss.Reduction;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.Apply;
import dev.gatun.tensor.graph.BatchNorm;
import dev.gatun.tensor.graph.Conv;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Layer;
import dev.gatun.tensor.graph.LayerNorm;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Sizes;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.AdaptivePoolOp;
import dev.gatun.tensor.op.BinaryOp;
import dev.gatun.tensor.op.EltwiseOp;
import dev.gatun.tensor.op.FlattenOp;
import dev.gatun.tensor.op.NormalizeOp;
import dev.gatun.tensor.op.PoolOp;
import dev.gatun.tensor.op.ReorderOp;
import dev.gatun.tensor.op.SoftmaxOp;
import dev.gatun.tensor.op.Window;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Gradients, updates and losses against PyTorch ({@code oracle/train/training.py}). */
class TrainerTest {
    @TempDir
    Path folder;

    static float[] values(String name, float bound, long count) {
        float[] values = new float[Math.toIntExact(count)];
        for (int i = 0; i < count; i++) {
            int x = i * (int) 2654435761L + name.hashCode();
            x = (x ^ (x >>> 15)) * (int) 2246822519L;
            x ^= x >>> 13;
            values[i] = ((x >>> 8) / (float) (1 << 23) - 1) * bound;
        }
        return values;
    }

    private static Weight weight(Arena arena, String name, String seed, float bound, long... dims) {
        long count = 1;
        for (long dim : dims) {
            count *= dim;
        }
        // PyTorch's own beginning, where no other is asked for.
        float own = bound > 0 ? bound : (float) Math.sqrt(dims[0] / (double) count);
        return new Weight(name, Tensor.ofFloats(arena, values(seed, own, count), dims));
    }

    /** The textbook CNN; bound 0: weights as PyTorch begins with them. */
    private static Graph cnn(Arena arena, int[] channels, int height, int width, int hidden, int classes, float bound) {
        GraphBuilder g = new GraphBuilder("cnn");
        Port x = g.input("x", Spec.of(DataType.F32, "n", channels[0], height, width));
        for (int i = 1; i <= 2; i++) {
            x = g.add("conv" + i, new Conv(weight(arena, "conv" + i + ".weight", "conv" + i + ".weight", bound, channels[i],
                    channels[i - 1], 3, 3),
                    weight(arena, "conv" + i + ".bias", "conv" + i + ".bias", bound, channels[i]), Window.square(1, 1)), x);
            x = g.add("pool" + i, PoolOp.max(2), g.add("relu" + i, new EltwiseOp(Activation.RELU), x));
        }
        x = g.add("flatten", new FlattenOp(), x);
        long flat = channels[2] * (height / 4) * (width / 4);
        x = g.add("fc1", new Linear(weight(arena, "fc1.weight", "fc1.weight", bound, hidden, flat),
                weight(arena, "fc1.bias", "fc1.bias", bound, hidden)), x);
        x = g.add("relu3", new EltwiseOp(Activation.RELU), x);
        g.output("logits", g.add("fc2", new Linear(weight(arena, "fc2.weight", "fc2.weight", bound, classes, hidden),
                weight(arena, "fc2.bias", "fc2.bias", bound, classes)), x));
        return g.build();
    }

    private static Trainer.Options options(Loss loss, Optimizer optimizer, Schedule schedule, double clip) {
        return new Trainer.Options(loss, optimizer, schedule, clip, 1);
    }

    private static void check(String name, Trainer.Options options) {
        try (Arena arena = Arena.ofShared(); Trainer trainer = new Trainer(cnn(arena, new int[] {3, 5, 7}, 12, 8, 11, 4, 0.3f), options)) {
            SafetensorsFile golden = Goldens.open(arena, "train/training.safetensors");
            float[] losses = Goldens.floats(golden, name + "/losses");
            for (int step = 0; step < 20; step++) {
                float[] y = values("y" + step, 1, 6);
                int[] labels = new int[6];
                for (int i = 0; i < 6; i++) {
                    labels[i] = Math.abs((int) (y[i] * 100)) % 4;
                }
                if (name.equals("adamw")) {
                    labels[step % 6] = -100;
                }
                double loss = trainer.step(Tensor.ofFloats(arena, values("x" + step, 1, 6 * 3 * 12 * 8), 6, 3, 12, 8), Tensor.ofInts(arena,
                        labels, 6));
                assertEquals(losses[step], loss, 1e-4 * Math.max(1, losses[step]), name + " loss of step " + step);
            }
            trainer.parameters().forEach((parameter, value) ->
                    assertArrayEquals(Goldens.floats(golden, name + "/" + parameter), value.toFloats(), 1e-4f, name + " " + parameter));
        }
    }

    @Test
    void twentyStepsOfTheTextbookCnnFollowPyTorch() {
        check("sgd", options(new Loss.CrossEntropy(), new Optimizer.Sgd(0.05, 0.9, 0, 0.01, true), Schedule.steps(7, 0.5), 0));
        check("sgd dampened", options(new Loss.CrossEntropy(Reduction.SUM, 0, -100, null), new Optimizer.Sgd(0.02, 0.8, 0.3, 0, false),
                Schedule.CONSTANT, 0));
        check("adamw", options(new Loss.CrossEntropy(Reduction.MEAN, 0.1, -100, new float[] {1, 0.5f, 2, 1.5f}),
                new Optimizer.AdamW(0.01, 0.9, 0.999, 1e-8, 0.1), Schedule.cosine(20), 0.5));
    }

    @Test
    void everyLayersGradientsArePyTorchs() {
        long[] p = {1, 1};
        try (Arena arena = Arena.ofShared()) {
            Map<String, Layer> layers = new HashMap<>();
            layers.put("linear", new Linear(weight(arena, "weight", "linear weight", 0.5f, 5, 7), weight(arena, "bias", "linear bias",
                    0.5f, 5)));
            layers.put("conv", new Conv(weight(arena, "weight", "conv weight", 0.5f, 3, 2, 3, 2), weight(arena, "bias", "conv bias", 0.5f,
                    3),
                    new Window(new long[] {2, 1}, new long[] {1, 2}, new long[] {1, 0}, new long[] {1, 0})));
            layers.put("conv without bias", new Conv(weight(arena, "weight", "conv without bias weight", 0.5f, 4, 3, 1, 1), null,
                    Window.square(1, 0)));
            layers.put("max", new Apply(new PoolOp(PoolOp.Kind.MAX, new long[] {3, 3}, Window.square(2, 1), false)));
            layers.put("average", new Apply(new PoolOp(PoolOp.Kind.AVERAGE_WITH_PADDING, new long[] {2, 3},
                    new Window(new long[] {1, 2}, p, new long[] {0, 1}, new long[] {0, 1}), false)));
            layers.put("average inside", new Apply(new PoolOp(PoolOp.Kind.AVERAGE, new long[] {3, 3}, Window.square(2, 1), false)));
            for (Activation activation : Activation.values()) {
                if (activation != Activation.NONE) {
                    layers.put(activation.name().toLowerCase(java.util.Locale.ROOT), new Apply(new EltwiseOp(activation)));
                }
            }
            layers.putAll(moreLayers(arena));
            SafetensorsFile golden = Goldens.open(arena, "train/layers.safetensors");
            Map<String, long[]> shapes = new HashMap<>(Map.of("grouped", new long[] {2, 4, 5, 3}, "depthwise", new long[] {2, 3, 7, 4},
                    "signal", new long[] {2, 4, 9}, "average signal", new long[] {2, 2, 8}, "average ceil", new long[] {2, 2, 6, 4},
                    "average inside ceil", new long[] {1, 2, 5, 6}, "max ceil", new long[] {1, 2, 6, 4}));
            shapes.putAll(Map.of("linear", new long[] {3, 7}, "conv", new long[] {2, 2, 7, 6},
                    "conv without bias",
                    new long[] {2, 3, 3, 5},
                    "max", new long[] {2, 2, 7, 5}, "average", new long[] {2, 2, 5, 6}, "average inside", new long[] {2, 1, 6, 5}));
            shapes.putAll(Map.of("batch", new long[] {4, 3, 3, 2}, "softmax of channels", new long[] {2, 3, 2, 2}, "global",
                    new long[] {2, 3, 3, 2}, "global max", new long[] {2, 3, 3, 2}));
            layers.put("norm", new LayerNorm(weight(arena, "weight", "norm weight", 0.5f, 5), weight(arena, "bias", "norm bias", 0.5f, 5),
                    1e-5f));
            layers.put("rms", LayerNorm.rms(weight(arena, "weight", "rms weight", 0.5f, 5), 1e-5f));
            layers.put("batch", batchNorm(arena));
            layers.put("softmax", new Apply(new SoftmaxOp(-1, false)));
            layers.put("softmax of channels", new Apply(new SoftmaxOp(1, false)));
            layers.put("log softmax", new Apply(new SoftmaxOp(-1, true)));
            layers.put("global", new Apply(AdaptivePoolOp.globalAverage()));
            layers.put("global max", new Apply(new AdaptivePoolOp(true, new long[] {1, 1})));
            layers.put("adaptive", new Apply(new AdaptivePoolOp(false, new long[] {3, 2})));
            layers.put("adaptive max", new Apply(new AdaptivePoolOp(true, new long[] {2, 3})));
            layers.put("adaptive signal", new Apply(new AdaptivePoolOp(false, new long[] {3})));
            shapes.putAll(Map.of("adaptive", new long[] {2, 2, 7, 5}, "adaptive max", new long[] {2, 2, 5, 7}, "adaptive signal",
                    new long[] {2, 2, 8}));
            assertEquals(36, layers.size());
            layers.forEach((name, layer) -> checkLayer(arena, golden, name, layer, shapes.getOrDefault(name, new long[] {3, 5})));
            checkLayers(arena, golden, "squeeze", (g, x) -> {
                Port mean = g.add("mean", AdaptivePoolOp.globalAverage(), x);
                Port gate = g.add("gate", new EltwiseOp(Activation.SIGMOID), mean);
                Port scaled = g.add("scaled", new BinaryOp(BinaryOp.Operator.MUL), x, gate);
                return g.add("sum", new BinaryOp(BinaryOp.Operator.ADD), scaled, mean);
            }, List.of(), new long[] {2, 3, 2, 4});
            checkLayers(arena, golden, "quotient", (g, x) -> g.add("quotient", new BinaryOp(BinaryOp.Operator.DIV), x,
                    g.add("gate", new EltwiseOp(Activation.SIGMOID), x)), List.of(), new long[] {3, 5});
            checkLayers(arena, golden, "larger", (g, x) -> g.add("larger", new BinaryOp(BinaryOp.Operator.MAX), x,
                    g.add("relu", new EltwiseOp(Activation.RELU), x)), List.of(), new long[] {3, 5});
            checkLayers(arena, golden, "smaller", (g, x) -> g.add("smaller", new BinaryOp(BinaryOp.Operator.MIN), x,
                    g.add("mean", AdaptivePoolOp.globalAverage(), x)), List.of(), new long[] {2, 3, 2, 4});
        }
    }

    private static Map<String, Layer> moreLayers(Arena arena) {
        Window signal = new Window(new long[] {2}, new long[] {1}, new long[] {1}, new long[] {1});
        return Map.of(
                "grouped", new Conv(weight(arena, "weight", "grouped weight", 0.5f, 6, 2, 3, 3), weight(arena, "bias", "grouped bias", 0.5f,
                        6), 2, Window.square(1, 1), Activation.NONE, false, false, MemoryFormat.ANY),
                "depthwise", new Conv(weight(arena, "weight", "depthwise weight", 0.5f, 3, 1, 2, 3), null, 3, new Window(new long[] {2, 1},
                        new long[] {2, 2}, new long[] {0, 2}, new long[] {0, 2}), Activation.NONE, false, false, MemoryFormat.ANY),
                "signal", new Conv(weight(arena, "weight", "signal weight", 0.5f, 2, 2, 3), weight(arena, "bias", "signal bias", 0.5f, 2),
                        2, signal, Activation.NONE, false, false, MemoryFormat.ANY),
                "average signal", new Apply(new PoolOp(PoolOp.Kind.AVERAGE_WITH_PADDING, new long[] {3}, signal, false)),
                "average ceil", new Apply(new PoolOp(PoolOp.Kind.AVERAGE_WITH_PADDING, new long[] {3, 3}, Window.square(2, 1), true)),
                "average inside ceil", new Apply(new PoolOp(PoolOp.Kind.AVERAGE, new long[] {2, 3}, new Window(new long[] {2, 2},
                        new long[] {1, 1}, new long[] {0, 1}, new long[] {0, 1}), true)),
                "max ceil", new Apply(new PoolOp(PoolOp.Kind.MAX, new long[] {3, 3}, Window.square(2, 0), true)),
                "unit", new Apply(new NormalizeOp()));
    }

    private static BatchNorm batchNorm(Arena arena) {
        return new BatchNorm(weight(arena, "weight", "batch weight", 0.5f, 3), weight(arena, "bias", "batch bias", 0.5f, 3),
                new Weight("mean", Tensor.ofFloats(arena, new float[3], 3)),
                new Weight("variance", Tensor.ofFloats(arena, new float[] {1, 1, 1}, 3)), 1e-5);
    }

    private static void checkLayer(Arena arena, SafetensorsFile golden, String name, Layer layer, long[] dims) {
        checkLayers(arena, golden, name, (g, x) -> g.add("layer", layer, x), layer.weights(), dims);
    }

    private static void checkLayers(Arena arena, SafetensorsFile golden, String name, BiFunction<GraphBuilder, Port, Port> layers,
            List<Weight> weights, long[] dims) {
        GraphBuilder g = new GraphBuilder(name);
        Object[] spec = new Object[dims.length];
        long count = 1;
        for (int i = 0; i < dims.length; i++) {
            spec[i] = i == 0 ? "n" : dims[i];
            count *= dims[i];
        }
        // An identity in front, whose result's gradient is the layer's input's.
        Weight identity = new Weight("identity", Tensor.allocate(arena, dims.length == 2 ? TensorDesc.of(DataType.F32, dims[1], dims[1])
                : TensorDesc.of(DataType.F32, dims.length == 3 ? new long[] {dims[1], dims[1], 1} : new long[] {dims[1], dims[1], 1, 1})));
        for (long i = 0; i < dims[1]; i++) {
            identity.tensor().setFloat(i * dims[1] + i, 1);
        }
        Window one = dims.length == 4 ? Window.square(1, 0) : new Window(new long[] {1}, new long[] {1}, new long[] {0}, new long[] {0});
        Port x = g.add("front", dims.length == 2 ? new Linear(identity, null) : new Conv(identity, null, one),
                g.input("x", Spec.of(DataType.F32, spec)));
        g.output("y", layers.apply(g, x));
        Graph graph = g.build();
        Map<Weight, Parameter> parameters = new HashMap<>();
        graph.weights().forEach(w -> parameters.put(w, new Parameter(w.name(), w.tensor(), Tensor.allocate(arena, w.tensor().desc()),
                null, true)));
        Differentiated net = new Differentiated(arena, graph, Sizes.of("n", dims[0]), parameters, Dropout.NONE, () -> 0);
        net.input().segment().copyFrom(Tensor.ofFloats(arena, values(name + " x", 1, count), count).segment());
        net.forward(true);
        close(Goldens.floats(golden, "layer " + name + "/y"), net.output(), name + " y");
        long results = net.output().shape().elementCount();
        Tensor target = Tensor.ofFloats(arena, values(name + " t", 1, results), results).reshape(net.output().shape().dims());
        new Loss.MeanSquared(Reduction.SUM).compute(net.output(), target, net.outputGradient());
        net.backward();
        gradient(golden, name + "/dx", net.gradient(x));
        for (Weight w : weights) {
            if (golden.names().contains(name + "/" + w.name())) {
                close(Goldens.floats(golden, name + "/" + w.name()), parameters.get(w).value(), name + " " + w);
            } else {
                gradient(golden, name + "/d " + w.name(), parameters.get(w).gradient());
            }
        }
    }

    /** PyTorch's, and finite differences in double. */
    static void gradient(SafetensorsFile golden, String name, Tensor found) {
        close(Goldens.floats(golden, "layer " + name), found, name);
        close(Goldens.floats(golden, "finite " + name), found, name + " by finite differences");
    }

    static void close(float[] expected, Tensor found, String what) {
        float[] actual = found.toFloats();
        assertEquals(expected.length, actual.length, what);
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], actual[i], 1e-4 * Math.max(0.1, Math.abs(expected[i])), what + " at " + i);
        }
    }

    /** Some of the 1797 digits, 8 x 8. */
    private static TrainingData digits(Arena arena, IntPredicate wanted) {
        try (Arena files = Arena.ofConfined()) {
            SafetensorsFile file = SafetensorsFile.open(
                    Path.of("src/main/resources/dev/gatun/models/digits/examples.safetensors"), files);
            byte[] pixels = file.entry("pixels").bytes().toArray(ValueLayout.JAVA_BYTE);
            byte[] labels = file.entry("labels").bytes().toArray(ValueLayout.JAVA_BYTE);
            int[] chosen = IntStream.range(0, labels.length).filter(wanted).toArray();
            Tensor inputs = Tensor.allocate(arena, TensorDesc.of(DataType.F32, chosen.length, 1, 8, 8));
            Tensor targets = Tensor.allocate(arena, TensorDesc.of(DataType.S32, chosen.length));
            for (int i = 0; i < chosen.length; i++) {
                targets.setInt(i, labels[chosen[i]]);
                for (int j = 0; j < 32; j++) {
                    int two = pixels[chosen[i] * 32 + j];
                    inputs.setFloat(i * 64L + 2 * j, (two >> 4 & 15) / 15f);
                    inputs.setFloat(i * 64L + 2 * j + 1, (two & 15) / 15f);
                }
            }
            return new TrainingData(inputs, targets);
        }
    }

    private static Trainer digitsTrainer(Arena arena) {
        return digitsTrainer(arena, new Optimizer.AdamW(6e-3));
    }

    private static Trainer digitsTrainer(Arena arena, Optimizer optimizer) {
        return new Trainer(cnn(arena, new int[] {1, 12, 24}, 8, 8, 48, 10, 0), options(new Loss.CrossEntropy(), optimizer,
                Schedule.warmUp(20, Schedule.cosine(460)), 1));
    }

    @Test
    void aStepTakesNothingFromTheHeap() throws IOException {
        requireNothingFromTheHeap(new Optimizer.AdamW(6e-3));
        requireNothingFromTheHeap(new Optimizer.Sgd(0.01, 0.9));
    }

    private static void requireNothingFromTheHeap(Optimizer optimizer) throws IOException {
        try (Arena arena = Arena.ofShared(); Trainer trainer = digitsTrainer(arena, optimizer)) {
            TrainingData seen = digits(arena, i -> i < 96);
            Batches batches = new Batches(seen, Distortion.small(1, 8, 8));
            long least = Long.MAX_VALUE;
            // What the compiler has not come to yet may take some.
            for (int window = 0; window < 500 && least > 0; window++) {
                batches.shuffle(1, window);
                long before = Allocation.bytes();
                for (int from = 0; from < batches.count(); from += 16) {
                    trainer.learn(batches, from, 16);
                }
                least = Math.min(least, Allocation.bytes() - before);
            }
            assertEquals(0, least);
        }
    }

    @Test
    void aTrainingThatWasInterruptedComesToTheSameWeights() throws IOException {
        Path checkpoint = folder.resolve("checkpoint.safetensors");
        try (Arena arena = Arena.ofShared(); Trainer whole = digitsTrainer(arena); Trainer first = digitsTrainer(arena);
                Trainer second = digitsTrainer(arena)) {
            TrainingData seen = digits(arena, i -> i < 90);
            whole.fit(seen, 40, 0, 3, 1, (epoch, loss) -> true);
            first.fit(seen, 40, 0, 3, 1, (epoch, loss) -> {
                first.save(checkpoint);
                return epoch < 1;
            });
            second.restore(checkpoint);
            assertEquals(6, second.steps());
            second.fit(seen, 40, 2, 3, 1, (epoch, loss) -> true);
            whole.parameters().forEach((name, value) -> assertArrayEquals(value.toFloats(), second.parameters().get(name).toFloats(),
                    name));
            byte[] bytes = Files.readAllBytes(checkpoint);
            Files.write(folder.resolve("cut.safetensors"), java.util.Arrays.copyOf(bytes, bytes.length - 10));
            assertThrows(WeightException.class, () -> second.restore(folder.resolve("cut.safetensors")));
            assertThrows(IOException.class, () -> second.save(folder.resolve("nowhere/checkpoint.safetensors")));
            try (Trainer other = new Trainer(cnn(arena, new int[] {1, 12, 24}, 8, 8, 48, 10, 0),
                    options(new Loss.CrossEntropy(), new Optimizer.Sgd(0.1, 0), Schedule.CONSTANT, 0))) {
                assertThrows(WeightException.class, () -> other.restore(checkpoint));
            }
        }
    }

    @Test
    void badLabelsNaNAndLayersWithoutARuleAreNamed() {
        try (Arena arena = Arena.ofShared(); Trainer trainer = digitsTrainer(arena)) {
            Tensor x = Tensor.allocate(arena, TensorDesc.of(DataType.F32, 2, 1, 8, 8));
            IllegalArgumentException label = assertThrows(IllegalArgumentException.class, () -> trainer.step(x, Tensor.ofInts(arena,
                    new int[] {3, 10}, 2)));
            assertEquals("label 1 is 10, expected 0 to 9 or -100", label.getMessage());
            assertThrows(IllegalArgumentException.class, () -> trainer.step(x, Tensor.ofInts(arena, new int[] {3}, 1)));
            float[] before = trainer.parameters().get("fc1.weight").toFloats();
            trainer.parameters().get("conv2.weight").setFloat(5, Float.NaN);
            TrainingException nan = assertThrows(TrainingException.class, () -> trainer.step(x, Tensor.ofInts(arena, new int[] {3, 1}, 2)));
            assertTrue(nan.getMessage().contains("step 1") && nan.getMessage().contains("layer conv2"), nan.getMessage());
            assertArrayEquals(before, trainer.parameters().get("fc1.weight").toFloats());
            GraphBuilder g = new GraphBuilder("odd");
            g.output("y", g.add("reordered", new ReorderOp(DataType.BF16, MemoryFormat.ROW_MAJOR), g.input("x", Spec.of(DataType.F32, "n",
                    3))));
            IllegalArgumentException refused = assertThrows(IllegalArgumentException.class, () -> new Trainer(g.build(),
                    options(new Loss.CrossEntropy(), new Optimizer.Sgd(0.1, 0), Schedule.CONSTANT, 0)));
            assertTrue(refused.getMessage().startsWith("odd: reordered: Reorder"), refused.getMessage());
            assertFalse(before.length == 0);
        }
    }
}
