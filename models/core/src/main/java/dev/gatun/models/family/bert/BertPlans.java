package dev.gatun.models.family.bert;

import dev.gatun.models.family.bert.EncoderSession.SessionOptions;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.Lifetime;
import dev.gatun.tensor.exec.Plan;
import dev.gatun.tensor.exec.PlanBuilder;
import dev.gatun.tensor.exec.Value;
import dev.gatun.tensor.op.AttentionOp;
import dev.gatun.tensor.op.EmbeddingOp;
import dev.gatun.tensor.op.LayerNormOp;
import dev.gatun.tensor.op.LinearOp;
import dev.gatun.tensor.op.SequencePoolOp;
import java.lang.foreign.Arena;

/** Compiles the forward pass for a number of tokens (Devlin et al. 2018, post-norm encoder layers). */
final class BertPlans {
    /** Input: S32 [tokens], ids; rows past the last sequence hold any valid id. */
    static final String IDS = "ids";
    /** Input: S32 [tokens], position of each token in its sequence. */
    static final String POSITIONS = "positions";
    /** Input: S32 [2 + maxSequences]: how many sequences, then their offsets in tokens. */
    static final String SEQUENCES = "sequences";
    /** Output: F32 [maxSequences, hiddenSize]. */
    static final String POOLED = "pooled";

    private BertPlans() {
    }

    static Plan compile(BertConfig config, BertWeights weights, Lifetime lifetime, Arena arena,
            int tokens, int maxSequences, SessionOptions options) {
        PlanBuilder plan = new PlanBuilder("bert[" + tokens + " tokens, " + options.threads() + " threads]",
                lifetime, arena, options.threads());
        Value ids = plan.input(IDS, TensorDesc.of(DataType.S32, tokens));
        Value positions = plan.input(POSITIONS, TensorDesc.of(DataType.S32, tokens));
        Value sequences = plan.input(SEQUENCES, TensorDesc.of(DataType.S32, maxSequences + 2));
        Value x = plan.add(new EmbeddingOp(weights.wordEmbeddings(), weights.positionEmbeddings(),
                weights.typeEmbeddings(), weights.embeddingNorm()), ids, positions);
        AttentionOp attention = AttentionOp.packedSelf(config.numHeads(), config.headDim());
        for (BertWeights.Layer layer : weights.layers()) {
            Value qkv = plan.add(new LinearOp(layer.queryKeyValue(), dev.gatun.tensor.op.Activation.NONE), x);
            Value attended = plan.add(attention, qkv, sequences);
            Value projected = plan.add(LinearOp.withResidual(layer.attentionOutput()), attended, x);
            Value normed = plan.add(new LayerNormOp(layer.attentionNorm()), projected);
            Value hidden = plan.add(new LinearOp(layer.intermediate(), config.activation()), normed);
            Value output = plan.add(LinearOp.withResidual(layer.output()), hidden, normed);
            x = plan.add(new LayerNormOp(layer.outputNorm()), output);
        }
        Value pooled = plan.add(new SequencePoolOp(
                options.pooling() == Pooling.MEAN, options.normalize(), maxSequences), x, sequences);
        plan.output(POOLED, pooled);
        return plan.build();
    }
}
