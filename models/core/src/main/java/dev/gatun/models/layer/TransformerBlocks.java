package dev.gatun.models.layer;

import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.LayerNorm;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.BinaryOp;
import dev.gatun.tensor.op.EltwiseOp;
import dev.gatun.tensor.op.GatedOp;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;

/**
 * The blocks of every Transformer, described layer by layer over rows [tokens, dModel]; passes fuse them. What a layer attends to is
 * handed in, so that one block serves encoders, and decoders over whole sequences or over a cache.
 *
 * @param graph      where layers are added
 * @param normFirst  whether sublayers normalize their input rather than their result
 * @param activation of feed-forwards
 */
public record TransformerBlocks(GraphBuilder graph, boolean normFirst, Activation activation) {

    /** From the query, key and value of rows to what is attended: all F32 [tokens, heads * headDim]. */
    @FunctionalInterface
    public interface Attend {
        /** Adds the attention. */
        Port attend(String name, Port query, Port key, Port value);
    }

    /** Attention of rows to themselves, with residual and norm. */
    public Port selfAttention(String name, EncoderWeights.Attention weights, LayerNorm norm, Port x, Attend attend) {
        return sublayer(name, norm, x, weights.output(), in -> attend.attend(name + ".attend", linear(name + ".query", weights.query(), in),
                linear(name + ".key", weights.key(), in), linear(name + ".value", weights.value(), in)));
    }

    /** The same where what attends takes query, key and value side by side: F32 [tokens, (heads + 2 kvHeads) * headDim]. */
    public Port joinedAttention(String name, EncoderWeights.Attention weights, LayerNorm norm, Port x, BiFunction<String, Port,
            Port> attend) {
        return sublayer(name, norm, x, weights.output(), in -> attend.apply(name + ".attend", graph.add(name + ".qkv",
                new Linear(List.of(weights.query(), weights.key(), weights.value()), Activation.NONE, 1f, false), in)));
    }

    /** Attention of rows to the keys and values of others, with residual and norm: what is attended is handed in, from the query. */
    public Port crossAttention(String name, EncoderWeights.Attention weights, LayerNorm norm, Port x, UnaryOperator<Port> attend) {
        return sublayer(name, norm, x, weights.output(), in -> attend.apply(linear(name + ".query", weights.query(), in)));
    }

    /** The feed-forward of a layer, gated or not, with residual and norm. */
    public Port feedForward(String name, EncoderWeights.Layer layer, Port x) {
        return feedForward(name, layer.gate(), layer.up(), layer.down(), layer.norm(), x);
    }

    /** The same of its parts; a gate that is null is left out. */
    public Port feedForward(String name, Linear.Part gate, Linear.Part up, Linear.Part down, LayerNorm norm, Port x) {
        return gate == null ? feedForward(name, up, down, norm, x)
                : sublayer(name, norm, x, down, in -> graph.add(name + ".gated", new GatedOp(activation, false),
                        graph.add(name + ".up", new Linear(List.of(gate, up), Activation.NONE, 1f, false), in)));
    }

    /** The feed-forward, with residual and norm. */
    public Port feedForward(String name, Linear.Part up, Linear.Part down, LayerNorm norm, Port x) {
        return sublayer(name, norm, x, down, in -> activate(name + ".activation", linear(name + ".up", up, in)));
    }

    /** x + last(inner(norm(x))), or norm(x + last(inner(x))); a norm that is null is left out. */
    public Port sublayer(String name, LayerNorm norm, Port x, Linear.Part last, UnaryOperator<Port> inner) {
        Port in = normFirst && norm != null ? graph.add(name + ".norm", norm, x) : x;
        Port sum = graph.add(name + ".sum", new BinaryOp(BinaryOp.Operator.ADD), linear(name + ".output", last, inner.apply(in)), x);
        return normFirst ? sum : graph.add(name + ".norm", norm, sum);
    }

    /** A product and its bias. */
    public Port linear(String name, Linear.Part part, Port x) {
        return graph.add(name, new Linear(part), x);
    }

    private Port activate(String name, Port x) {
        return activation == Activation.NONE ? x : graph.add(name, new EltwiseOp(activation), x);
    }
}
