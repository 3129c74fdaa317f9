package dev.gatun.models.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.testing.Goldens;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Sizes;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.EltwiseOp;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** What is left out of a step. */
class DropoutTest {
    @Test
    void dropoutByPyTorchsMaskIsPyTorchs() {
        try (Arena arena = Arena.ofShared()) {
            SafetensorsFile golden = Goldens.open(arena, "train/layers.safetensors");
            Linear first = SequenceRulesTest.linear(arena, "dropped", "first", 0.5f, 5, 6);
            Linear second = SequenceRulesTest.linear(arena, "dropped", "second", 0.5f, 6, 4);
            GraphBuilder g = new GraphBuilder("dropped");
            g.output("y", g.add("second", second, g.add("first", first, g.input("x", Spec.of(DataType.F32, "n", 5)))));
            Graph graph = g.build();
            Map<Weight, Parameter> parameters = SequenceRulesTest.parameters(arena, graph);
            Differentiated net = new Differentiated(arena, graph, Sizes.of("n", 3), parameters, new Dropout(Map.of("first", 0.4), 1),
                    () -> 0);
            net.input().segment().copyFrom(Tensor.ofFloats(arena, TrainerTest.values("dropped x", 1, 15), 3, 5).segment());
            for (Rule rule : net.rules()) {
                if (rule instanceof DropoutRule dropout) {
                    dropout.mask().copyFrom(Tensor.ofFloats(arena, Goldens.floats(golden, "dropped/mask"), 3, 6).segment());
                    dropout.apply();
                } else {
                    rule.forward(true);
                }
            }
            SequenceRulesTest.compare(arena, golden, "dropped", net, parameters, UnaryOperator.identity());
        }
    }

    @Test
    void dropoutLeavesOutAndKeepsTheMean() {
        try (Arena arena = Arena.ofShared()) {
            Weight weight = new Weight("weight", Tensor.ofFloats(arena, new float[] {1}, 1, 1));
            GraphBuilder g = new GraphBuilder("out");
            Port x = g.add("front", new Linear(weight, null), g.input("x", Spec.of(DataType.F32, "n", 1)));
            g.output("y", g.add("relu", new EltwiseOp(Activation.RELU), x));
            Graph graph = g.build();
            Map<Weight, Parameter> parameters = Map.of(weight, new Parameter("weight", weight.tensor(), Tensor.allocate(arena,
                    weight.tensor().desc()), null, true));
            long[] step = {0};
            Differentiated net = new Differentiated(arena, graph, Sizes.of("n", 10_000), parameters, new Dropout(Map.of("front", 0.3), 1),
                    () -> step[0]);
            for (int i = 0; i < 10_000; i++) {
                net.input().setFloat(i, 1);
                net.outputGradient().setFloat(i, 1);
            }
            net.forward(true);
            float[] first = net.output().toFloats();
            int out = 0;
            for (float value : first) {
                assertTrue(value == 0 || value == 1 / 0.7f, value + "");
                out += value == 0 ? 1 : 0;
            }
            assertEquals(3000, out, 150);
            net.backward();
            assertArrayEquals(first, net.gradient(x).toFloats());
            step[0] = 1;
            net.forward(true);
            assertTrue(!Arrays.equals(first, net.output().toFloats()));
            // A training that goes on from a step leaves out what it would have.
            step[0] = 0;
            net.forward(true);
            assertArrayEquals(first, net.output().toFloats());
            net.forward(false);
            assertEquals(1, net.output().getFloat(17));
            assertEquals("out: has no nodes [back], which dropout names", assertThrows(IllegalArgumentException.class, () -> new Trainer(
                    graph, new Trainer.Options(new Loss.CrossEntropy(), new Optimizer.Sgd(0.1, 0), Schedule.CONSTANT, 0, 1,
                            new Dropout(Map.of("back", 0.1), 1)))).getMessage());
        }
    }
}
