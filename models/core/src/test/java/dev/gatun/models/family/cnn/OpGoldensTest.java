package dev.gatun.models.family.cnn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.testing.Goldens;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.exec.BoundPlan;
import dev.gatun.tensor.exec.ExecutionContext;
import dev.gatun.tensor.exec.Lifetime;
import dev.gatun.tensor.exec.PlanBuilder;
import dev.gatun.tensor.exec.Value;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.AdaptivePoolOp;
import dev.gatun.tensor.op.BatchNormOp;
import dev.gatun.tensor.op.ConvOp;
import dev.gatun.tensor.op.ConvTransposeOp;
import dev.gatun.tensor.op.FlattenOp;
import dev.gatun.tensor.op.LinearOp;
import dev.gatun.tensor.op.LrnOp;
import dev.gatun.tensor.op.PoolOp;
import dev.gatun.tensor.op.ReorderOp;
import dev.gatun.tensor.op.ResampleOp;
import dev.gatun.tensor.op.SoftmaxOp;
import dev.gatun.tensor.op.Window;
import dev.gatun.tensor.testing.Reference;
import dev.gatun.tensor.weights.BatchNormFold;
import dev.gatun.tensor.weights.ConvWeights;
import dev.gatun.tensor.weights.LinearWeights;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Every single-operation case that PyTorch answered, with row-major sources and, for pictures, channels-last ones. */
class OpGoldensTest {
    private static final String[] FILES = {"conv2d", "conv1d", "conv-transpose", "pool", "adaptive-pool", "batch-norm", "lrn",
        "interpolate", "softmax", "inner-product"};

    @TestFactory
    List<DynamicTest> agreesWithPyTorch() throws IOException {
        List<DynamicTest> tests = new ArrayList<>();
        for (String file : FILES) {
            try (Arena arena = Arena.ofConfined()) {
                for (String name : new java.util.TreeSet<>(Goldens.open(arena, "cnn/ops/" + file + ".safetensors").metadata().keySet())) {
                    tests.add(DynamicTest.dynamicTest(file + " " + name, () -> check(file, name, MemoryFormat.ROW_MAJOR)));
                    if (file.equals("conv2d") || file.equals("conv1d") || file.equals("batch-norm") || file.equals("lrn")) {
                        tests.add(DynamicTest.dynamicTest(file + " " + name + " channels last",
                                () -> check(file, name, MemoryFormat.CHANNELS_LAST)));
                    }
                }
            }
        }
        return tests;
    }

    private static void check(String file, String name, MemoryFormat format) throws IOException {
        try (Arena arena = Arena.ofShared(); ExecutionContext context = new ExecutionContext()) {
            SafetensorsFile golden = Goldens.open(arena, "cnn/ops/" + file + ".safetensors");
            Case c = new Case(arena, golden, name, new ObjectMapper().readTree(golden.metadata().get(name)));
            PlanBuilder plan = new PlanBuilder(name, new Lifetime("test"), arena, 1);
            Value src = plan.input("src", c.tensor("src").desc());
            Value x = format == MemoryFormat.ROW_MAJOR || src.desc().shape().rank() < 3 ? src
                    : plan.add(new ReorderOp(DataType.F32, format), src);
            Value y = add(file, c, plan, x);
            plan.output("dst", y.desc().isRowMajor() ? y : plan.add(new ReorderOp(DataType.F32, MemoryFormat.ROW_MAJOR), y));
            BoundPlan bound = context.bind(plan.build());
            bound.input("src").segment().copyFrom(c.tensor("src").segment());
            if (c.has("residual")) {
                bound.input("residual").segment().copyFrom(c.tensor("residual").segment());
            }
            bound.execute();
            bound.execute();
            Tensor dst = bound.output("dst");
            assertArrayEquals(c.tensor("dst").shape().dims(), dst.shape().dims());
            double[] expected = Reference.widen(c.tensor("dst").toFloats());
            for (int i = 0; i < expected.length; i++) {
                if (Double.isInfinite(expected[i])) {
                    org.junit.jupiter.api.Assertions.assertEquals(expected[i], dst.getFloat(i));
                    expected[i] = 0;
                    dst.setFloat(i, 0);
                }
            }
            Reference.assertClose(expected, dst.toFloats(), 1e-5);
        }
    }

