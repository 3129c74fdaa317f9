package dev.gatun.models.family.albert;

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
import dev.gatun.tensor.op.Activation;
import java.util.ArrayList;
import java.util.List;

/** ALBERT (Lan et al. 2019): layers that share their weights, over small embeddings. */
public final class Albert implements EncoderFamily {
    @Override
    public String name() {
        return "albert";
    }

    @Override
    public List<String> words() {
        return List.of("albert", "AlbertModel");
    }

    @Override
    public HeadLayers head(HeadKind kind, HeadNames names) {
        WeightScope predictions = names.top().child("predictions");
        return switch (kind) {
            case SEQUENCES -> names.classifier(names.square(names.base(), "pooler"), Activation.TANH, names.top(), "classifier");
            case MASKED -> {
                int size = Math.toIntExact(names.encoder().weights().words().shape().dim(1));
                yield names.masked(size, predictions.part("dense", names.encoder().spec().hiddenSize(), size),
                        names.encoder().spec().activation(),
                        predictions.child("LayerNorm"), predictions.child("decoder"), predictions);
            }
            case TOKENS, SPANS -> EncoderFamily.super.head(kind, names);
        };
    }

    @Override
    public TextEncoder describe(Checkpoint checkpoint, WeightSource source) {
        AlbertConfig config = AlbertConfig.of(checkpoint.fields());
        EncoderSpec spec = config.spec();
        WeightScope scope = WeightScope.locate(source, BertNames.FIRST);
        BertNames names = new BertNames(scope, spec, config.embeddingSize());
        List<List<EncoderWeights.Layer>> groups = new ArrayList<>();
        for (int g = 0; g < config.groups(); g++) {
            List<EncoderWeights.Layer> group = new ArrayList<>();
            for (int i = 0; i < config.innerGroups(); i++) {
                group.add(layer(scope.child("encoder").child("albert_layer_groups").child(g).child("albert_layers").child(i), names));
            }
            groups.add(group);
        }
        List<EncoderWeights.Layer> layers = new ArrayList<>();
        int steps = spec.numLayers() / config.innerGroups();
        for (int i = 0; i < steps; i++) {
            // transformers divides in floating point and cuts.
            layers.addAll(groups.get((int) (i / ((double) steps / config.groups()))));
        }
        return new TextEncoder(spec, new EncoderWeights(names.words(), new Positions.Absolute(names.positions(spec.maxLength())),
                names.types(),
                names.embeddingNorm(), scope.child("encoder")
                        .part("embedding_hidden_mapping_in", config.embeddingSize(), spec.hiddenSize()),
                layers, null));
    }

    private static EncoderWeights.Layer layer(WeightScope layer, BertNames names) {
        int d = names.spec().hiddenSize();
        WeightScope attention = layer.child("attention");
        return new EncoderWeights.Layer(new EncoderWeights.Attention(attention.part("query", d, d), attention.part("key", d, d),
                attention.part("value", d, d), attention.part("dense", d, d)), names.norm(attention.child("LayerNorm"), d),
                layer.part("ffn", d, names.spec().dFf()), layer.part("ffn_output", names.spec().dFf(), d),
                names.norm(layer.child("full_layer_layer_norm"), d));
    }
}
