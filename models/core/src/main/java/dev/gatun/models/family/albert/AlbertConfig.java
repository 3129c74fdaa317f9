package dev.gatun.models.family.albert;

import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.encode.Activations;
import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.tensor.op.Activation;

/**
 * Sizes of an ALBERT; mirrors {@code config.json}.
 *
 * @param embeddingSize of the embeddings, which are always projected to hiddenSize
 * @param groups        {@code num_hidden_groups}: layers that follow each other share the weights of a group
 * @param innerGroups   {@code inner_group_num}: layers of a group
 * @param spec          the rest; its layers are those of all groups
 */
record AlbertConfig(int embeddingSize, int groups, int innerGroups, EncoderSpec spec) {

    /** Reads the fields; what is absent has transformers' default. */
    static AlbertConfig of(ConfigFields config) {
        config.require("position_embedding_type", "absolute");
        config.require("is_encoder_decoder", false);
        config.ignore("hidden_dropout_prob", "attention_probs_dropout_prob", "initializer_range", "bos_token_id", "eos_token_id",
                "classifier_dropout_prob", "tie_word_embeddings", "pad_token_id");
        int hiddenSize = config.integer("hidden_size", 1, 1 << 20, 4096);
        int numHeads = config.integer("num_attention_heads", 1, 1 << 12, 64);
        if (hiddenSize % numHeads != 0) {
            throw config.error("num_attention_heads", "a divisor of hidden_size " + hiddenSize);
        }
        int inner = config.integer("inner_group_num", 1, 1 << 12, 1);
        int layers = config.integer("num_hidden_layers", 1, 1 << 12, 12);
        return new AlbertConfig(config.integer("embedding_size", 1, 1 << 20, 128), config.integer("num_hidden_groups", 1, layers, 1), inner,
                new EncoderSpec("albert", config.integer("vocab_size", 1, Integer.MAX_VALUE, 30000),
                        config.integer("type_vocab_size", 0, 1 << 20, 2),
                        hiddenSize, layers * inner, numHeads, hiddenSize / numHeads, config.integer("intermediate_size", 1, 1 << 22, 16384),
                        config.integer("max_position_embeddings", 1, 1 << 24, 512), (float) config.number("layer_norm_eps", 1e-12), false,
                        Activations.of(config, "hidden_act", Activation.GELU_TANH), false));
    }
}
