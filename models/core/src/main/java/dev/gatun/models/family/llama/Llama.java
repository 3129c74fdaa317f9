package dev.gatun.models.family.llama;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.encode.ClassLabels;
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
import dev.gatun.tensor.graph.Rotary;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.AttentionOp;
import dev.gatun.tensor.op.RotaryOp;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Decoders that encode: Llama (Touvron et al. 2023), Mistral, Qwen2 and Qwen3 see what stands before a token, EuroBERT everything. RMS
 * norms
 * first, rotary positions, key and value heads shared by queries, gated feed-forwards.
 */
public final class Llama implements EncoderFamily {
    private static final String FIRST = "embed_tokens.weight";

    @Override
    public String name() {
        return "llama";
    }

    @Override
    public List<String> words() {
        return List.of("llama", "mistral", "qwen2", "qwen3", "eurobert", "LlamaModel", "MistralModel", "Qwen2Model", "Qwen3Model",
                "EuroBertModel");
    }

    @Override
    public boolean claims(Checkpoint checkpoint) {
        return List.of("llama", "mistral", "qwen2", "qwen3", "eurobert").contains(checkpoint.modelType());
    }

    /** Of decoders the last row and {@code score}; of EuroBERT a dense layer and classes of the first row, the mean, or every row. */
    @Override
    public HeadLayers head(HeadKind kind, HeadNames names) {
        if (kind != HeadKind.SEQUENCES) {
            return EncoderFamily.super.head(kind, names);
        }
        int d = names.encoder().spec().hiddenSize();
        if (names.encoder().spec().causal()) {
            int classes = ClassLabels.of(names.checkpoint()).names().size();
            return HeadLayers.of(Pooling.LASTTOKEN).dense(names.top().part("score", d, classes, false));
        }
        HeadLayers late = HeadLayers.tokens().pooledLast(Pooling.MEAN);
        HeadLayers pooled = names.config().choice("classifier_pooling", late, Map.of("late", late, "bos", HeadLayers.first(),
                "mean", HeadLayers.of(Pooling.MEAN)));
        return names.classes(pooled.dense(names.square(names.top(), "dense")).activate(Activation.GELU_ERF), names.top(), "classifier");
    }

    @Override
    public TextEncoder describe(Checkpoint checkpoint, WeightSource source) {
        LlamaConfig config = LlamaConfig.of(checkpoint.modelType(), checkpoint.fields());
        EncoderSpec spec = config.spec();
        WeightScope scope = WeightScope.locate(source, FIRST);
        Weight table = config.rotary().table(source.arena(), spec.maxLength());
        List<EncoderWeights.Layer> layers = new ArrayList<>();
        for (int i = 0; i < spec.numLayers(); i++) {
            layers.add(layer(scope.child("layers").child(i), config, table, config.windows().get(i)));
        }
        return new TextEncoder(spec, new EncoderWeights(scope.child("embed_tokens").weight("weight", spec.vocabSize(), spec.hiddenSize()),
                new Positions.None(), null, null, null, layers, norm(scope.child("norm"), spec)));
    }

    private static EncoderWeights.Layer layer(WeightScope layer, LlamaConfig config, Weight table, int window) {
        EncoderSpec spec = config.spec();
        int d = spec.hiddenSize();
        int inner = spec.numHeads() * spec.headDim();
        int keys = spec.numKvHeads() * spec.headDim();
        WeightScope attention = layer.child("self_attn");
        WeightScope mlp = layer.child("mlp");
        RotaryOp.Heads heads = new RotaryOp.Heads(spec.numHeads(), spec.numKvHeads(), spec.headDim(), false, false);
        Rotary rotary = !config.headNorms() ? new Rotary(heads, table) : new Rotary(heads, table,
                attention.child("q_norm").weight("weight", spec.headDim()), attention.child("k_norm").weight("weight", spec.headDim()),
                spec.normEps());
        AttentionOp.Scores scores = window == 0 ? null : new AttentionOp.Scores(AttentionOp.Scores.of(spec.headDim()).scale(), 0f, window);
        return new EncoderWeights.Layer(new EncoderWeights.Attention(attention.part("q_proj", d, inner, config.qkvBias()),
                attention.part("k_proj", d, keys, config.qkvBias()), attention.part("v_proj", d, keys, config.qkvBias()),
                attention.part("o_proj", inner, d, config.outputBias()), scores, null, null, rotary), norm(layer.child("input_layernorm"),
                spec),
                mlp.part("gate_proj", d, spec.dFf(), config.mlpBias()), mlp.part("up_proj", d, spec.dFf(), config.mlpBias()),
                mlp.part("down_proj", spec.dFf(), d, config.mlpBias()), norm(layer.child("post_attention_layernorm"), spec));
    }

    private static LayerNorm norm(WeightScope norm, EncoderSpec spec) {
        return LayerNorm.rms(norm.weight("weight", spec.hiddenSize()), spec.normEps());
    }
}
