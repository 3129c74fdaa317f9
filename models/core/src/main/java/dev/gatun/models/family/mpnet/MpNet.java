package dev.gatun.models.family.mpnet;

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
import dev.gatun.tensor.graph.Distances;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.Activation;
import java.util.ArrayList;
import java.util.List;

/** MPNet (Song et al. 2020): BERT's layers without token types, positions as RoBERTa's, and a bias by the distance from query to key. */
public final class MpNet implements EncoderFamily {
    /** Of transformers' code, whatever the config says. */
    private static final int PADDING = 1;
    static final int BUCKETS = 32;
    private static final int MAX_DISTANCE = 128;

    @Override
    public String name() {
        return "mpnet";
    }

    @Override
    public List<String> words() {
        return List.of("mpnet", "MPNetModel");
    }

    @Override
    public HeadLayers head(HeadKind kind, HeadNames names) {
        return switch (kind) {
            case SEQUENCES -> names.denseOutProj(Activation.TANH);
            case MASKED -> names.lmHead();
            case TOKENS, SPANS -> EncoderFamily.super.head(kind, names);
        };
    }

    @Override
    public TextEncoder describe(Checkpoint checkpoint, WeightSource source) {
        MpNetConfig config = MpNetConfig.of(checkpoint.fields());
        EncoderSpec spec = config.spec(PADDING + 1);
        BertNames names = new BertNames(WeightScope.locate(source, BertNames.FIRST), spec);
        Weight buckets = names.scope().child("encoder").child("relative_attention_bias").weight("weight", BUCKETS, spec.numHeads());
        Weight distances = Distances.ofBuckets(source.arena(), buckets, true, MAX_DISTANCE);
        List<EncoderWeights.Layer> layers = new ArrayList<>();
        for (int i = 0; i < spec.numLayers(); i++) {
            layers.add(layer(names, names.scope().child("encoder").child("layer").child(i), distances));
        }
        Positions positions = new Positions.Absolute(names.positions(config.positionRows()), PADDING + 1, PADDING);
        return new TextEncoder(spec, new EncoderWeights(names.words(), positions, null, names.embeddingNorm(), null, layers, null));
    }

    private static EncoderWeights.Layer layer(BertNames names, WeightScope layer, Weight distances) {
        int d = names.spec().hiddenSize();
        int dFf = names.spec().dFf();
        WeightScope attention = layer.child("attention");
        WeightScope parts = attention.child("attn");
        return new EncoderWeights.Layer(new EncoderWeights.Attention(parts.part("q", d, d), parts.part("k", d, d), parts.part("v", d, d),
                parts.part("o", d, d), null, distances, null, null), names.norm(attention.child("LayerNorm"), d),
                layer.child("intermediate").part("dense", d, dFf), layer.child("output").part("dense", dFf, d),
                names.norm(layer.child("output").child("LayerNorm"), d));
    }
}
