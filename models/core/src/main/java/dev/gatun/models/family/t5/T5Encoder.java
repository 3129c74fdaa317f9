package dev.gatun.models.family.t5;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.encode.EncoderFamily;
import dev.gatun.models.encode.TextEncoder;
import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.models.layer.EncoderWeights;
import dev.gatun.models.layer.Positions;
import dev.gatun.tensor.graph.Distances;
import dev.gatun.tensor.graph.LayerNorm;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.AttentionOp;
import java.util.ArrayList;
import java.util.List;

/**
 * The encoder of T5, mT5 and UMT5 (Raffel et al. 2020), as sentence-t5 is made of: RMS norms first, no biases, unscaled products to which a
 * bias by the distance from query to key is added: one for all layers, or UMT5's one for each.
 */
public final class T5Encoder implements EncoderFamily {
    static final String FIRST = "encoder.block.0.layer.0.SelfAttention.q.weight";

    @Override
    public String name() {
        return "t5-encoder";
    }

    @Override
    public List<String> words() {
        return List.of("t5", "mt5", "umt5", "T5EncoderModel", "MT5EncoderModel", "UMT5EncoderModel");
    }

    @Override
    public boolean claims(Checkpoint checkpoint) {
        return List.of("t5", "mt5", "umt5").contains(checkpoint.modelType());
    }

    @Override
    public TextEncoder describe(Checkpoint checkpoint, WeightSource source) {
        T5EncoderConfig config = T5EncoderConfig.of(checkpoint.fields());
        boolean oneForEach = checkpoint.modelType().equals("umt5");
        EncoderSpec spec = config.spec();
        WeightScope scope = WeightScope.locate(source, FIRST);
        WeightScope encoder = scope.child("encoder");
        Weight words = scope.child("shared").has("weight") ? scope.child("shared").weight("weight", spec.vocabSize(), spec.hiddenSize())
                : encoder.child("embed_tokens").weight("weight", spec.vocabSize(), spec.hiddenSize());
        return new TextEncoder(spec, weights(encoder, config, words, oneForEach));
    }

    /** The encoder's parameters, whatever follows it. */
    static EncoderWeights weights(WeightScope encoder, T5EncoderConfig config, Weight words, boolean oneForEach) {
        EncoderSpec spec = config.spec();
        List<EncoderWeights.Layer> layers = new ArrayList<>();
        Weight shared = oneForEach ? null : distances(encoder, 0, config, true);
        for (int i = 0; i < spec.numLayers(); i++) {
            WeightScope layer = encoder.child("block").child(i).child("layer");
            Linear.Part[] dense = dense(layer.child(1), config);
            layers.add(new EncoderWeights.Layer(attention(layer.child(0).child("SelfAttention"), spec, oneForEach
                    ? distances(encoder, i, config, true) : shared), norm(layer.child(0).child("layer_norm"), spec), dense[0], dense[1],
                    dense[2], norm(layer.child(1).child("layer_norm"), spec)));
        }
        return new EncoderWeights(words, new Positions.None(), null, null, null, layers, norm(encoder.child("final_layer_norm"), spec));
    }

    /** What is added by distance in a block. */
    static Weight distances(WeightScope stack, int block, T5EncoderConfig config, boolean bidirectional) {
        Weight buckets = stack.child("block").child(block).child("layer").child(0).child("SelfAttention").child("relative_attention_bias")
                .weight("weight", config.buckets(), config.spec().numHeads());
        return Distances.ofBuckets(stack.arena(), buckets, bidirectional, config.maxDistance());
    }

    /** The four projections of an attention. */
    static EncoderWeights.Attention attention(WeightScope attention, EncoderSpec spec, Weight distances) {
        int d = spec.hiddenSize();
        int inner = spec.numHeads() * spec.headDim();
        return new EncoderWeights.Attention(attention.part("q", d, inner, false), attention.part("k", d, inner, false),
                attention.part("v", d, inner, false), attention.part("o", inner, d, false), new AttentionOp.Scores(1f, 0f, 0), distances,
                null, null);
    }

    /** Gate, which may be null, up and down of a feed-forward. */
    static Linear.Part[] dense(WeightScope sublayer, T5EncoderConfig config) {
        WeightScope dense = sublayer.child("DenseReluDense");
        int d = config.spec().hiddenSize();
        int dFf = config.spec().dFf();
        return new Linear.Part[] {config.gated() ? dense.part("wi_0", d, dFf, false) : null,
            dense.part(config.gated() ? "wi_1" : "wi", d, dFf, false), dense.part("wo", dFf, d, false)};
    }

    static LayerNorm norm(WeightScope norm, EncoderSpec spec) {
        return LayerNorm.rms(norm.weight("weight", spec.hiddenSize()), spec.normEps());
    }
}
