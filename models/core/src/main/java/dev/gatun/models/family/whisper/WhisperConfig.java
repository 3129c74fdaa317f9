package dev.gatun.models.family.whisper;

import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.encode.Activations;
import dev.gatun.tensor.op.Activation;

/**
 * Sizes of a Whisper model; mirrors {@code config.json}.
 *
 * @param vocabSize     {@code vocab_size}
 * @param melBins       {@code num_mel_bins}
 * @param dModel        {@code d_model}
 * @param encoder       layers, heads and columns of the encoder's feed-forward
 * @param decoder       the same of the decoder
 * @param activation    {@code activation_function} of feed-forwards; the stem's is always gelu
 * @param sourceLen     {@code max_source_positions}: half of the frames of a window
 * @param targetLen     {@code max_target_positions}
 * @param medianWidth   {@code median_filter_width} of word times
 * @param tied          {@code tie_word_embeddings}
 */
public record WhisperConfig(int vocabSize, int melBins, int dModel, Stack encoder, Stack decoder, Activation activation, int sourceLen,
        int targetLen, int medianWidth, boolean tied) {

    /** Checks that the heads divide d_model. */
    public WhisperConfig {
        if (dModel < 1 || dModel % encoder.heads() != 0 || dModel % decoder.heads() != 0) {
            throw new IllegalArgumentException("d_model " + dModel + ": expected a multiple of " + encoder.heads() + " and "
                    + decoder.heads() + " heads");
        }
    }

    /** {@code *_layers}, {@code *_attention_heads}, {@code *_ffn_dim}. */
    public record Stack(int layers, int heads, int dFf) {
        /** Checks that there is a head. */
        public Stack {
            if (heads < 1) {
                throw new IllegalArgumentException(heads + " heads, expected 1 or more");
            }
        }

        private static Stack of(ConfigFields config, String side, int dModel) {
            String field = side + "_attention_heads";
            int heads = config.integer(field, 1, 1 << 12, 6);
            if (dModel % heads != 0) {
                throw config.error(field, "a divisor of d_model " + dModel);
            }
            return new Stack(config.integer(side + "_layers", 1, 1 << 12, 4), heads, config.integer(side + "_ffn_dim", 1, 1 << 22, 1536));
        }
    }

    /**
     * Reads the fields; what is absent has transformers' default. Those that only generation reads are left to
     * {@link WhisperGeneration}.
     *
     * @throws dev.gatun.models.checkpoint.WeightException if a field has a value that is not served
     */
    public static WhisperConfig of(ConfigFields config) {
        config.require("model_type", "whisper");
        config.require("is_encoder_decoder", true);
        // What transformers reads in training and for classification, its own bookkeeping, and scale_embedding, which it never applies.
        config.ignore("architectures", "_name_or_path", "transformers_version", "torch_dtype", "dtype", "use_cache", "init_std", "dropout",
                "attention_dropout", "activation_dropout", "encoder_layerdrop", "decoder_layerdrop", "scale_embedding",
                "use_weighted_layer_sum", "classifier_proj_size", "apply_spec_augment", "mask_time_prob", "mask_time_length",
                "mask_time_min_masks", "mask_feature_prob", "mask_feature_length", "mask_feature_min_masks", "num_hidden_layers",
                "attn_implementation", "id2label", "label2id", "return_dict", "output_hidden_states", "output_attentions", "problem_type",
                "chunk_size_feed_forward");
        int d = config.integer("d_model", 1, 1 << 20, 384);
        int median = config.integer("median_filter_width", 1, 1001, 7);
        if (median % 2 == 0) {
            throw config.error("median_filter_width", "an odd number");
        }
        return new WhisperConfig(config.integer("vocab_size", 2, 1 << 24, 51865), config.integer("num_mel_bins", 1, 1 << 10, 80), d,
                Stack.of(config, "encoder", d), Stack.of(config, "decoder", d),
                Activations.of(config, "activation_function", Activation.GELU_ERF),
                config.integer("max_source_positions", 1, 1 << 20, 1500), config.integer("max_target_positions", 4, 1 << 20, 448), median,
                config.flag("tie_word_embeddings", true));
    }

    /** Frames of a window. */
    public int frames() {
        return 2 * sourceLen;
    }

    /** Elements of a head of the decoder. */
    public int headDim() {
        return dModel / decoder.heads();
    }
}