    private static Value add(String file, Case c, PlanBuilder plan, Value x) {
        return switch (file) {
            case "conv2d", "conv1d" -> conv(c, plan, x);
            case "conv-transpose" -> plan.add(new ConvTransposeOp(ConvWeights.ofTransposed(c.arena, c.weights()),
                    c.window(c.longs("padding"), minus(c.longs("padding"), c.longs("output_padding"))), c.activation()), x);
            case "pool" -> plan.add(c.pool(), x);
            case "adaptive-pool" -> plan.add(new AdaptivePoolOp(c.text("kind").equals("max"), c.longs("output_size")), x);
            case "batch-norm" -> plan.add(new BatchNormOp(BatchNormFold.affine(c.arena, new BatchNormFold.Parameters(c.orNull("scale"),
                    c.orNull("shift"), c.tensor("mean"), c.tensor("variance"), c.json.get("epsilon").asDouble())), c.activation()), x);
            case "lrn" -> plan.add(new LrnOp(c.json.get("size").asLong(), c.number("alpha"), c.number("beta"), c.number("k")), x);
            case "interpolate" -> plan.add(new ResampleOp(switch (c.text("mode")) {
                case "nearest" -> ResampleOp.Mode.NEAREST;
                case "nearest-exact" -> ResampleOp.Mode.NEAREST_EXACT;
                default -> ResampleOp.Mode.LINEAR;
            }, c.longs("output_size")), x);
            case "softmax" -> plan.add(new SoftmaxOp(c.json.get("axis").asInt(), c.text("kind").equals("log_softmax")), x);
            case "inner-product" -> plan.add(new LinearOp(LinearWeights.pack(c.arena, LinearWeights.Kernel.ONEDNN,
                    new LinearWeights.Source(c.tensor("weights"), false, c.orNull("bias"))), c.activation()),
                    plan.add(new FlattenOp(), x));
            default -> throw new AssertionError(file);
        };
    }

    private static Value conv(Case c, PlanBuilder plan, Value x) {
        ConvWeights weights = ConvWeights.of(c.arena, c.weights());
        Window window = c.window(c.longs("padding_begin"), c.longs("padding_end"));
        ConvOp op = new ConvOp(weights, window, c.activation(), c.has("residual"), MemoryFormat.ANY);
        if (!c.has("residual")) {
            return plan.add(op, x);
        }
        // The residual is overwritten, so it must not be an input of the plan.
        Value residual = plan.input("residual", c.tensor("residual").desc());
        return plan.add(op, x, plan.add(new ReorderOp(DataType.F32, x.desc().format()), residual));
    }

    private static long[] minus(long[] a, long[] b) {
        long[] result = a.clone();
        for (int i = 0; i < a.length; i++) {
            result[i] -= b[i];
        }
        return result;
    }

    private record Case(Arena arena, SafetensorsFile file, String name, JsonNode json) {
        boolean has(String operand) {
            return file.names().contains(name + "." + operand);
        }

        Tensor tensor(String operand) {
            return file.floats(name + "." + operand);
        }

        Tensor orNull(String operand) {
            return has(operand) ? tensor(operand) : null;
        }

        String text(String key) {
            return json.get(key).asText();
        }

        float number(String key) {
            return (float) json.get(key).asDouble();
        }

        long[] longs(String key) {
            JsonNode node = json.get(key);
            return node.isArray() ? StreamSupport.stream(node.spliterator(), false).mapToLong(JsonNode::asLong).toArray()
                    : new long[] {node.asLong()};
        }

        Activation activation() {
            return Activation.valueOf(text("activation").toUpperCase(Locale.ROOT));
        }

        ConvWeights.Source weights() {
            return new ConvWeights.Source(tensor("weights"), orNull("bias"), json.get("groups").asLong());
        }

        Window window(long[] begin, long[] end) {
            return new Window(longs("strides"), longs("dilations"), begin, end);
        }

        PoolOp pool() {
            boolean max = text("kind").equals("max");
            long[] strides = longs("strides");
            long[] dense = new long[strides.length];
            java.util.Arrays.fill(dense, 1);
            long[] padding = longs("padding");
            PoolOp.Kind kind = max ? PoolOp.Kind.MAX : json.get("count_include_pad").asBoolean()
                    ? PoolOp.Kind.AVERAGE_WITH_PADDING : PoolOp.Kind.AVERAGE;
            return new PoolOp(kind, longs("kernel"), new Window(strides, max ? longs("dilations") : dense, padding, padding),
                    json.get("ceil_mode").asBoolean());
        }
    }
}
