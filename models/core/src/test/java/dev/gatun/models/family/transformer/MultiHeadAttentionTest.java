package dev.gatun.models.family.transformer;

import dev.gatun.models.testing.Goldens;
import dev.gatun.models.family.transformer.TransformerLayers.Masks;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.BoundPlan;
import dev.gatun.tensor.exec.ExecutionContext;
import dev.gatun.tensor.exec.Lifetime;
import dev.gatun.tensor.exec.PlanBuilder;
import dev.gatun.tensor.exec.Value;
import dev.gatun.tensor.op.AttentionOp.MaskKind;
import dev.gatun.tensor.op.LinearTuner;
import dev.gatun.tensor.testing.Reference;
import java.lang.foreign.Arena;
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
            TransformerWeights weights = new TransformerWeights(arena, config, new LinearTuner(16));
            TransformerWeights.SelfAttention self = weights.self(WeightScope.of(file));
            TransformerWeights.CrossAttention cross = weights.cross(WeightScope.of(file));
            for (String run : file.metadata().get("runs").split(",")) {
                try {
                    new Run(arena, file, "run." + run + ".", config).check(self, cross);
                } catch (AssertionError | RuntimeException e) {
                    throw new AssertionError(run + ": " + e.getMessage(), e);
                }
            }
        }
    }

    private record Run(Arena arena, SafetensorsFile file, String run, TransformerConfig config) {

        void check(TransformerWeights.SelfAttention self, TransformerWeights.CrossAttention cross) {
            boolean isSelf = !file.names().contains(run + "memory");
            float[] query = rows("query");
            float[] memory = isSelf ? query : rows("memory");
            int batch = batch("query");
            int queries = query.length / 20 / batch;
            int keys = memory.length / 20 / batch;
            try (ExecutionContext context = new ExecutionContext()) {
                PlanBuilder plan = new PlanBuilder("attention", new Lifetime("test"), arena, 1);
                TransformerLayers layers = new TransformerLayers(plan, config);
                Value q = plan.input("query", TensorDesc.of(DataType.F32, query.length / 20, 20));
                Value sequences = plan.input("sequences", TensorDesc.of(DataType.S32, batch + 2));
                Masks masks = masks(plan, batch, queries, keys);
                Value out;
                if (isSelf) {
                    out = layers.linear(self.output(), layers.attendSelf(sequences, masks).apply(layers.linear(self.queryKeyValue(), q)));
                } else {
                    Value m = plan.input("memory", TensorDesc.of(DataType.F32, memory.length / 20, 20));
                    Value memorySequences = plan.input("memory_sequences", TensorDesc.of(DataType.S32, batch + 2));
                    out = layers.linear(cross.output(), layers.attendMemory(layers.linear(cross.keyValue(), m), sequences, memorySequences, masks)
                            .apply(layers.linear(cross.query(), q)));
                }
                plan.output("out", out);
                BoundPlan bound = context.bind(plan.build());
                bound.input("query").segment().copyFrom(Tensor.ofFloats(arena, query, query.length).segment());
                bound.input("sequences").segment().copyFrom(AttentionGoldenTest.sequences(arena, batch, queries).segment());
                if (!isSelf) {
                    bound.input("memory").segment().copyFrom(Tensor.ofFloats(arena, memory, memory.length).segment());
                    bound.input("memory_sequences").segment().copyFrom(AttentionGoldenTest.sequences(arena, batch, keys).segment());
                }
                fillMasks(bound, batch * keys);
                bound.execute();
                Reference.assertClose(Reference.widen(rows("expected")), bound.output("out").toFloats(), 1e-5);
            }
        }

        private Masks masks(PlanBuilder plan, int batch, int queries, int keys) {
            Value mask = null;
            MaskKind kind = MaskKind.NONE;
            if (file.names().contains(run + "attn_mask")) {
                boolean perHead = file.entry(run + "attn_mask").shape().rank() == 3;
                kind = perHead ? MaskKind.SEQUENCE_HEAD_QUERY_KEY : MaskKind.QUERY_KEY;
                mask = plan.input("mask", perHead ? TensorDesc.of(DataType.F32, batch, config.numHeads(), queries, keys)
                        : TensorDesc.of(DataType.F32, queries, keys));
            }
            Value padding = file.names().contains(run + "key_padding_mask")
                    ? plan.input("padding", TensorDesc.of(DataType.U8, (long) batch * keys)) : null;
            return new Masks(false, mask, kind, padding);
        }

        private void fillMasks(BoundPlan plan, int bytes) {
            if (file.names().contains(run + "attn_mask")) {
                boolean bool = file.entry(run + "attn_mask").type().equals("U8");
                byte[] hidden = bool ? file.entry(run + "attn_mask").bytes().toArray(java.lang.foreign.ValueLayout.JAVA_BYTE) : null;
                float[] added = bool ? new float[hidden.length] : Goldens.floats(file, run + "attn_mask");
                for (int i = 0; i < added.length; i++) {
                    plan.input("mask").setFloat(i, bool && hidden[i] != 0 ? Float.NEGATIVE_INFINITY : added[i]);
                }
            }
            if (file.names().contains(run + "key_padding_mask")) {
                plan.input("padding").segment().copyFrom(file.entry(run + "key_padding_mask").bytes().asSlice(0, bytes));
            }
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
