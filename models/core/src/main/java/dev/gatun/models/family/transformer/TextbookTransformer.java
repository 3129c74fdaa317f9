package dev.gatun.models.family.transformer;

import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.tensor.exec.Lifetime;
import dev.gatun.tensor.op.LinearTuner;
import dev.gatun.tensor.op.LinearWeights;
import java.lang.foreign.Arena;

/**
 * The Transformer of the textbooks, with the semantics and the {@code state_dict} names of PyTorch's
 * {@code nn.TransformerEncoder}, {@code nn.TransformerDecoder} and {@code nn.Transformer}, or over continuous inputs: a
 * linear embedding times sqrt(dModel), sinusoidal positions, encoder and decoder layers with source and target masks,
 * and a linear output.
 *
 * <p>A well-known published listing of the continuous model passes its nHeads argument where the number of layers belongs, and
 * calls its positional encoding with a mask. This is what that listing means: {@link TransformerConfig} has both
 * numbers, and {@link SinusoidalPositions} takes positions only.
 *
 * <p>Immutable, shared by any number of threads, each with its own {@link TransformerForward}. Owns its weights;
 * {@link #close} waits for forwards under way.
 */
public final class TextbookTransformer implements AutoCloseable {
    private static final int TYPICAL_ROWS = 128;

    private final Arena arena = Arena.ofShared();
    private final Lifetime lifetime = new Lifetime("the transformer");
    private final TransformerConfig config;
    private final TransformerWeights packer;
    private Parts parts;

    /** What a model consists of; null where it has no such part. */
    record Parts(LinearWeights srcEmbedding, LinearWeights tgtEmbedding, TransformerWeights.Encoder encoder,
            TransformerWeights.Decoder decoder, LinearWeights output) {
    }

    /**
     * Sizes of the continuous model.
     *
     * @param inputDim        elements of a source position
     * @param outputDim       elements of a target position, and of a result
     * @param sharedEmbedding whether {@code src_embedding} serves targets too; then inputDim equals outputDim
     */
    public record Continuous(int inputDim, int outputDim, boolean sharedEmbedding) {
        /** Checks the sizes. */
        public Continuous {
            if (inputDim < 1 || outputDim < 1 || sharedEmbedding && inputDim != outputDim) {
                throw new IllegalArgumentException("inputDim " + inputDim + ", outputDim " + outputDim
                        + " must be positive, and equal if they share an embedding");
            }
        }
    }

    private TextbookTransformer(TransformerConfig config) {
        this.config = config;
        this.packer = new TransformerWeights(arena, config, new LinearTuner(TYPICAL_ROWS));
    }

    private interface Reader {
        Parts read(TransformerWeights packer);
    }

    private static TextbookTransformer load(TransformerConfig config, Reader reader) {
        TextbookTransformer model = new TextbookTransformer(config);
        try {
            model.parts = reader.read(model.packer);
            return model;
        } catch (RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    /**
     * An {@code nn.TransformerEncoder}: src and masks to memory.
     *
     * @throws dev.gatun.models.checkpoint.WeightException if a tensor is missing or has another shape; so do the others
     */
    public static TextbookTransformer encoder(WeightScope scope, TransformerConfig config) {
        return load(config, packer -> new Parts(null, null, packer.encoder(scope), null, null));
    }

    /** An {@code nn.TransformerDecoder}: tgt, memory and masks to the decoder's output. */
    public static TextbookTransformer decoder(WeightScope scope, TransformerConfig config) {
        return load(config, packer -> new Parts(null, null, null, packer.decoder(scope), null));
    }

    /** An {@code nn.Transformer}: src, tgt and masks to the decoder's output. */
    public static TextbookTransformer transformer(WeightScope scope, TransformerConfig config) {
        return load(config, packer -> new Parts(null, null, packer.encoder(scope.child("encoder")),
                packer.decoder(scope.child("decoder")), null));
    }

    /**
     * The continuous model: {@code src_embedding}, {@code tgt_embedding} unless shared, {@code transformer.} with the names of
     * {@code nn.Transformer}, {@code output}.
     */
    public static TextbookTransformer continuous(WeightScope scope, TransformerConfig config, Continuous sizes) {
        return load(config, packer -> {
            LinearWeights src = packer.linear(scope, "src_embedding", sizes.inputDim(), config.dModel());
            LinearWeights tgt = sizes.sharedEmbedding() ? src : packer.linear(scope, "tgt_embedding", sizes.outputDim(), config.dModel());
            WeightScope inner = scope.child("transformer");
            return new Parts(src, tgt, packer.encoder(inner.child("encoder")), packer.decoder(inner.child("decoder")),
                    packer.linear(scope, "output", config.dModel(), sizes.outputDim()));
        });
    }

    /**
     * Compiles a forward pass for one shape; it belongs to the caller, who closes it.
     *
     * @throws IllegalArgumentException if the shape names a mask that this model does not take
     */
    public TransformerForward compile(TransformerForward.ForwardShape shape) {
        lifetime.enter();
        try {
            return new TransformerForward(this, shape);
        } finally {
            lifetime.exit();
        }
    }

    /** Sizes. */
    public TransformerConfig config() {
        return config;
    }

    /** Bytes of native memory that the weights take. */
    public long nativeByteSize() {
        return packer.nativeByteSize();
    }

    Parts parts() {
        return parts;
    }

    Lifetime lifetime() {
        return lifetime;
    }

    /** Frees the weights once no forward is under way. Closing twice is harmless. */
    @Override
    public void close() {
        if (lifetime.close()) {
            arena.close();
        }
    }
}
