package dev.gatun.models.family.transformer;

import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.layer.DecoderWeights;
import dev.gatun.models.layer.EncoderWeights;
import dev.gatun.tensor.graph.LayerNorm;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Weight;
import java.util.ArrayList;
import java.util.List;

/** Finds encoder and decoder layers by PyTorch's names. */
record TransformerWeights(TransformerConfig config) {

    /**
     * An encoder's layers.
     *
     * @param norm the final one, or null
     */
    record Encoder(List<EncoderWeights.Layer> layers, LayerNorm norm) {
    }

    /** The names of {@code nn.TransformerEncoder}. */
    Encoder encoder(WeightScope scope) {
        List<EncoderWeights.Layer> layers = new ArrayList<>();
        for (int i = 0; i < config.numEncoderLayers(); i++) {
            WeightScope layer = scope.child("layers").child(i);
            layers.add(new EncoderWeights.Layer(attention(layer.child("self_attn")), norm(layer.child("norm1")),
                    layer.part("linear1", config.dModel(), config.dFf()), layer.part("linear2", config.dFf(), config.dModel()),
                    norm(layer.child("norm2"))));
        }
        return new Encoder(List.copyOf(layers), config.finalNorm() ? norm(scope.child("norm")) : null);
    }

    /** The names of {@code nn.TransformerDecoder}. */
    DecoderWeights decoder(WeightScope scope) {
        List<DecoderWeights.Layer> layers = new ArrayList<>();
        for (int i = 0; i < config.numDecoderLayers(); i++) {
            WeightScope layer = scope.child("layers").child(i);
            layers.add(new DecoderWeights.Layer(attention(layer.child("self_attn")), norm(layer.child("norm1")),
                    attention(layer.child("multihead_attn")), norm(layer.child("norm2")),
                    layer.part("linear1", config.dModel(), config.dFf()), layer.part("linear2", config.dFf(), config.dModel()),
                    norm(layer.child("norm3"))));
        }
        return new DecoderWeights(layers, config.finalNorm() ? norm(scope.child("norm")) : null);
    }

    /** Rows of {@code in_proj_weight} [3 dModel, dModel]: query, key and value are its thirds. */
    EncoderWeights.Attention attention(WeightScope scope) {
        int d = config.dModel();
        Weight weight = scope.weight("in_proj_weight", 3L * d, d);
        Weight bias = scope.has("in_proj_bias") ? scope.weight("in_proj_bias", 3L * d) : null;
        Linear.Part[] thirds = new Linear.Part[3];
        for (int i = 0; i < 3; i++) {
            thirds[i] = new Linear.Part(WeightScope.rows(weight, i * d, d), false, bias == null ? null : WeightScope.rows(bias, i * d, d));
        }
        return new EncoderWeights.Attention(thirds[0], thirds[1], thirds[2], scope.part("out_proj", d, d));
    }

    private LayerNorm norm(WeightScope scope) {
        return new LayerNorm(scope.weight("weight", config.dModel()), scope.weight("bias", config.dModel()), config.layerNormEps());
    }
}
