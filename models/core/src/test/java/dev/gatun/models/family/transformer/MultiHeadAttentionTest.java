package dev.gatun.models.family.transformer;

import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.layer.EncoderWeights;
import dev.gatun.models.runtime.Program;
import dev.gatun.models.runtime.Session;
import dev.gatun.models.testing.Goldens;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.Dim;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.graph.Target;
import dev.gatun.tensor.op.AttentionOp;
import dev.gatun.tensor.op.AttentionOp.MaskKind;
import dev.gatun.tensor.op.AttentionOp.Source;
import dev.gatun.tensor.testing.Reference;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The projections and attention of a layer against {@code nn.MultiheadAttention}, with and without biases. */
class MultiHeadAttentionTest {

    @ParameterizedTest
    @ValueSource(strings = {"multi-head", "multi-head-batch-first-no-bias"})
    void agreesWithPyTorchInEveryRun(String name) {
        try (Arena arena = Arena.ofShared()) {
            SafetensorsFile file = Goldens.open(arena, "transformer/attention/" + name + ".safetensors");
            TransformerConfig config = TransformerConfig.of(20, 5, 1, 1);
            TransformerWeights weights = new TransformerWeights(config);
            EncoderWeights.Attention attention = weights.attention(WeightScope.of(file));
            for (String run : file.metadata().get("runs").split(",")) {
                try {
                    new Run(arena, file, "run." + run + ".", config).check(attention, true);
                    new Run(arena, file, "run." + run + ".", config).check(attention, false);
                } catch (AssertionError | RuntimeException e) {
                    throw new AssertionError(run + ": " + e.getMessage(), e);
                }
            }
        }
    }

    private record Run(Arena arena, SafetensorsFile file, String run, TransformerConfig config) {

        /** @param passes whether projections are joined */
        void check(EncoderWeights.Attention weights, boolean passes) {
            boolean isSelf = !file.names().contains(run + "memory");
            float[] query = rows("query");
            float[] memory = isSelf ? query : rows("memory");
            int batch = batch("query");
            Map<String, Tensor> inputs = new HashMap<>();
            GraphBuilder graph = new GraphBuilder("attention");
            Port q = input(graph, inputs, "query", Tensor.ofFloats(arena, query, query.length / 20, 20));
            Port sequences = input(graph, inputs, "sequences", AttentionGoldenTest.sequences(arena, batch, query.length / 20 / batch));
            Port m = isSelf ? q : input(graph, inputs, "memory", Tensor.ofFloats(arena, memory, memory.length / 20, 20));
            Port memorySequences = isSelf ? sequences
                    : input(graph, inputs, "memory_sequences", AttentionGoldenTest.sequences(arena, batch, memory.length / 20 / batch));
            List<Port> operands = new ArrayList<>(List.of(graph.add("q", new Linear(weights.query()), q),
                    graph.add("k", new Linear(weights.key()), m),
                    graph.add("v", new Linear(weights.value()), m), sequences, memorySequences));
            Tensor mask = mask(batch, query.length / 20 / batch, memory.length / 20 / batch);
            if (mask != null) {
                operands.add(input(graph, inputs, "mask", mask));
            }
            boolean padding = file.names().contains(run + "key_padding_mask");
            if (padding) {
                operands.add(input(graph, inputs, "padding", Tensor.of(TensorDesc.of(DataType.U8, memory.length / 20),
                        arena.allocate(memory.length / 20).copyFrom(file.entry(run + "key_padding_mask").bytes()
                                .asSlice(0, memory.length / 20)))));
            }
            MaskKind kind = mask == null ? MaskKind.NONE : mask.shape().rank() == 2 ? MaskKind.QUERY_KEY : MaskKind.SEQUENCE_HEAD_QUERY_KEY;
            AttentionOp op = new AttentionOp(Source.SEPARATE, 5, 5, 4, false, kind, padding);
            graph.output("out", graph.add("output", new Linear(weights.output()), graph.add("attend", op, operands.toArray(Port[]::new))));
            try (Program program = Program.load(new Program.Part(graph.build(), new Target(16, passes)));
                    Session session = program.newSession(1)) {
                Reference.assertClose(Reference.widen(rows("expected")), session.run(inputs).get("out").toFloats(), 1e-5);
            }
        }

        private static Port input(GraphBuilder graph, Map<String, Tensor> inputs, String name, Tensor value) {
            inputs.put(name, value);
            return graph.input(name, new Spec(value.type(), LongStream.of(value.shape().dims()).mapToObj(Dim::of).toList()));
        }

        private Tensor mask(int batch, int queries, int keys) {
            if (!file.names().contains(run + "attn_mask")) {
                return null;
            }
            boolean perHead = file.entry(run + "attn_mask").shape().rank() == 3;
            boolean bool = file.entry(run + "attn_mask").type().equals("U8");
            byte[] hidden = bool ? file.entry(run + "attn_mask").bytes().toArray(java.lang.foreign.ValueLayout.JAVA_BYTE) : null;
            float[] added = bool ? new float[hidden.length] : Goldens.floats(file, run + "attn_mask");
            for (int i = 0; bool && i < added.length; i++) {
                added[i] = hidden[i] != 0 ? Float.NEGATIVE_INFINITY : 0;
            }
            return perHead ? Tensor.ofFloats(arena, added, batch, config.numHeads(), queries, keys)
                    : Tensor.ofFloats(arena, added, queries, keys);
        }

        private int batch(String name) {
            return (int) file.entry(run + name).shape().dim(batchFirst() ? 0 : 1);
        }

        private boolean batchFirst() {
            return Boolean.parseBoolean(file.metadata().get("batch_first"));
        }

        /** [batch * len, 20], whatever the file's order. */
        private float[] rows(String name) {
            Shape shape = file.entry(run + name).shape();
            float[] values = Goldens.floats(file, run + name);
            if (batchFirst()) {
                return values;
            }
            int length = (int) shape.dim(0);
            int batch = (int) shape.dim(1);
            float[] rows = new float[values.length];
            for (int t = 0; t < length; t++) {
                for (int b = 0; b < batch; b++) {
                    System.arraycopy(values, (t * batch + b) * 20, rows, (b * length + t) * 20, 20);
                }
            }
            return rows;
        }
    }
}
