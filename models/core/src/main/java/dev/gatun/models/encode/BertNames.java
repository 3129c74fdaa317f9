package dev.gatun.models.encode;

import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.models.layer.EncoderWeights;
import dev.gatun.models.layer.Positions;
import dev.gatun.tensor.graph.LayerNorm;
import dev.gatun.tensor.graph.Rotary;
import dev.gatun.tensor.graph.Weight;
import java.util.ArrayList;
import java.util.List;

/**
 * The names that BERT gave its tensors and that many families kept: {@code embeddings.word_embeddings},
 * {@code encoder.layer.N.attention.self.query} and so on.
 *
 * @param scope         where {@code embeddings} is
 * @param spec          sizes
 * @param embeddingSize of the embeddings
 */
public record BertNames(WeightScope scope, EncoderSpec spec, int embeddingSize) {
    /** A tensor that every checkpoint with these names has. */
    public static final String FIRST = "embeddings.word_embeddings.weight";

    /** Names of a model whose embeddings have the layers' size. */
    public BertNames(WeightScope scope, EncoderSpec spec) {
        this(scope, spec, spec.hiddenSize());
    }

    /** The word embeddings. */
    public Weight words() {
        return scope.child("embeddings").child("word_embeddings").weight("weight", spec.vocabSize(), embeddingSize);
    }

    /** The position embeddings, of so many rows. */
    public Weight positions(int rows) {
        return scope.child("embeddings").child("position_embeddings").weight("weight", rows, embeddingSize);
    }

    /** The token type embeddings, or null if there are none. */
    public Weight types() {
        return spec.typeCount() == 0 ? null : scope.child("embeddings").child("token_type_embeddings")
                .weight("weight", spec.typeCount(), embeddingSize);
    }

    /** The norm of the embeddings. */
    public LayerNorm embeddingNorm() {
        return norm(scope.child("embeddings").child("LayerNorm"), embeddingSize);
    }

    /** The layers below {@code encoder.layer}. */
    public List<EncoderWeights.Layer> layers() {
        WeightScope parent = scope.child("encoder").child("layer");
        List<EncoderWeights.Layer> layers = new ArrayList<>();
        for (int i = 0; i < spec.numLayers(); i++) {
            layers.add(layer(parent.child(i)));
        }
        if (parent.child(spec.numLayers()).child("output").child("dense").has("weight")) {
            throw new IllegalArgumentException("num_hidden_layers is " + spec.numLayers() + ", but there is a layer " + spec.numLayers());
        }
        return layers;
    }

    private EncoderWeights.Layer layer(WeightScope layer) {
        int d = spec.hiddenSize();
        WeightScope attention = layer.child("attention");
        WeightScope self = attention.child("self");
        int inner = spec.numHeads() * spec.headDim();
        return new EncoderWeights.Layer(new EncoderWeights.Attention(self.part("query", d, inner), self.part("key", d, inner),
                self.part("value", d, inner), attention.child("output").part("dense", inner, d)),
                norm(attention.child("output").child("LayerNorm"), d), layer.child("intermediate").part("dense", d, spec.dFf()),
                layer.child("output").part("dense", spec.dFf(), d), norm(layer.child("output").child("LayerNorm"), d));
    }

    /**
     * A layer with rotary positions, a gated feed-forward and norms after the sums, as transformers names its tensors.
     *
     * @param layer         where {@code self_attn} is
     * @param attentionBias whether projections of attention have a bias
     * @param downBias      whether the last product of the feed-forward has
     */
    public EncoderWeights.Layer rotary(WeightScope layer, boolean attentionBias, boolean downBias, Rotary rotary) {
        int d = spec.hiddenSize();
        int inner = spec.numHeads() * spec.headDim();
        WeightScope attention = layer.child("self_attn");
        WeightScope mlp = layer.child("mlp");
        return new EncoderWeights.Layer(new EncoderWeights.Attention(attention.part("q_proj", d, inner, attentionBias),
                attention.part("k_proj", d, inner, attentionBias), attention.part("v_proj", d, inner, attentionBias),
                attention.part("o_proj", inner, d, attentionBias), null, null, null, rotary), norm(layer.child("post_attention_layernorm"),
                d),
                mlp.part("gate_proj", d, spec.dFf(), false), mlp.part("up_proj", d, spec.dFf(), false),
                mlp.part("down_proj", spec.dFf(), d, downBias), norm(layer.child("post_mlp_layernorm"), d));
    }

    /** A norm of this model. */
    public LayerNorm norm(WeightScope norm, int size) {
        return new LayerNorm(norm.weight("weight", size), norm.weight("bias", size), spec.normEps());
    }

    /** The whole of a model whose embeddings need no projection. */
    public EncoderWeights weights(Positions positions) {
        return new EncoderWeights(words(), positions, types(), embeddingNorm(), null, layers(), null);
    }
}
