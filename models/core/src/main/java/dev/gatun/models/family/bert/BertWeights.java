package dev.gatun.models.family.bert;

import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.op.LayerNormWeights;
import dev.gatun.tensor.op.LinearTuner;
import dev.gatun.tensor.op.LinearWeights;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;

/**
 * Packed weights of an encoder, in the model's arena.
 *
 * @param wordEmbeddings     F32 [vocabSize, hiddenSize]
 * @param positionEmbeddings F32 [maxPositions, hiddenSize]
 * @param typeEmbeddings     F32 [typeVocabSize, hiddenSize]
 * @param embeddingNorm      after the sum of the three
 * @param layers             first to last
 */
record BertWeights(Tensor wordEmbeddings, Tensor positionEmbeddings, Tensor typeEmbeddings,
        LayerNormWeights embeddingNorm, List<Layer> layers) {

    /** One encoder layer; query, key and value are one product. */
    record Layer(LinearWeights queryKeyValue, LinearWeights attentionOutput, LayerNormWeights attentionNorm,
            LinearWeights intermediate, LinearWeights output, LayerNormWeights outputNorm) {
    }

    /** Reads the public checkpoints' names below the scope and packs for the kernels. */
    static BertWeights load(WeightScope scope, BertConfig config, Arena arena, LinearTuner tuner) {
        int d = config.hiddenSize();
        WeightScope embeddings = scope.child("embeddings");
        List<Layer> layers = new ArrayList<>();
        for (int i = 0; i < config.numLayers(); i++) {
            layers.add(layer(scope.child("encoder").child("layer").child(i), config, arena, tuner));
        }
        return new BertWeights(
                copy(arena, embeddings.child("word_embeddings").tensor("weight", config.vocabSize(), d)),
                copy(arena, embeddings.child("position_embeddings").tensor("weight", config.maxPositions(), d)),
                copy(arena, embeddings.child("token_type_embeddings").tensor("weight", config.typeVocabSize(), d)),
                norm(embeddings.child("LayerNorm"), config, arena), List.copyOf(layers));
    }

    private static Layer layer(WeightScope scope, BertConfig config, Arena arena, LinearTuner tuner) {
        int d = config.hiddenSize();
        WeightScope attention = scope.child("attention");
        WeightScope self = attention.child("self");
        List<LinearWeights.Source> qkv = List.of(self.linear("query", d, d), self.linear("key", d, d), self.linear("value", d, d));
        return new Layer(
                LinearWeights.pack(arena, tuner.choose(d, 3 * d), qkv),
                LinearWeights.pack(arena, tuner.choose(d, d), attention.child("output").linear("dense", d, d)),
                norm(attention.child("output").child("LayerNorm"), config, arena),
                LinearWeights.pack(arena, tuner.choose(d, config.intermediateSize()),
                        scope.child("intermediate").linear("dense", d, config.intermediateSize())),
                LinearWeights.pack(arena, tuner.choose(config.intermediateSize(), d),
                        scope.child("output").linear("dense", config.intermediateSize(), d)),
                norm(scope.child("output").child("LayerNorm"), config, arena));
    }

    private static LayerNormWeights norm(WeightScope scope, BertConfig config, Arena arena) {
        return new LayerNormWeights(copy(arena, scope.tensor("weight", config.hiddenSize())),
                copy(arena, scope.tensor("bias", config.hiddenSize())), config.layerNormEps());
    }

    /** Mapped files are let go after loading: a file that shrinks under a mapping would crash the process. */
    private static Tensor copy(Arena arena, Tensor mapped) {
        Tensor copy = Tensor.of(mapped.desc(),
                dev.gatun.bindings.kernels.NativeBuffer.allocate(arena, mapped.desc().byteSize()).segment());
        copy.segment().copyFrom(mapped.segment());
        return copy;
    }

    long nativeByteSize() {
        long bytes = wordEmbeddings.desc().byteSize() + positionEmbeddings.desc().byteSize()
                + typeEmbeddings.desc().byteSize() + embeddingNorm.nativeByteSize();
        for (Layer layer : layers) {
            bytes += layer.queryKeyValue().nativeByteSize() + layer.attentionOutput().nativeByteSize()
                    + layer.attentionNorm().nativeByteSize() + layer.intermediate().nativeByteSize()
                    + layer.output().nativeByteSize() + layer.outputNorm().nativeByteSize();
        }
        return bytes;
    }
}
