package dev.gatun.models.family.transformer;

import dev.gatun.models.generate.GenerativeModel;
import dev.gatun.models.family.transformer.TransformerLayers.Masks;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.Lifetime;
import dev.gatun.tensor.exec.Plan;
import dev.gatun.tensor.exec.PlanBuilder;
import dev.gatun.tensor.exec.Value;
import dev.gatun.tensor.op.KvLayout;
import dev.gatun.tensor.op.KvStoreOp;
import dev.gatun.tensor.op.PagedAttentionOp;
import java.lang.foreign.Arena;

/** Compiles the plans of a token model. Rows of the encoder are real tokens, laid end to end. */
final class Seq2SeqPlans {
    private final Seq2SeqConfig config;
    private final Seq2SeqWeights weights;
    private final KvLayout layout;
    private final Lifetime lifetime;
    private final Arena arena;

    Seq2SeqPlans(Seq2SeqConfig config, Seq2SeqWeights weights, KvLayout layout, Lifetime lifetime, Arena arena) {
        this.config = config;
        this.weights = weights;
        this.layout = layout;
        this.lifetime = lifetime;
        this.arena = arena;
    }

    private PlanBuilder builder(String name, int threads) {
        return new PlanBuilder(name + ", " + threads + " threads]", lifetime, arena, threads);
    }

    /** Sources to memory, and every decoder layer's keys and values of it to the cache. */
    Plan encoder(int tokens, int maxSequences, int threads) {
        PlanBuilder plan = builder("encoder[" + tokens + " tokens", threads);
        TransformerLayers layers = new TransformerLayers(plan, config.transformer());
        Value sequences = plan.input(GenerativeModel.SOURCE_SEQUENCES, TensorDesc.of(DataType.S32, maxSequences + 2));
        Value tables = plan.input(GenerativeModel.SOURCE_TABLES, TensorDesc.of(DataType.U8, (long) maxSequences * Long.BYTES));
        Value memory = memory(plan, layers, tokens, sequences);
        for (int i = 0; i < weights.decoder().layers().size(); i++) {
            Value keyValue = layers.linear(weights.decoder().layers().get(i).cross().keyValue(), memory);
            plan.add(new KvStoreOp(layout, i), keyValue, sequences, tables);
        }
        plan.output(GenerativeModel.MEMORY, memory);
        return plan.build();
    }

    private Value memory(PlanBuilder plan, TransformerLayers layers, int tokens, Value sequences) {
        Value ids = plan.input(GenerativeModel.SOURCE_IDS, TensorDesc.of(DataType.S32, tokens));
        Value positions = plan.input(GenerativeModel.SOURCE_POSITIONS, TensorDesc.of(DataType.S32, tokens));
        Value embedded = plan.add(weights.source(), ids, positions);
        return layers.encoder(weights.encoder(), embedded, layers.attendSelf(sequences, Masks.NONE));
    }

    /** One token of each sequence, over the cache. */
    Plan step(int rows, int threads) {
        PlanBuilder plan = builder("step[" + rows + " rows", threads);
        TransformerLayers layers = new TransformerLayers(plan, config.transformer());
        Value ids = plan.input(GenerativeModel.STEP_IDS, TensorDesc.of(DataType.S32, rows));
        Value positions = plan.input(GenerativeModel.STEP_POSITIONS, TensorDesc.of(DataType.S32, rows));
        Value lengths = plan.input(GenerativeModel.STEP_LENGTHS, TensorDesc.of(DataType.S32, rows));
        Value tables = plan.input(GenerativeModel.STEP_TABLES, TensorDesc.of(DataType.U8, (long) rows * Long.BYTES));
        Value sourceLengths = plan.input(GenerativeModel.STEP_SOURCE_LENGTHS, TensorDesc.of(DataType.S32, rows));
        Value sourceTables = plan.input(GenerativeModel.STEP_SOURCE_TABLES, TensorDesc.of(DataType.U8, (long) rows * Long.BYTES));
        Value embedded = plan.add(weights.target(), ids, positions);
        int heads = config.transformer().numHeads();
        int maxKeys = config.tokens().maxPositions();
        Value out = layers.decoder(weights.decoder(), embedded,
                i -> qkv -> plan.add(new PagedAttentionOp(layout, i, heads, true, maxKeys), qkv, lengths, tables),
                i -> q -> plan.add(new PagedAttentionOp(layout, i, heads, false, maxKeys), q, sourceLengths, sourceTables));
        plan.output(GenerativeModel.LOGITS, layers.linear(weights.lmHead(), out));
        return plan.build();
    }

    /** Whole targets at once, without a cache: sources and targets to memory and logits. */
    Plan forced(int sourceTokens, int targetTokens, int maxSequences, int threads) {
        PlanBuilder plan = builder("forced[" + sourceTokens + " and " + targetTokens + " tokens", threads);
        TransformerLayers layers = new TransformerLayers(plan, config.transformer());
        Value sourceSequences = plan.input(GenerativeModel.SOURCE_SEQUENCES, TensorDesc.of(DataType.S32, maxSequences + 2));
        Value memory = memory(plan, layers, sourceTokens, sourceSequences);
        Value ids = plan.input(GenerativeModel.STEP_IDS, TensorDesc.of(DataType.S32, targetTokens));
        Value positions = plan.input(GenerativeModel.STEP_POSITIONS, TensorDesc.of(DataType.S32, targetTokens));
        Value sequences = plan.input(GenerativeModel.STEP_LENGTHS, TensorDesc.of(DataType.S32, maxSequences + 2));
        Value embedded = plan.add(weights.target(), ids, positions);
        Value out = layers.decoder(weights.decoder(), embedded, i -> layers.attendSelf(sequences, Masks.CAUSAL),
                i -> layers.attendMemory(layers.linear(weights.decoder().layers().get(i).cross().keyValue(), memory), sequences,
                        sourceSequences, Masks.NONE));
        plan.output(GenerativeModel.MEMORY, memory);
        plan.output(GenerativeModel.LOGITS, layers.linear(weights.lmHead(), out));
        return plan.build();
    }
}
