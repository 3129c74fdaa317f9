package dev.gatun.models.family.modernbert;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.encode.Activations;
import dev.gatun.models.encode.EncoderFamily;
import dev.gatun.models.encode.HeadKind;
import dev.gatun.models.encode.HeadLayers;
import dev.gatun.models.encode.HeadNames;
import dev.gatun.models.encode.Pooling;
import dev.gatun.models.encode.TextEncoder;
import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.models.layer.EncoderWeights;
import dev.gatun.models.layer.Positions;
import dev.gatun.tensor.graph.LayerNorm;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Rotary;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.AttentionOp;
import dev.gatun.tensor.op.RotaryOp;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * ModernBERT (Warner et al. 2024): norms first, gated feed-forwards, rotary positions; some layers see only what is near, and have a rotary
 * base of their own.
 */
public final class ModernBert implements EncoderFamily {
    private static final String FIRST = "embeddings.tok_embeddings.weight";

    @Override
    public String name() {
        return "modernbert";
    }

    @Override
    public List<String> words() {
        return List.of("modernbert", "ModernBertModel");
    }

    /** Every head begins with a dense layer, its activation and norm. */
    @Override
    public HeadLayers head(HeadKind kind, HeadNames names) {
        ModernBertConfig config = ModernBertConfig.of(names.config());
        int d = config.spec().hiddenSize();
        WeightScope head = names.top().child("head");
        Pooling pooling = kind == HeadKind.SEQUENCES
                ? names.config().choice("classifier_pooling", Pooling.CLS, Map.of("cls", Pooling.CLS, "mean", Pooling.MEAN)) : null;
        HeadLayers common = HeadLayers.of(pooling).dense(head.part("dense", d, d, names.config().flag("classifier_bias", false)))
                .activate(Activations.of(names.config(), "classifier_activation", Activation.GELU_ERF)).norm(norm(head.child("norm"),
                        config));
        return switch (kind) {
            case SEQUENCES, TOKENS -> names.classes(common, names.top(), "classifier");
            case SPANS -> common.dense(names.top().part("classifier", d, 2));
            case MASKED -> {
                WeightScope decoder = names.top().child("decoder");
                int vocab = config.spec().vocabSize();
                yield common.dense(new Linear.Part(names.config().flag("tie_word_embeddings", true) ? names.encoder().weights().words()
                        : decoder.weight("weight", vocab, d), false, names.config().flag("decoder_bias", true)
                        ? decoder.weight("bias", vocab) : null));
            }
        };
    }

    @Override
    public TextEncoder describe(Checkpoint checkpoint, WeightSource source) {
        ModernBertConfig config = ModernBertConfig.of(checkpoint.fields());
        EncoderSpec spec = config.spec();
        WeightScope scope = WeightScope.locate(source, FIRST);
        RotaryOp.Heads heads = new RotaryOp.Heads(spec.numHeads(), spec.numHeads(), spec.headDim(), false, false);
        Rotary global = new Rotary(heads, config.global().table(source.arena(), spec.maxLength()));
        Rotary local = new Rotary(heads, config.local().table(source.arena(), spec.maxLength()));
        // transformers: what is half of local_attention away is seen.
        AttentionOp.Scores near = new AttentionOp.Scores(AttentionOp.Scores.of(spec.headDim()).scale(), 0f, config.localAttention() / 2
                + 1);
        List<EncoderWeights.Layer> layers = new ArrayList<>();
        for (int i = 0; i < spec.numLayers(); i++) {
            boolean sliding = config.sliding().get(i);
            layers.add(layer(scope.child("layers").child(i), config, i == 0, sliding ? near : null, sliding ? local : global));
        }
        WeightScope embeddings = scope.child("embeddings");
        return new TextEncoder(spec, new EncoderWeights(embeddings.child("tok_embeddings").weight("weight", spec.vocabSize(),
                spec.hiddenSize()),
                new Positions.None(), null, norm(embeddings.child("norm"), config), null, layers, norm(scope.child("final_norm"), config)));
    }

    private static EncoderWeights.Layer layer(WeightScope layer, ModernBertConfig config, boolean first, AttentionOp.Scores scores,
            Rotary rotary) {
        EncoderSpec spec = config.spec();
        int d = spec.hiddenSize();
        List<Linear.Part> qkv = layer.child("attn").parts("Wqkv", d, config.attentionBias(), d, d, d);
        List<Linear.Part> wi = layer.child("mlp").parts("Wi", d, config.mlpBias(), spec.dFf(), spec.dFf());
        return new EncoderWeights.Layer(new EncoderWeights.Attention(qkv.get(0), qkv.get(1), qkv.get(2),
                layer.child("attn").part("Wo", d, d, config.attentionBias()), scores, null, null, rotary),
                first ? null : norm(layer.child("attn_norm"), config), wi.get(0), wi.get(1),
                layer.child("mlp").part("Wo", spec.dFf(), d, config.mlpBias()), norm(layer.child("mlp_norm"), config));
    }

    private static LayerNorm norm(WeightScope norm, ModernBertConfig config) {
        int d = config.spec().hiddenSize();
        return new LayerNorm(norm.weight("weight", d), config.normBias() ? norm.weight("bias", d) : null, config.spec().normEps());
    }
}
