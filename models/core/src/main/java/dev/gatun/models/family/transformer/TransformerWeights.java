package dev.gatun.models.family.transformer;

import dev.gatun.bindings.kernels.NativeBuffer;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.LayerNormWeights;
import dev.gatun.tensor.op.LinearTuner;
import dev.gatun.tensor.op.LinearWeights;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;

/** Packs encoder and decoder layers from PyTorch's names into the model's arena. */
final class TransformerWeights {
    private final Arena arena;
    private final TransformerConfig config;
    private final LinearTuner tuner;
    private long byteSize;

    TransformerWeights(Arena arena, TransformerConfig config, LinearTuner tuner) {
        this.arena = arena;
        this.config = config;
        this.tuner = tuner;
    }

    /** Query, key and value in one product, and the output projection. */
    record SelfAttention(LinearWeights queryKeyValue, LinearWeights output) {
    }

    /** The query from the target, key and value in one product from the memory, and the output projection. */
    record CrossAttention(LinearWeights query, LinearWeights keyValue, LinearWeights output) {
    }

    record EncoderLayer(SelfAttention self, LayerNormWeights norm1, LinearWeights linear1, LinearWeights linear2,
            LayerNormWeights norm2) {
    }

    record DecoderLayer(SelfAttention self, LayerNormWeights norm1, CrossAttention cross, LayerNormWeights norm2,
            LinearWeights linear1, LinearWeights linear2, LayerNormWeights norm3) {
    }

    /** @param norm the final one, or null */
    record Encoder(List<EncoderLayer> layers, LayerNormWeights norm) {
    }

    /** @param norm the final one, or null */
    record Decoder(List<DecoderLayer> layers, LayerNormWeights norm) {
    }

    /** The names of {@code nn.TransformerEncoder}. */
    Encoder encoder(WeightScope scope) {
        List<EncoderLayer> layers = new ArrayList<>();
        for (int i = 0; i < config.numEncoderLayers(); i++) {
            WeightScope layer = scope.child("layers").child(i);
            layers.add(new EncoderLayer(self(layer.child("self_attn")), norm(layer.child("norm1")),
                    linear(layer, "linear1", config.dModel(), config.dFf()), linear(layer, "linear2", config.dFf(), config.dModel()),
                    norm(layer.child("norm2"))));
        }
        return new Encoder(List.copyOf(layers), config.finalNorm() ? norm(scope.child("norm")) : null);
    }

    /** The names of {@code nn.TransformerDecoder}. */
    Decoder decoder(WeightScope scope) {
        List<DecoderLayer> layers = new ArrayList<>();
        for (int i = 0; i < config.numDecoderLayers(); i++) {
            WeightScope layer = scope.child("layers").child(i);
            layers.add(new DecoderLayer(self(layer.child("self_attn")), norm(layer.child("norm1")),
                    cross(layer.child("multihead_attn")), norm(layer.child("norm2")),
                    linear(layer, "linear1", config.dModel(), config.dFf()), linear(layer, "linear2", config.dFf(), config.dModel()),
                    norm(layer.child("norm3"))));
        }
        return new Decoder(List.copyOf(layers), config.finalNorm() ? norm(scope.child("norm")) : null);
    }

    SelfAttention self(WeightScope scope) {
        int d = config.dModel();
        return new SelfAttention(projections(scope, 0, 3), linear(scope, "out_proj", d, d));
    }

    CrossAttention cross(WeightScope scope) {
        int d = config.dModel();
        return new CrossAttention(projections(scope, 0, 1), projections(scope, 1, 3), linear(scope, "out_proj", d, d));
    }

    /** Rows of {@code in_proj_weight} [3 dModel, dModel]: query, key and value are its thirds. */
    private LinearWeights projections(WeightScope scope, int first, int end) {
        long d = config.dModel();
        Tensor weight = scope.tensor("in_proj_weight", 3 * d, d);
        Tensor bias = scope.has("in_proj_bias") ? scope.tensor("in_proj_bias", 3 * d) : null;
        return pack(new LinearWeights.Source(rows(weight, first * d, end * d), false,
                bias == null ? null : rows(bias, first * d, end * d)));
    }

    private static Tensor rows(Tensor tensor, long first, long end) {
        long[] dims = tensor.shape().dims();
        long rowBytes = tensor.desc().byteSize() / dims[0];
        dims[0] = end - first;
        return Tensor.of(TensorDesc.of(tensor.type(), dims), tensor.segment().asSlice(first * rowBytes, dims[0] * rowBytes));
    }

    LinearWeights linear(WeightScope scope, String name, long in, long out) {
        return pack(scope.linear(name, in, out));
    }

    LinearWeights pack(LinearWeights.Source source) {
        long[] dims = source.weight().shape().dims();
        LinearWeights packed = LinearWeights.pack(arena, tuner.choose(dims[source.inOut() ? 0 : 1], dims[source.inOut() ? 1 : 0]), source);
        byteSize += packed.nativeByteSize();
        return packed;
    }

    private LayerNormWeights norm(WeightScope scope) {
        return new LayerNormWeights(copy(scope.tensor("weight", config.dModel())), copy(scope.tensor("bias", config.dModel())),
                config.layerNormEps());
    }

    /** Mapped files are let go after loading: a file that shrinks under a mapping would crash the process. */
    Tensor copy(Tensor mapped) {
        Tensor copy = Tensor.of(mapped.desc(), NativeBuffer.allocate(arena, mapped.desc().byteSize()).segment());
        copy.segment().copyFrom(mapped.segment());
        byteSize += copy.desc().byteSize();
        return copy;
    }

    /** Bytes of native memory that were packed so far. */
    long nativeByteSize() {
        return byteSize;
    }
}
