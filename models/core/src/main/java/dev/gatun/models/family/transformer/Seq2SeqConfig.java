package dev.gatun.models.family.transformer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.generate.GenerativeModel;
import dev.gatun.tensor.op.Activation;
import java.io.IOException;
import java.nio.file.Path;

/**
 * Sizes and tokens of a token model; mirrors its {@code config.json}, whose architecture is {@code seq2seq-transformer}.
 *
 * @param transformer      sizes of the layers: {@code d_model}, {@code num_heads}, {@code num_encoder_layers},
 * {@code num_decoder_layers}, {@code d_ff}, {@code activation} (relu, gelu), {@code norm_first}, {@code layer_norm_eps}
 * @param tokens           {@code vocab_size}, {@code max_positions}, {@code pad_token_id}, {@code bos_token_id},
 *                         {@code eos_token_id}, {@code decoder_start_token_id}
 * @param learnedPositions {@code positions}: learned instead of sinusoidal
 * @param scaleEmbedding   {@code scale_embedding}: embeddings times sqrt(dModel)
 * @param tieEmbeddings    {@code tie_embeddings}: one table serves encoder, decoder and LM head
 * @param tokenizer        {@code tokenizer}: characters or none
 */
public record Seq2SeqConfig(TransformerConfig transformer, GenerativeModel.Tokens tokens, boolean learnedPositions, boolean scaleEmbedding,
        boolean tieEmbeddings, String tokenizer) {
    /** The value of {@code architecture}. */
    public static final String ARCHITECTURE = "seq2seq-transformer";

    /** Checks that there is an encoder and a decoder. */
    public Seq2SeqConfig {
        if (transformer.numEncoderLayers() == 0 || transformer.numDecoderLayers() == 0) {
            throw new IllegalArgumentException("num_encoder_layers and num_decoder_layers must be positive");
        }
    }

    /**
     * Reads {@code config.json}.
     *
     * @param file names it in messages
     * @throws WeightException if it is not JSON, of another architecture, or contradicts itself
     */
    public static Seq2SeqConfig parse(Path file, byte[] json) {
        try {
            JsonNode root = new ObjectMapper().readTree(json);
            String architecture = root.path("architecture").asText("missing");
            if (!architecture.equals(ARCHITECTURE)) {
                throw new WeightException(file, "architecture is " + architecture + ", expected " + ARCHITECTURE);
            }
            TransformerConfig transformer = new TransformerConfig(number(file, root, "d_model"), number(file, root, "num_heads"),
                    number(file, root, "num_encoder_layers"), number(file, root, "num_decoder_layers"), number(file, root, "d_ff"),
                    choice(file, root, "activation", "relu", "gelu") ? Activation.RELU : Activation.GELU_ERF,
                    root.path("norm_first").asBoolean(false), (float) root.path("layer_norm_eps").asDouble(TransformerConfig.DEFAULT_EPS),
                            true);
            GenerativeModel.Tokens tokens = new GenerativeModel.Tokens(number(file, root, "vocab_size"),
                    number(file, root, "max_positions"),
                    number(file, root, "pad_token_id"), number(file, root, "bos_token_id"), number(file, root, "eos_token_id"),
                    number(file, root, "decoder_start_token_id"));
            boolean learned = choice(file, root, "positions", "learned", "sinusoidal");
            boolean characters = choice(file, root, "tokenizer", "characters", "none");
            return new Seq2SeqConfig(transformer, tokens, learned, root.path("scale_embedding").asBoolean(true),
                    root.path("tie_embeddings").asBoolean(true), characters ? "characters" : "none");
        } catch (IOException e) {
            throw new WeightException(file, "is not valid JSON: " + e.getMessage(), e);
        } catch (IllegalArgumentException e) {
            throw new WeightException(file, e.getMessage(), e);
        }
    }

    private static int number(Path file, JsonNode json, String name) {
        JsonNode node = json.path(name);
        if (!node.isIntegralNumber() || !node.canConvertToInt()) {
            throw new WeightException(file, name + " is " + (node.isMissingNode() ? "missing" : node) + ", expected a number");
        }
        return node.asInt();
    }

    /** Whether it is the first of the two. */
    private static boolean choice(Path file, JsonNode json, String name, String first, String second) {
        String value = json.path(name).asText("missing");
        if (!value.equals(first) && !value.equals(second)) {
            throw new WeightException(file, name + " is " + value + ", expected " + first + " or " + second);
        }
        return value.equals(first);
    }
}
