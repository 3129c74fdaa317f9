package dev.gatun.models.family.transformer;

import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.layer.DecoderSpec;
import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.models.layer.EncoderWeights;
import dev.gatun.models.layer.Positions;
import dev.gatun.models.layer.TokenDecoder;
import dev.gatun.models.seq2seq.Seq2Seq;
import dev.gatun.tensor.graph.Embedding;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.Activation;
import java.lang.foreign.Arena;
import java.util.List;

/** The parameters of a token model by PyTorch's names. */
final class Seq2SeqWeights {
    private Seq2SeqWeights() {
    }

    /** @param arena of tables that are computed; lives as long as the checkpoint */
    static Seq2Seq find(WeightScope scope, Seq2SeqConfig config, Arena arena) {
        TransformerConfig sizes = config.transformer();
        TransformerWeights names = new TransformerWeights(sizes);
        WeightScope transformer = scope.child("transformer");
        int vocabSize = config.tokens().vocabSize();
        int d = sizes.dModel();
        int longest = config.tokens().maxPositions();
        Weight words = scope.child("encoder").child("embed_tokens").weight("weight", vocabSize, d);
        Weight targetWords = config.tieEmbeddings() ? words : scope.child("decoder").child("embed_tokens").weight("weight", vocabSize, d);
        Weight head = config.tieEmbeddings() ? words : scope.child("lm_head").weight("weight", vocabSize, d);
        Weight positions = config.learnedPositions() ? learned(scope, "encoder", config)
                : new Weight("sinusoidal positions", SinusoidalPositions.table(arena, longest, d));
        Weight targetPositions = config.learnedPositions() ? learned(scope, "decoder", config) : positions;
        float scale = config.scaleEmbedding() ? (float) Math.sqrt(d) : 1f;
        TransformerWeights.Encoder encoder = names.encoder(transformer.child("encoder"));
        EncoderSpec spec = new EncoderSpec("encoder", vocabSize, 0, d, sizes.numEncoderLayers(), sizes.numHeads(), sizes.headDim(),
                sizes.dFf(), longest, sizes.layerNormEps(), sizes.normFirst(), sizes.activation(), false);
        TokenDecoder decoder = new TokenDecoder(new DecoderSpec(d, sizes.numDecoderLayers(), sizes.numHeads(), sizes.headDim(), longest,
                longest, sizes.normFirst(), sizes.activation()), new Embedding(targetWords, targetPositions, null, false, null, scale),
                names.decoder(transformer.child("decoder")),
                new Linear(List.of(new Linear.Part(head, false, scope.child("lm_head").weight("bias", vocabSize))), Activation.NONE, 1f,
                        false));
        return new Seq2Seq(spec, new EncoderWeights(words, new Positions.Absolute(positions), null, null, null, encoder.layers(),
                encoder.norm(), scale), decoder, config.tokens());
    }

    private static Weight learned(WeightScope scope, String side, Seq2SeqConfig config) {
        return scope.child(side).child("embed_positions").weight("weight", config.tokens().maxPositions(), config.transformer().dModel());
    }
}
