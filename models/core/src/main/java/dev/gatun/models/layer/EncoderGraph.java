package dev.gatun.models.layer;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.graph.Apply;
import dev.gatun.tensor.graph.Attention;
import dev.gatun.tensor.graph.Embedding;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Layer;
import dev.gatun.tensor.graph.LayerNorm;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.op.AttentionOp;
import java.util.ArrayList;
import java.util.List;

/** Describes a Transformer encoder over sequences that lie end to end. */
public final class EncoderGraph {
    /** Input: S32 [tokens], ids; rows past the last sequence hold any valid id. */
    public static final String IDS = "ids";
    /** Input, where positions are absolute: S32 [tokens], row of each token's position. */
    public static final String POSITIONS = "positions";
    /** Input, where there are token types: S32 [tokens]. */
    public static final String TYPES = "types";
    /** Input: S32 [2 + maxSequences]: how many sequences, then their offsets in tokens. */
    public static final String SEQUENCES = "sequences";
    /** The free dimension. */
    public static final String TOKENS = "tokens";

    private final GraphBuilder graph;
    private final String prefix;
    private final EncoderSpec spec;
    private final EncoderWeights weights;
    private final Port sequences;

    /**
     * Starts a description.
     *
     * @param maxSequences sequences that are computed together at most
     */
    public EncoderGraph(GraphBuilder graph, EncoderSpec spec, EncoderWeights weights, int maxSequences) {
        this(graph, "", spec, weights, graph.input(SEQUENCES, Spec.of(DataType.S32, maxSequences + 2)));
    }

    /**
     * Starts a description beside others.
     *
     * @param prefix    before the names of inputs and nodes
     * @param sequences S32 [2 + maxSequences]
     */
    public EncoderGraph(GraphBuilder graph, String prefix, EncoderSpec spec, EncoderWeights weights, Port sequences) {
        this.graph = graph;
        this.prefix = prefix;
        this.spec = spec;
        this.weights = weights;
        this.sequences = sequences;
    }

    /** The sequences, for what follows the last layer. */
    public Port sequences() {
        return sequences;
    }

    /** Adds embeddings and layers: F32 [tokens, hiddenSize]. */
    public Port hidden() {
        TransformerBlocks blocks = new TransformerBlocks(graph, spec.normFirst(), spec.activation());
        Port x = embeddings(blocks);
        for (int i = 0; i < weights.layers().size(); i++) {
            EncoderWeights.Layer layer = weights.layers().get(i);
            String name = prefix + "layer." + i;
            x = attention(blocks, name + ".attention", layer.attention(), layer.attentionNorm(), x);
            x = blocks.feedForward(name + ".ffn", layer, x);
        }
        return weights.finalNorm() == null ? x : graph.add(prefix + "final_norm", weights.finalNorm(), x);
    }

    private Port attention(TransformerBlocks blocks, String name, EncoderWeights.Attention weights, LayerNorm norm, Port x) {
        AttentionOp.Source source = weights.rotary() == null ? AttentionOp.Source.SEPARATE : AttentionOp.Source.PACKED;
        AttentionOp op = new AttentionOp(source, spec.numHeads(), spec.numKvHeads(), spec.headDim(), spec.causal(),
                AttentionOp.MaskKind.NONE, false);
        AttentionOp scored = weights.scores() == null ? op : op.withScores(weights.scores());
        Layer layer = weights.distances() == null && weights.positions() == null ? new Apply(scored)
                : new Attention(scored, weights.distances(), weights.positions());
        return weights.rotary() == null
                ? blocks.selfAttention(name, weights, norm, x, (at, q, k, v) -> graph.add(at, layer, q, k, v, sequences, sequences))
                : blocks.joinedAttention(name, weights, norm, x, (at, joined) -> graph.add(at, layer,
                        graph.add(name + ".rotary", weights.rotary(), joined, sequences), sequences));
    }

    private Port embeddings(TransformerBlocks blocks) {
        List<Port> operands = new ArrayList<>(List.of(graph.input(prefix + IDS, Spec.of(DataType.S32, TOKENS))));
        Positions.Absolute absolute = weights.positions() instanceof Positions.Absolute a ? a : null;
        if (absolute != null) {
            operands.add(graph.input(prefix + POSITIONS, Spec.of(DataType.S32, TOKENS)));
        }
        if (weights.types() != null) {
            operands.add(graph.input(prefix + TYPES, Spec.of(DataType.S32, TOKENS)));
        }
        Port x = graph.add(prefix + "embeddings", new Embedding(weights.words(), absolute == null ? null : absolute.table(),
                weights.types(), weights.types() != null, null, weights.wordScale()), operands.toArray(Port[]::new));
        x = weights.norm() == null ? x : graph.add(prefix + "embeddings.norm", weights.norm(), x);
        return weights.projection() == null ? x : blocks.linear(prefix + "embeddings.projection", weights.projection(), x);
    }
}
