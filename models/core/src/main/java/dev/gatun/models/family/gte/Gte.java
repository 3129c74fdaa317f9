package dev.gatun.models.family.gte;

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
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Rotary;
import dev.gatun.tensor.op.RotaryOp;
import java.util.ArrayList;
import java.util.List;

/** Alibaba's GTE (Zhang et al. 2024; "new" in its own files): BERT with rotary positions and gated feed-forwards. */
public final class Gte implements EncoderFamily {

    @Override
    public String name() {
        return "gte";
    }

    @Override
    public List<String> words() {
        return List.of("gte", "new", "GteModel", "NewModel");
    }

    @Override
    public boolean claims(Checkpoint checkpoint) {
        return List.of("gte", "new").contains(checkpoint.modelType());
    }

    @Override
    public HeadLayers head(HeadKind kind, HeadNames names) {
        return kind == HeadKind.SEQUENCES ? names.pooled() : EncoderFamily.super.head(kind, names);
    }

    @Override
    public TextEncoder describe(Checkpoint checkpoint, WeightSource source) {
        GteConfig config = GteConfig.of(checkpoint.fields());
        EncoderSpec spec = config.spec();
        BertNames names = new BertNames(WeightScope.locate(source, BertNames.FIRST), spec);
        Rotary rotary = new Rotary(new RotaryOp.Heads(spec.numHeads(), spec.numHeads(), spec.headDim(), false, false),
                config.rotary().table(source.arena(), spec.maxLength()));
        boolean original = !names.scope().child("layers").child(0).has("self_attn.q_proj.weight");
        List<EncoderWeights.Layer> layers = new ArrayList<>();
        for (int i = 0; i < spec.numLayers(); i++) {
            layers.add(original ? layer(names, names.scope().child("encoder").child("layer").child(i), rotary)
                    : names.rotary(names.scope().child("layers").child(i), true, true, rotary));
        }
        return new TextEncoder(spec, new EncoderWeights(names.words(), new Positions.None(), names.types(), names.embeddingNorm(), null,
                layers, null));
    }

    private static EncoderWeights.Layer layer(BertNames names, WeightScope layer, Rotary rotary) {
        int d = names.spec().hiddenSize();
        int dFf = names.spec().dFf();
        List<Linear.Part> qkv = layer.child("attention").parts("qkv_proj", d, true, d, d, d);
        List<Linear.Part> upGate = layer.child("mlp").parts("up_gate_proj", d, false, dFf, dFf);
        return new EncoderWeights.Layer(new EncoderWeights.Attention(qkv.get(0), qkv.get(1), qkv.get(2),
                layer.child("attention").part("o_proj", d, d, true), null, null, null, rotary), names.norm(layer.child("attn_ln"), d),
                upGate.get(1),
                upGate.get(0), layer.child("mlp").part("down_proj", dFf, d, true), names.norm(layer.child("mlp_ln"), d));
    }
}
