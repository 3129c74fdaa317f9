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
    private static final String FIRST = "encoder.block.0.layer.0.SelfAttention.q.weight";

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
        List<EncoderWeights.Layer> layers = new ArrayList<>();
        Weight shared = oneForEach ? null : distances(encoder, 0, config);
        for (int i = 0; i < spec.numLayers(); i++) {
            layers.add(layer(encoder.child("block").child(i).child("layer"), config, oneForEach ? distances(encoder, i, config) : shared));
        }
        Weight words = scope.child("shared").has("weight") ? scope.child("shared").weight("weight", spec.vocabSize(), spec.hiddenSize())
                : encoder.child("embed_tokens").weight("weight", spec.vocabSize(), spec.hiddenSize());
        return new TextEncoder(spec, new EncoderWeights(words, new Positions.None(), null, null, null, layers,
                norm(encoder.child("final_layer_norm"), spec)));
    }

    private static Weight distances(WeightScope encoder, int block, T5EncoderConfig config) {
        Weight buckets = encoder.child("block").child(block).child("layer").child(0).child("SelfAttention").child("relative_attention_bias")
                .weight("weight", config.buckets(), config.spec().numHeads());
        return Distances.ofBuckets(encoder.arena(), buckets, true, config.maxDistance());
    }

    private static EncoderWeights.Layer layer(WeightScope layer, T5EncoderConfig config, Weight distances) {
        EncoderSpec spec = config.spec();
        int d = spec.hiddenSize();
        int inner = spec.numHeads() * spec.headDim();
        WeightScope attention = layer.child(0).child("SelfAttention");
        WeightScope dense = layer.child(1).child("DenseReluDense");
        Linear.Part gate = config.gated() ? dense.part("wi_0", d, spec.dFf(), false) : null;
        return new EncoderWeights.Layer(new EncoderWeights.Attention(attention.part("q", d, inner, false), attention.part("k", d, inner,
                false),
                attention.part("v", d, inner, false), attention.part("o", inner, d, false), new AttentionOp.Scores(1f, 0f, 0), distances,
                null, null),
                norm(layer.child(0).child("layer_norm"), spec), gate, dense.part(config.gated() ? "wi_1" : "wi", d, spec.dFf(), false),
                dense.part("wo", spec.dFf(), d, false), norm(layer.child(1).child("layer_norm"), spec));
    }

    private static LayerNorm norm(WeightScope norm, EncoderSpec spec) {
        return LayerNorm.rms(norm.weight("weight", spec.hiddenSize()), spec.normEps());
    }
}
