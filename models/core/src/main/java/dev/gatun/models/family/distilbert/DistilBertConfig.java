package dev.gatun.models.family.distilbert;

import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.encode.Activations;
import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.tensor.op.Activation;

/** Sizes of a DistilBERT; reads {@code config.json}, whose names are its own. Sinusoidal positions are a table of the checkpoint too. */
final class DistilBertConfig {
    private DistilBertConfig() {
    }

    /** Reads the fields; what is absent has transformers' default. */
    static EncoderSpec of(ConfigFields config) {
        config.require("is_encoder_decoder", false);
        config.ignore("sinusoidal_pos_embds", "dropout", "attention_dropout", "initializer_range", "qa_dropout", "seq_classif_dropout",
                "pad_token_id", "bos_token_id", "eos_token_id", "tie_word_embeddings");
        int dim = config.integer("dim", 1, 1 << 20, 768);
        int heads = config.integer("n_heads", 1, 1 << 12, 12);
        if (dim % heads != 0) {
            throw config.error("n_heads", "a divisor of dim " + dim);
        }
        return new EncoderSpec("distilbert", config.integer("vocab_size", 1, Integer.MAX_VALUE, 30522), 0, dim,
                config.integer("n_layers", 1, 1 << 12, 6), heads, dim / heads, config.integer("hidden_dim", 1, 1 << 22, 3072),
                config.integer("max_position_embeddings", 1, 1 << 24, 512), 1e-12f, false,
                Activations.of(config, "activation", Activation.GELU_ERF), false);
    }
}
