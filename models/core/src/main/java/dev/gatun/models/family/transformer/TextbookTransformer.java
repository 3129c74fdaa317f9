package dev.gatun.models.family.transformer;

import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.family.transformer.TransformerForward.ForwardShape;
import dev.gatun.models.layer.DecoderWeights;
import dev.gatun.models.runtime.Program;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Target;
import java.util.Set;

/**
 * The Transformer over continuous inputs, with PyTorch's names and masks: an encoder, a decoder, both, or both between linear layers.
 * Immutable; {@link #compile} makes a forward pass for one shape. Owns its native memory; {@link #close} waits for forwards under way.
 */
public final class TextbookTransformer implements AutoCloseable {
    private static final Target TARGET = Target.ofRows(128);

    private final TransformerConfig config;
    private final Parts parts;
    private final Program program;

    /** What a model consists of; null where it has no such part. */
    record Parts(Linear.Part srcEmbedding, Linear.Part tgtEmbedding, TransformerWeights.Encoder encoder, DecoderWeights decoder,
            Linear.Part output) {
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

    private TextbookTransformer(TransformerConfig config, Parts parts) {
        this.config = config;
        this.parts = parts;
        this.program = Program.load(part(Set.of()));
    }

    /**
     * An {@code nn.TransformerEncoder}: src and masks to memory.
     *
     * @throws dev.gatun.models.checkpoint.WeightException if a tensor is missing or has another shape; so do the others
     */
    public static TextbookTransformer encoder(WeightScope scope, TransformerConfig config) {
        return new TextbookTransformer(config, new Parts(null, null, new TransformerWeights(config).encoder(scope), null, null));
    }

    /** An {@code nn.TransformerDecoder}: tgt, memory and masks to the decoder's output. */
    public static TextbookTransformer decoder(WeightScope scope, TransformerConfig config) {
        return new TextbookTransformer(config, new Parts(null, null, null, new TransformerWeights(config).decoder(scope), null));
    }

    /** An {@code nn.Transformer}: src, tgt and masks to the decoder's output. */
    public static TextbookTransformer transformer(WeightScope scope, TransformerConfig config) {
        TransformerWeights names = new TransformerWeights(config);
        return new TextbookTransformer(config, new Parts(null, null, names.encoder(scope.child("encoder")),
                names.decoder(scope.child("decoder")), null));
    }

    /**
     * The continuous model: {@code src_embedding}, {@code tgt_embedding} unless shared, {@code transformer.} with the names of
     * {@code nn.Transformer}, {@code output}.
     */
    public static TextbookTransformer continuous(WeightScope scope, TransformerConfig config, Continuous sizes) {
        TransformerWeights names = new TransformerWeights(config);
        Linear.Part src = scope.part("src_embedding", sizes.inputDim(), config.dModel());
        Linear.Part tgt = sizes.sharedEmbedding() ? src : scope.part("tgt_embedding", sizes.outputDim(), config.dModel());
        WeightScope inner = scope.child("transformer");
        return new TextbookTransformer(config, new Parts(src, tgt, names.encoder(inner.child("encoder")),
                names.decoder(inner.child("decoder")),
                scope.part("output", config.dModel(), sizes.outputDim())));
    }

    private Program.Part part(Set<String> masks) {
        return new Program.Part(new TextbookGraph(config, parts, masks).describe(), TARGET);
    }

    /**
     * Compiles a forward pass for one shape; it belongs to the caller, who closes it.
     *
     * @throws IllegalArgumentException if the shape names a mask that this model does not take
     */
    public TransformerForward compile(ForwardShape shape) {
        synchronized (this) {
            Program.Part part = part(shape.masks());
            if (!program.has(part.graph().name())) {
                program.add(part);
            }
        }
        return new TransformerForward(program, TextbookGraph.name(shape.masks()), config, shape);
    }

    /** Sizes. */
    public TransformerConfig config() {
        return config;
    }

    /** Bytes of native memory: weights and plans. */
    public long nativeByteSize() {
        return program.nativeByteSize();
    }

    /** Frees the weights once no forward is under way. Closing twice is harmless. */
    @Override
    public void close() {
        program.close();
    }
}
