package dev.gatun.models.family.clip;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.encode.Activations;
import dev.gatun.tensor.op.Activation;
import java.nio.file.Path;

/**
 * Sizes of a tower of CLIP or SigLIP; mirrors {@code text_config} and {@code vision_config} of config.json.
 *
 * @param siglip     {@code model_type} siglip
 * @param fields     of the tower, for what only one of the two has
 * @param hiddenSize dModel
 * @param numLayers  {@code num_hidden_layers}
 * @param numHeads   {@code num_attention_heads}; divides hiddenSize
 * @param dFf        {@code intermediate_size}
 * @param normEps    {@code layer_norm_eps}
 * @param activation {@code hidden_act}
 * @param projection columns of CLIP's vectors: {@code projection_dim}
 */
record ClipConfig(boolean siglip, ConfigFields fields, int hiddenSize, int numLayers, int numHeads, int dFf, float normEps,
        Activation activation, int projection) {
    private static final int MAX_SIZE = 1 << 20;

    /** The text tower. */
    static ClipConfig text(Path file, JsonNode config) {
        return of(file, config, "text", 512, 2048, 8);
    }

    /** The image tower. */
    static ClipConfig vision(Path file, JsonNode config) {
        return of(file, config, "vision", 768, 3072, 12);
    }

    /** What is absent has transformers' default, CLIP's text tower others than the three. */
    private static ClipConfig of(Path file, JsonNode config, String tower, int hidden, int inner, int heads) {
        boolean siglip = config.path("model_type").asText("").equals("siglip");
        ConfigFields top = ConfigFields.of(file, config);
        // Old CLIPs say it twice; where they do, this one counts, with defaults for what it does not say.
        String name = tower + (!siglip && top.has(tower + "_config_dict") ? "_config_dict" : "_config");
        ConfigFields fields = top.has(name) ? top.object(name)
                : ConfigFields.of(file, JsonNodeFactory.instance.objectNode().set(name, JsonNodeFactory.instance.objectNode()))
                        .object(name);
        fields.require("model_type", (siglip ? "siglip_" : "clip_") + tower + "_model");
        fields.ignore("attention_dropout", "dropout", "initializer_range", "initializer_factor", "projection_dim");
        int d = fields.integer("hidden_size", 1, MAX_SIZE, siglip ? 768 : hidden);
        int numHeads = fields.integer("num_attention_heads", 1, 1 << 12, siglip ? 12 : heads);
        if (d % numHeads != 0) {
            throw fields.error("num_attention_heads", "a divisor of hidden_size " + d);
        }
        double eps = fields.number("layer_norm_eps", siglip ? 1e-6 : 1e-5);
        if (!(eps >= 0)) {
            throw fields.error("layer_norm_eps", "0 or more");
        }
        return new ClipConfig(siglip, fields, d, fields.integer("num_hidden_layers", 1, 1 << 12, 12), numHeads,
                fields.integer("intermediate_size", 1, MAX_SIZE, siglip ? 3072 : inner), (float) eps,
                Activations.of(fields, "hidden_act", siglip ? Activation.GELU_TANH : Activation.QUICK_GELU),
                top.integer("projection_dim", 1, MAX_SIZE, 512));
    }

    /** Elements of a head. */
    int headDim() {
        return hiddenSize / numHeads;
    }
}
