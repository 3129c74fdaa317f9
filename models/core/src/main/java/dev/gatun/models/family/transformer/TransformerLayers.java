package dev.gatun.models.family.transformer;

import dev.gatun.tensor.exec.PlanBuilder;
import dev.gatun.tensor.exec.Value;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.AttentionOp;
import dev.gatun.tensor.op.AttentionOp.MaskKind;
import dev.gatun.tensor.op.AttentionOp.Source;
import dev.gatun.tensor.op.LayerNormOp;
import dev.gatun.tensor.op.LayerNormWeights;
import dev.gatun.tensor.op.LinearOp;
import dev.gatun.tensor.op.LinearWeights;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.UnaryOperator;

/**
 * Encoder and decoder layers as operations of a plan, over rows [tokens, dModel]. What a layer attends to is handed in: a
 * function of its projection, the packed query, key and value for self-attention, the query for attention to the memory.
 */
final class TransformerLayers {
    private final PlanBuilder plan;
    private final TransformerConfig config;

    TransformerLayers(PlanBuilder plan, TransformerConfig config) {
        this.plan = plan;
        this.config = config;
    }

    /**
     * Masks of one attention.
     *
     * @param causal     a query sees keys up to its own position
     * @param additive   F32 value of the kind's shape, or null
     * @param kind       dimensions of the additive mask
     * @param keyPadding U8 value, not 0 where a key is hidden, or null
     */
    record Masks(boolean causal, Value additive, MaskKind kind, Value keyPadding) {
        static final Masks NONE = new Masks(false, null, MaskKind.NONE, null);
        static final Masks CAUSAL = new Masks(true, null, MaskKind.NONE, null);

        private Value[] append(List<Value> operands) {
            if (additive != null) {
                operands.add(additive);
            }
            if (keyPadding != null) {
                operands.add(keyPadding);
            }
            return operands.toArray(Value[]::new);
        }
    }

    Value encoder(TransformerWeights.Encoder weights, Value src, UnaryOperator<Value> attend) {
        Value x = src;
        for (TransformerWeights.EncoderLayer layer : weights.layers()) {
            x = self(layer.self(), layer.norm1(), x, attend);
            x = feedForward(layer.linear1(), layer.linear2(), layer.norm2(), x);
        }
        return finalNorm(weights.norm(), x);
    }

    /**
     * The decoder.
     *
     * @param self  for each layer, from the packed query, key and value to what is attended
     * @param cross for each layer, from the query to what is attended of the memory
     */
    Value decoder(TransformerWeights.Decoder weights, Value tgt, IntFunction<UnaryOperator<Value>> self,
            IntFunction<UnaryOperator<Value>> cross) {
        Value x = tgt;
        for (int i = 0; i < weights.layers().size(); i++) {
            TransformerWeights.DecoderLayer layer = weights.layers().get(i);
            x = self(layer.self(), layer.norm1(), x, self.apply(i));
            x = cross(layer.cross(), layer.norm2(), x, cross.apply(i));
            x = feedForward(layer.linear1(), layer.linear2(), layer.norm3(), x);
        }
        return finalNorm(weights.norm(), x);
    }

    private Value finalNorm(LayerNormWeights norm, Value x) {
        return norm == null ? x : plan.add(new LayerNormOp(norm), x);
    }

    private Value self(TransformerWeights.SelfAttention weights, LayerNormWeights norm, Value x, UnaryOperator<Value> attend) {
        return sublayer(norm, x, in -> attend.apply(linear(weights.queryKeyValue(), in)), weights.output());
    }

    private Value cross(TransformerWeights.CrossAttention weights, LayerNormWeights norm, Value x, UnaryOperator<Value> attend) {
        return sublayer(norm, x, in -> attend.apply(linear(weights.query(), in)), weights.output());
    }

    private Value feedForward(LinearWeights first, LinearWeights second, LayerNormWeights norm, Value x) {
        return sublayer(norm, x, in -> plan.add(new LinearOp(first, config.activation()), in), second);
    }

    /** x + last(inner(norm(x))), or norm(x + last(inner(x))); the sum is part of the last product. */
    private Value sublayer(LayerNormWeights norm, Value x, UnaryOperator<Value> inner, LinearWeights last) {
        Value in = config.normFirst() ? plan.add(new LayerNormOp(norm), x) : x;
        Value sum = plan.add(LinearOp.withResidual(last), inner.apply(in), x);
        return config.normFirst() ? sum : plan.add(new LayerNormOp(norm), sum);
    }

    Value linear(LinearWeights weights, Value x) {
        return plan.add(new LinearOp(weights, Activation.NONE), x);
    }

    /** Self-attention of whole sequences. */
    UnaryOperator<Value> attendSelf(Value sequences, Masks masks) {
        AttentionOp op = attention(Source.PACKED, masks);
        return qkv -> plan.add(op, masks.append(new ArrayList<>(List.of(qkv, sequences))));
    }

    /** Attention to key and value rows of another sequence each. */
    UnaryOperator<Value> attendMemory(Value keyValue, Value sequences, Value memorySequences, Masks masks) {
        AttentionOp op = attention(Source.KEY_VALUE, masks);
        return q -> plan.add(op, masks.append(new ArrayList<>(List.of(q, keyValue, sequences, memorySequences))));
    }

    private AttentionOp attention(Source source, Masks masks) {
        return new AttentionOp(source, config.numHeads(), config.numHeads(), config.headDim(), masks.causal(), masks.kind(),
                masks.keyPadding() != null);
    }
}
