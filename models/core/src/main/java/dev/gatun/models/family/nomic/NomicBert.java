package dev.gatun.models.family.nomic;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.encode.BertNames;
import dev.gatun.models.encode.EncoderFamily;
import dev.gatun.models.encode.HeadKind;
import dev.gatun.models.encode.HeadLayers;
import dev.gatun.models.encode.HeadNames;
import dev.gatun.models.encode.TextEncoder;
import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.models.layer.EncoderWeights;
import dev.gatun.models.layer.Positions;
import dev.gatun.tensor.graph.LayerNorm;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Rotary;
import dev.gatun.tensor.op.RotaryOp;
import java.util.ArrayList;
import java.util.List;

/** NomicBERT (Nussbaum et al. 2024): BERT with rotary positions, gated feed-forwards and no biases; norms after the sum. */
public final class NomicBert implements EncoderFamily {
    @Override
    public String name() {
        return "nomic_bert";
    }

    @Override
    public List<String> words() {
        return List.of("nomic_bert", "NomicBertModel");
    }

    @Override
    public HeadLayers head(HeadKind kind, HeadNames names) {
        return kind == HeadKind.SEQUENCES ? names.pooled() : EncoderFamily.super.head(kind, names);
    }

    @Override
    public TextEncoder describe(Checkpoint checkpoint, WeightSource source) {
        NomicBertConfig config = NomicBertConfig.of(checkpoint.fields());
        EncoderSpec spec = config.spec();
        BertNames names = new BertNames(WeightScope.locate(source, BertNames.FIRST), spec);
        WeightScope scope = names.scope();
        boolean original = !scope.child("layers").child(0).has("self_attn.q_proj.weight");
        Rotary rotary = new Rotary(new RotaryOp.Heads(spec.numHeads(), spec.numHeads(), spec.headDim(), false, false),
                config.rotary().table(source.arena(), spec.maxLength()));
        List<EncoderWeights.Layer> layers = new ArrayList<>();
        for (int i = 0; i < spec.numLayers(); i++) {
            layers.add(original ? layer(names, scope.child("encoder").child("layers").child(i), rotary)
                    : names.rotary(scope.child("layers").child(i), false, false, rotary));
        }
        LayerNorm norm = original ? names.norm(scope.child("emb_ln"), spec.hiddenSize()) : names.embeddingNorm();
        return new TextEncoder(spec, new EncoderWeights(names.words(), new Positions.None(), names.types(), norm, null, layers, null));
    }

    private static EncoderWeights.Layer layer(BertNames names, WeightScope layer, Rotary rotary) {
        EncoderSpec spec = names.spec();
        int d = spec.hiddenSize();
        int inner = spec.numHeads() * spec.headDim();
        List<Linear.Part> qkv = layer.child("attn").parts("Wqkv", d, false, inner, inner, inner);
        WeightScope mlp = layer.child("mlp");
        return new EncoderWeights.Layer(new EncoderWeights.Attention(qkv.get(0), qkv.get(1), qkv.get(2),
                layer.child("attn").part("out_proj", inner, d, false), null, null, null, rotary), names.norm(layer.child("norm1"), d),
                mlp.part("fc12", d, spec.dFf(), false), mlp.part("fc11", d, spec.dFf(), false), mlp.part("fc2", spec.dFf(), d, false),
                names.norm(layer.child("norm2"), d));
    }
}
