package dev.gatun.models.family.clip;

import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.layer.EncoderWeights;
import dev.gatun.tensor.graph.LayerNorm;
import dev.gatun.tensor.graph.Linear;
import java.util.ArrayList;
import java.util.List;

/**
 * The names of a tower's tensors.
 *
 * @param scope  where {@code embeddings} and {@code encoder} are
 * @param config sizes
 */
record ClipNames(WeightScope scope, ClipConfig config) {

    List<EncoderWeights.Layer> layers() {
        WeightScope parent = scope.child("encoder").child("layers");
        int d = config.hiddenSize();
        List<EncoderWeights.Layer> layers = new ArrayList<>();
        for (int i = 0; i < config.numLayers(); i++) {
            WeightScope layer = parent.child(i);
            WeightScope self = layer.child("self_attn");
            WeightScope mlp = layer.child("mlp");
            layers.add(new EncoderWeights.Layer(new EncoderWeights.Attention(self.part("q_proj", d, d, true), self.part("k_proj", d, d,
                    true),
                    self.part("v_proj", d, d, true), self.part("out_proj", d, d, true)), norm(layer.child("layer_norm1")),
                    up(mlp), down(mlp), norm(layer.child("layer_norm2"))));
        }
        if (parent.child(config.numLayers()).child("layer_norm1").has("weight")) {
            throw config.fields().error("num_hidden_layers", "the number of layers in the file, which has a layer " + config.numLayers());
        }
        return layers;
    }

    Linear.Part up(WeightScope mlp) {
        return mlp.part("fc1", config.hiddenSize(), config.dFf(), true);
    }

    Linear.Part down(WeightScope mlp) {
        return mlp.part("fc2", config.dFf(), config.hiddenSize(), true);
    }

    LayerNorm norm(WeightScope norm) {
        return new LayerNorm(norm.weight("weight", config.hiddenSize()), norm.weight("bias", config.hiddenSize()), config.normEps());
    }
}
