package dev.gatun.models.family.transformer;

import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.layer.DecoderWeights;
import dev.gatun.tensor.graph.Embedding;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Weight;
import java.lang.foreign.Arena;

/**
 * The parameters of a token model by their role.
 *
 * @param source  embeds source tokens
 * @param target  embeds target tokens
 * @param encoder layers over packed sources
 * @param decoder layers over packed targets or single rows
 * @param lmHead  from dModel to the vocabulary
 */
record Seq2SeqWeights(Embedding source, Embedding target, TransformerWeights.Encoder encoder, DecoderWeights decoder, Linear.Part lmHead) {

    /** @param arena of tables that are computed; lives as long as the checkpoint */
    static Seq2SeqWeights find(WeightScope scope, Seq2SeqConfig config, Arena arena) {
        TransformerWeights names = new TransformerWeights(config.transformer());
        WeightScope transformer = scope.child("transformer");
        long vocabSize = config.tokens().vocabSize();
        long d = config.transformer().dModel();
        Weight words = scope.child("encoder").child("embed_tokens").weight("weight", vocabSize, d);
        Weight targetWords = config.tieEmbeddings() ? words : scope.child("decoder").child("embed_tokens").weight("weight", vocabSize, d);
        Weight head = config.tieEmbeddings() ? words : scope.child("lm_head").weight("weight", vocabSize, d);
        Weight positions = config.learnedPositions() ? learned(scope, "encoder", config) : new Weight("sinusoidal positions",
                SinusoidalPositions.table(arena, config.tokens().maxPositions(), config.transformer().dModel()));
        Weight targetPositions = config.learnedPositions() ? learned(scope, "decoder", config) : positions;
        float scale = config.scaleEmbedding() ? (float) Math.sqrt(d) : 1f;
        return new Seq2SeqWeights(new Embedding(words, positions, null, false, null, scale),
                new Embedding(targetWords, targetPositions, null, false, null, scale), names.encoder(transformer.child("encoder")),
                names.decoder(transformer.child("decoder")),
                        new Linear.Part(head, false, scope.child("lm_head").weight("bias", vocabSize)));
    }

    private static Weight learned(WeightScope scope, String side, Seq2SeqConfig config) {
        return scope.child(side).child("embed_positions").weight("weight", config.tokens().maxPositions(), config.transformer().dModel());
    }
}
