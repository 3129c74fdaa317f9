package dev.gatun.models.family.whisper;

import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.layer.DecoderSpec;
import dev.gatun.models.layer.DecoderWeights;
import dev.gatun.models.layer.EncoderWeights;
import dev.gatun.models.layer.TokenDecoder;
import dev.gatun.tensor.graph.Conv;
import dev.gatun.tensor.graph.Embedding;
import dev.gatun.tensor.graph.LayerNorm;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.Window;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * The parameters by their role.
 *
 * @param stem      the convolutions over [1, bins, 1, frames]
 * @param positions of the encoder, [sourceLen, dModel]
 */
record WhisperWeights(List<Conv> stem, Weight positions, List<EncoderWeights.Layer> encoder, LayerNorm encoderNorm,
        TokenDecoder decoder) {
    private static final float EPS = 1e-5f;

    static WhisperWeights find(WeightSource source, WhisperConfig config) {
        WeightScope model = WeightScope.locate(source, "encoder.conv1.weight");
        WeightScope encoder = model.child("encoder");
        WeightScope decoder = model.child("decoder");
        int d = config.dModel();
        Weight words = decoder.child("embed_tokens").weight("weight", config.vocabSize(), d);
        Weight head = config.tied() ? words : WeightScope.of(source).child("proj_out").weight("weight", config.vocabSize(), d);
        if (config.tied()) {
            // A copy of the embeddings, where a trainer wrote one.
            WeightScope.of(source).child("proj_out").optional("weight", config.vocabSize(), d);
        }
        return new WhisperWeights(List.of(conv(encoder, "conv1", config.melBins(), d, 1), conv(encoder, "conv2", d, d, 2)),
                encoder.child("embed_positions").weight("weight", config.sourceLen(), d),
                layers(config.encoder(), i -> encoderLayer(encoder.child("layers").child(i), d, config.encoder().dFf())),
                norm(encoder, "layer_norm", d),
                new TokenDecoder(spec(config),
                        new Embedding(words, decoder.child("embed_positions").weight("weight", config.targetLen(), d), null, false, null,
                                1f),
                        new DecoderWeights(layers(config.decoder(),
                                i -> decoderLayer(decoder.child("layers").child(i), d, config.decoder().dFf())),
                                norm(decoder, "layer_norm", d)),
                        new Linear(new Linear.Part(head, false, null))));
    }

    private static DecoderSpec spec(WhisperConfig config) {
        return new DecoderSpec(config.dModel(), config.decoder().layers(), config.decoder().heads(), config.headDim(), config.targetLen(),
                config.sourceLen(), true, config.activation());
    }

    private static <T> List<T> layers(WhisperConfig.Stack stack, IntFunction<T> layer) {
        return IntStream.range(0, stack.layers()).mapToObj(layer).toList();
    }

    private static Conv conv(WeightScope scope, String name, int in, int out, int stride) {
        Weight weight = scope.child(name).weight("weight", out, in, 3);
        return new Conv(new Weight(weight.name(), weight.tensor().reshape(out, in, 1, 3)), scope.child(name).weight("bias", out),
                new Window(new long[] {1, stride}, new long[] {1, 1}, new long[] {0, 1}, new long[] {0, 1}));
    }

    private static EncoderWeights.Layer encoderLayer(WeightScope layer, int d, int dFf) {
        return new EncoderWeights.Layer(attention(layer.child("self_attn"), d), norm(layer, "self_attn_layer_norm", d),
                layer.part("fc1", d, dFf, true), layer.part("fc2", dFf, d, true), norm(layer, "final_layer_norm", d));
    }

    private static DecoderWeights.Layer decoderLayer(WeightScope layer, int d, int dFf) {
        return new DecoderWeights.Layer(attention(layer.child("self_attn"), d), norm(layer, "self_attn_layer_norm", d),
                attention(layer.child("encoder_attn"), d), norm(layer, "encoder_attn_layer_norm", d), layer.part("fc1", d, dFf, true),
                layer.part("fc2", dFf, d, true), norm(layer, "final_layer_norm", d));
    }

    private static EncoderWeights.Attention attention(WeightScope scope, int d) {
        return new EncoderWeights.Attention(scope.part("q_proj", d, d, true), scope.part("k_proj", d, d, false),
                scope.part("v_proj", d, d, true), scope.part("out_proj", d, d, true));
    }

    private static LayerNorm norm(WeightScope scope, String name, int d) {
        return new LayerNorm(scope.child(name).weight("weight", d), scope.child(name).weight("bias", d), EPS);
    }
}
