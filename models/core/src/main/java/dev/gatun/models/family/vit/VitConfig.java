package dev.gatun.models.family.vit;

import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.encode.Activations;
import dev.gatun.models.vision.VisionSpec.InputSize;
import dev.gatun.tensor.op.Activation;
import java.util.Map;

/**
 * Sizes of a ViT or DeiT; mirrors {@code config.json}.
 *
 * @param distilled    {@code model_type} deit: a second learned token
 * @param channels     {@code num_channels}
 * @param image        {@code image_size}
 * @param patch        {@code patch_size}; what remains of the picture at the right and below is not seen
 * @param hiddenSize   dModel
 * @param numLayers    {@code num_hidden_layers}
 * @param numHeads     {@code num_attention_heads}
 * @param headDim      {@code head_dim}, usually hiddenSize / numHeads
 * @param dFf          {@code intermediate_size}
 * @param normEps      {@code layer_norm_eps}
 * @param activation   {@code hidden_act}
 * @param qkvBias      whether query, key and value have biases
 */
record VitConfig(boolean distilled, int channels, InputSize image, InputSize patch, int hiddenSize, int numLayers, int numHeads,
        int headDim, int dFf, float normEps, Activation activation, boolean qkvBias) {
    /** Reads the fields; what is absent has transformers' default. */
    static VitConfig of(ConfigFields config) {
        config.ignore("hidden_dropout_prob", "attention_probs_dropout_prob", "initializer_range", "encoder_stride", "pooler_output_size",
                "pooler_act");
        int hidden = config.integer("hidden_size", 1, 1 << 20, 768);
        int heads = config.integer("num_attention_heads", 1, 1 << 12, 12);
        InputSize image = InputSize.of(config, "image_size", 224);
        InputSize patch = InputSize.of(config, "patch_size", 16);
        if (patch.height() > image.height() || patch.width() > image.width()) {
            throw config.error("patch_size", "at most the image_size " + image);
        }
        if (hidden < heads && !config.has("head_dim")) {
            throw config.error("num_attention_heads", "at most the hidden_size " + hidden);
        }
        return new VitConfig(config.choice("model_type", Map.of("vit", false, "deit", true)),
                config.integer("num_channels", 1, 1 << 10, 3), image, patch, hidden, config.integer("num_hidden_layers", 1, 1 << 12, 12),
                heads, config.integer("head_dim", 1, 1 << 16, hidden / heads), config.integer("intermediate_size", 1, 1 << 22, 3072),
                (float) config.number("layer_norm_eps", 1e-12), Activations.of(config, "hidden_act", Activation.GELU_ERF),
                config.flag("qkv_bias", true));
    }

    /** Learned tokens of a picture beside the patches: class and, of DeiT, distillation. */
    int learned() {
        return distilled ? 2 : 1;
    }

    /** Patches of a picture. */
    int patches() {
        return image.height() / patch.height() * (image.width() / patch.width());
    }
}
