package dev.gatun.models.family.distilbert;

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

/** DistilBERT (Sanh et al. 2019): BERT's layers under other names, without token types. */
public final class DistilBert implements EncoderFamily {
    @Override
    public String name() {
        return "distilbert";
    }

    @Override
    public List<String> words() {
        return List.of("distilbert", "DistilBertModel");
    }

    @Override
    public HeadLayers head(HeadKind kind, HeadNames names) {
        WeightScope top = names.top();
        return switch (kind) {
            case SEQUENCES -> names.classifier(names.square(top, "pre_classifier"), Activation.RELU, top, "classifier");
            case MASKED -> names.masked(names.encoder().spec().hiddenSize(), names.square(top, "vocab_transform"),
                    names.encoder().spec().activation(), top.child("vocab_layer_norm"), top.child("vocab_projector"),
                            top.child("vocab_projector"));
            case TOKENS, SPANS -> EncoderFamily.super.head(kind, names);
        };
    }

    @Override
    public TextEncoder describe(Checkpoint checkpoint, WeightSource source) {
        EncoderSpec spec = DistilBertConfig.of(checkpoint.fields());
        WeightScope scope = WeightScope.locate(source, BertNames.FIRST);
        BertNames names = new BertNames(scope, spec);
        List<EncoderWeights.Layer> layers = new ArrayList<>();
        for (int i = 0; i < spec.numLayers(); i++) {
            layers.add(layer(scope.child("transformer").child("layer").child(i), names));
        }
        return new TextEncoder(spec, new EncoderWeights(names.words(), new Positions.Absolute(names.positions(spec.maxLength())), null,
                names.embeddingNorm(), null, layers, null));
    }

    private static EncoderWeights.Layer layer(WeightScope layer, BertNames names) {
        int d = names.spec().hiddenSize();
        WeightScope attention = layer.child("attention");
        WeightScope ffn = layer.child("ffn");
        return new EncoderWeights.Layer(new EncoderWeights.Attention(attention.part("q_lin", d, d), attention.part("k_lin", d, d),
                attention.part("v_lin", d, d), attention.part("out_lin", d, d)), names.norm(layer.child("sa_layer_norm"), d),
                ffn.part("lin1", d, names.spec().dFf()), ffn.part("lin2", names.spec().dFf(), d),
                        names.norm(layer.child("output_layer_norm"), d));
    }
}
