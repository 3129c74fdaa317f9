package dev.gatun.models.family.bert;

import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.checkpoint.OnnxBertWeights;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.encode.Activations;
import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.tensor.op.Activation;
import java.nio.file.Path;
import java.util.List;

/**
 * Sizes of a BERT encoder; mirrors {@code config.json}.
 *
 * @param vocabSize        rows of the word embeddings
 * @param hiddenSize       dModel
 * @param numLayers        {@code num_hidden_layers}
 * @param numHeads         {@code num_attention_heads}; divides hiddenSize
 * @param intermediateSize dFf
 * @param maxPositions     {@code max_position_embeddings}: the longest sequence, in tokens
 * @param typeVocabSize    rows of the token type embeddings
 * @param layerNormEps     added to the variance
 * @param activation       {@code hidden_act}
 * @param isDecoder        whether a token sees only those before it
 */
record BertConfig(int vocabSize, int hiddenSize, int numLayers, int numHeads, int intermediateSize, int maxPositions, int typeVocabSize,
        float layerNormEps, Activation activation, boolean isDecoder) {
    private static final int MAX_SIZE = 1 << 22;
    /** Operators of exports that compute something else: positions that skip padding, relative positions, causal masks. */
    private static final List<String> FOREIGN = List.of("CumSum", "LessOrEqual", "Less", "Trilu", "RotaryEmbedding", "Cos", "Sin");

    /**
     * Reads the fields; sizes must be there, the rest has transformers' default.
     *
     * @param positions the {@code position_embedding_type} that is served
     */
    static BertConfig of(ConfigFields config, String positions) {
        config.require("position_embedding_type", positions);
        config.require("is_encoder_decoder", false);
        config.require("add_cross_attention", false);
        config.ignore("hidden_dropout_prob", "attention_probs_dropout_prob", "initializer_range", "pad_token_id", "bos_token_id",
                "eos_token_id", "use_cache", "classifier_dropout", "tie_word_embeddings", "gradient_checkpointing");
        BertConfig found = new BertConfig(config.integer("vocab_size", 1, Integer.MAX_VALUE), config.integer("hidden_size", 1, MAX_SIZE),
                config.integer("num_hidden_layers", 1, MAX_SIZE), config.integer("num_attention_heads", 1, MAX_SIZE),
                config.integer("intermediate_size", 1, MAX_SIZE), config.integer("max_position_embeddings", 1, 1 << 24),
                config.integer("type_vocab_size", 1, MAX_SIZE, 2), (float) config.number("layer_norm_eps", 1e-12),
                Activations.of(config, "hidden_act", Activation.GELU_ERF), config.flag("is_decoder", false));
        if (found.hiddenSize % found.numHeads != 0) {
            throw config.error("num_attention_heads", "a divisor of hidden_size " + found.hiddenSize);
        }
        if (!(found.layerNormEps >= 0)) {
            throw config.error("layer_norm_eps", "0 or more");
        }
        return found;
    }

    /**
     * An export without config.json: sizes follow from the tensors and the graph.
     *
     * @throws WeightException if the graph does not show them, or computes what BERT does not
     */
    static BertConfig ofGraph(Path file, OnnxBertWeights onnx, WeightScope scope) {
        for (String operator : FOREIGN) {
            if (onnx.hasOperator(operator)) {
                throw new WeightException(file, "has the names of a BERT, but its graph has " + operator
                        + ", which a BERT's has not; put the model's config.json beside it");
            }
        }
        WeightScope embeddings = scope.child("embeddings");
        WeightScope layers = scope.child("encoder").child("layer");
        long d = embeddings.child("word_embeddings").shape("weight").dim(1);
        int count = 0;
        while (layers.child(count).child("output").child("dense").has("bias")) {
            count++;
        }
        if (count == 0) {
            throw new WeightException(file, "has no encoder layers with the names of a BERT export");
        }
        long headDim = onnx.headDim().orElseThrow(() -> new WeightException(file,
                "the graph does not show the number of heads; put the model's config.json beside it"));
        if (headDim < 1 || d % headDim != 0) {
            throw new WeightException(file, "heads of " + headDim + " elements do not divide a hidden size of " + d);
        }
        return new BertConfig((int) embeddings.child("word_embeddings").shape("weight").dim(0), (int) d, count, (int) (d / headDim),
                (int) layers.child(0).child("intermediate").child("dense").shape("bias").dim(0),
                (int) embeddings.child("position_embeddings").shape("weight").dim(0),
                (int) embeddings.child("token_type_embeddings").shape("weight").dim(0), (float) onnx.layerNormEps().orElse(1e-12),
                activation(onnx), false);
    }

    private static Activation activation(OnnxBertWeights onnx) {
        if (onnx.hasOperator("Gelu")) {
            return onnx.geluIsTanh() ? Activation.GELU_TANH : Activation.GELU_ERF;
        }
        return onnx.hasOperator("Erf") ? Activation.GELU_ERF : onnx.hasOperator("Relu") ? Activation.RELU
                : onnx.hasOperator("Sigmoid") ? Activation.SILU : Activation.GELU_TANH;
    }

    /** What an encoder is made of. */
    EncoderSpec spec() {
        return new EncoderSpec("bert", vocabSize, typeVocabSize, hiddenSize, numLayers, numHeads, hiddenSize / numHeads, intermediateSize,
                maxPositions, layerNormEps, false, activation, isDecoder);
    }
}
