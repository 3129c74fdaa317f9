package dev.gatun.models.family.bart;

import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.encode.Activations;
import dev.gatun.models.generate.GenerativeModel;
import dev.gatun.models.layer.DecoderSpec;
import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.tensor.op.Activation;

/**
 * Sizes of a BART or one of its kind; mirrors {@code config.json}.
 *
 * @param encoder sizes of the encoder, and {@code vocab_size}
 * @param decoder sizes of the decoder
 * @param dFf     {@code decoder_ffn_dim}
 * @param tokens  numbers of the target's vocabulary, of {@code decoder_vocab_size} where nothing is shared
 * @param pad     {@code pad_token_id}: attended to where a source has it
 * @param scale   {@code scale_embedding}: word embeddings times sqrt(d_model)
 * @param tied    {@code tie_word_embeddings}
 * @param shared  Marian's {@code share_encoder_decoder_embeddings}
 */
record BartConfig(EncoderSpec encoder, DecoderSpec decoder, int dFf, GenerativeModel.Tokens tokens, int pad, boolean scale,
        boolean tied, boolean shared) {

    /** torch.nn.LayerNorm's, which no field changes. */
    static final float NORM_EPS = 1e-5f;

    private static final int MAX = 1 << 20;

    /** Reads the fields; what is absent has transformers' default. */
    static BartConfig of(ConfigFields config, BartKind kind) {
        config.ignore("dropout", "attention_dropout", "activation_dropout", "classifier_dropout", "classif_dropout", "encoder_layerdrop",
                "decoder_layerdrop", "init_std", "use_cache", "num_hidden_layers", "gradient_checkpointing", "task_specific_params",
                "output_past");
        config.require("is_encoder_decoder", true);
        config.require("is_decoder", false);
        // Older configs name what is a matter of the class.
        config.require("normalize_before", kind.normFirst);
        config.require("normalize_embedding", kind.embeddingNorm);
        config.require("add_final_layer_norm", kind.finalNorm);
        config.require("add_bias_logits", false);
        config.require("static_position_embeddings", kind.places != BartKind.Places.LEARNED);
        config.require("extra_pos_embeddings", kind == BartKind.BART || kind == BartKind.MBART ? 2 : kind == BartKind.PEGASUS ? 1 : 0, 0);
        BartKind.Defaults or = kind.defaults;
        int d = config.integer("d_model", 1, MAX, 1024);
        int vocabSize = config.integer("vocab_size", 1, Integer.MAX_VALUE, or.vocabSize());
        boolean shared = kind != BartKind.MARIAN || config.flag("share_encoder_decoder_embeddings", true);
        int targetSize = shared ? vocabSize : config.integer("decoder_vocab_size", 1, Integer.MAX_VALUE, vocabSize);
        config.require("decoder_vocab_size", targetSize);
        int longest = config.integer("max_position_embeddings", 1, MAX, 1024);
        int heads = config.integer("encoder_attention_heads", 1, 1 << 12, 16);
        int decoderHeads = config.integer("decoder_attention_heads", 1, 1 << 12, 16);
        Activation activation = Activations.of(config, "activation_function", or.activation());
        EncoderSpec encoder = new EncoderSpec(kind.family, vocabSize, 0, d, config.integer("encoder_layers", 1, 1 << 12, 12), heads,
                headDim(config, "encoder_attention_heads", d, heads), config.integer("encoder_ffn_dim", 1, 1 << 22, 4096), longest,
                NORM_EPS, kind.normFirst, activation, false);
        DecoderSpec decoder = new DecoderSpec(d, config.integer("decoder_layers", 1, 1 << 12, 12), decoderHeads,
                headDim(config, "decoder_attention_heads", d, decoderHeads), longest, longest, kind.normFirst, activation);
        return new BartConfig(encoder, decoder, config.integer("decoder_ffn_dim", 1, 1 << 22, 4096), tokens(config, targetSize, longest,
                kind), pad(config, Math.min(vocabSize, targetSize), kind), config.flag("scale_embedding", or.scale()),
                config.flag("tie_word_embeddings", true), shared);
    }

    private static int headDim(ConfigFields config, String field, int d, int heads) {
        if (d % heads != 0) {
            throw config.error(field, "a divisor of d_model " + d);
        }
        return d / heads;
    }

    private static int pad(ConfigFields config, int vocabSize, BartKind kind) {
        return config.integer("pad_token_id", 0, vocabSize - 1, kind.defaults.pad());
    }

    private static GenerativeModel.Tokens tokens(ConfigFields config, int vocabSize, int longest, BartKind kind) {
        int last = vocabSize - 1;
        int pad = pad(config, vocabSize, kind);
        int bos = config.integer("bos_token_id", 0, last, kind.defaults.bos() < 0 ? pad : kind.defaults.bos());
        return new GenerativeModel.Tokens(vocabSize, longest, -1, bos, config.integer("eos_token_id", 0, last, kind.defaults.eos()),
                config.integer("decoder_start_token_id", 0, last, kind == BartKind.MBART ? bos : kind.defaults.decoderStart()));
    }
}
