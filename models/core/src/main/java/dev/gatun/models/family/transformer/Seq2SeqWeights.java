package dev.gatun.models.family.transformer;

import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.op.EmbeddingOp;
import dev.gatun.tensor.op.LinearTuner;
import dev.gatun.tensor.op.LinearWeights;
import java.lang.foreign.Arena;

/**
 * Packed weights of a token model, in the model's arena.
 *
 * @param source  embeds source tokens
 * @param target  embeds target tokens
 * @param encoder layers over packed sources
 * @param decoder layers over packed targets or single rows
 * @param lmHead  from dModel to the vocabulary
 */
record Seq2SeqWeights(EmbeddingOp source, EmbeddingOp target, TransformerWeights.Encoder encoder, TransformerWeights.Decoder decoder,
        LinearWeights lmHead, long nativeByteSize) {
    /** Rows of the encoder's products. */
    private static final int ENCODER_ROWS = 128;
    /** Rows of the decoder's products: few, one for each sequence under way. */
    private static final int DECODER_ROWS = 4;

    static Seq2SeqWeights load(WeightScope scope, Seq2SeqConfig config, Arena arena) {
        TransformerWeights wide = new TransformerWeights(arena, config.transformer(), new LinearTuner(ENCODER_ROWS));
        TransformerWeights narrow = new TransformerWeights(arena, config.transformer(), new LinearTuner(DECODER_ROWS));
        WeightScope transformer = scope.child("transformer");
        TransformerWeights.Encoder encoder = wide.encoder(transformer.child("encoder"));
        TransformerWeights.Decoder decoder = narrow.decoder(transformer.child("decoder"));
        long vocabSize = config.tokens().vocabSize();
        long d = config.transformer().dModel();
        Tensor mapped = scope.child("encoder").child("embed_tokens").tensor("weight", vocabSize, d);
        Tensor words = wide.copy(mapped);
        Tensor targetWords = config.tieEmbeddings() ? words
                : wide.copy(scope.child("decoder").child("embed_tokens").tensor("weight", vocabSize, d));
        Tensor head = config.tieEmbeddings() ? mapped : scope.child("lm_head").tensor("weight", vocabSize, d);
        LinearWeights lmHead = narrow.pack(new LinearWeights.Source(head, false, scope.child("lm_head").tensor("bias", vocabSize)));
        Tensor positions = config.learnedPositions() ? learned(wide, scope, "encoder", config)
                : SinusoidalPositions.table(arena, config.tokens().maxPositions(), config.transformer().dModel());
        Tensor targetPositions = config.learnedPositions() ? learned(wide, scope, "decoder", config) : positions;
        float scale = config.scaleEmbedding() ? (float) Math.sqrt(d) : 1f;
        return new Seq2SeqWeights(new EmbeddingOp(words, positions, null, null, scale),
                new EmbeddingOp(targetWords, targetPositions, null, null, scale), encoder, decoder, lmHead,
                wide.nativeByteSize() + narrow.nativeByteSize() + (config.learnedPositions() ? 0 : positions.desc().byteSize()));
    }

    private static Tensor learned(TransformerWeights packer, WeightScope scope, String side, Seq2SeqConfig config) {
        return packer.copy(scope.child(side).child("embed_positions").tensor("weight", config.tokens().maxPositions(),
                config.transformer().dModel()));
    }
}
