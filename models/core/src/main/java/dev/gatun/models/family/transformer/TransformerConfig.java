package dev.gatun.models.family.transformer;

import dev.gatun.tensor.op.Activation;

/**
 * Sizes of a Transformer, with PyTorch's meanings ({@code nn.TransformerEncoderLayer} and its siblings).
 *
 * @param dModel           elements of a position
 * @param numHeads         {@code nhead}; divides dModel
 * @param numEncoderLayers 0 where there is no encoder
 * @param numDecoderLayers 0 where there is no decoder
 * @param dFf              {@code dim_feedforward}
 * @param activation       of the feed-forward layers: RELU or GELU_ERF
 * @param normFirst        {@code norm_first}: normalization before attention and feed-forward layers instead of after
 * @param layerNormEps     added to the variance
 * @param finalNorm        whether encoder and decoder end with a normalization, as those of {@code nn.Transformer} do
 */
public record TransformerConfig(int dModel, int numHeads, int numEncoderLayers, int numDecoderLayers, int dFf,
        Activation activation, boolean normFirst, float layerNormEps, boolean finalNorm) {
    /** PyTorch's default of {@code dim_feedforward}. */
    public static final int DEFAULT_D_FF = 2048;
    /** PyTorch's default of {@code layer_norm_eps}. */
    public static final float DEFAULT_EPS = 1e-5f;

    /** Checks the sizes. */
    public TransformerConfig {
        positive("d_model", dModel);
        positive("num_heads", numHeads);
        positive("d_ff", dFf);
        if (numEncoderLayers < 0 || numDecoderLayers < 0 || numEncoderLayers + numDecoderLayers == 0) {
            throw new IllegalArgumentException("num_encoder_layers " + numEncoderLayers + ", num_decoder_layers "
                    + numDecoderLayers + ": not negative, and not both 0");
        }
        if (dModel % numHeads != 0) {
            throw new IllegalArgumentException("d_model " + dModel + " is not a multiple of num_heads " + numHeads);
        }
        if (activation != Activation.RELU && activation != Activation.GELU_ERF) {
            throw new IllegalArgumentException("activation " + activation + ", expected RELU or GELU_ERF");
        }
        if (!(layerNormEps >= 0)) {
            throw new IllegalArgumentException("layer_norm_eps must be 0 or more, not " + layerNormEps);
        }
    }

    /** PyTorch's defaults: post-norm, ReLU, dFf 2048, eps 1e-5, final norms. */
    public static TransformerConfig of(int dModel, int numHeads, int numEncoderLayers, int numDecoderLayers) {
        return new TransformerConfig(dModel, numHeads, numEncoderLayers, numDecoderLayers, DEFAULT_D_FF, Activation.RELU,
                false, DEFAULT_EPS, true);
    }

    private static void positive(String name, int value) {
        if (value <= 0) {
            throw new IllegalArgumentException(name + " must be positive, not " + value);
        }
    }

    /** Elements of one attention head. */
    public int headDim() {
        return dModel / numHeads;
    }
}
