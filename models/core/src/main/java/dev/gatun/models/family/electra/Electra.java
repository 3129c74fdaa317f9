package dev.gatun.models.family.electra;

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
import java.util.List;

/** ELECTRA (Clark et al. 2020): BERT's layers over embeddings of another size. */
public final class Electra implements EncoderFamily {
    @Override
    public String name() {
        return "electra";
    }

    @Override
    public List<String> words() {
        return List.of("electra", "ElectraModel");
    }

    @Override
    public HeadLayers head(HeadKind kind, HeadNames names) {
        WeightScope top = names.top();
        return switch (kind) {
            case SEQUENCES -> names.denseOutProj(Activation.GELU_ERF);
            case MASKED -> {
                int size = Math.toIntExact(names.encoder().weights().words().shape().dim(1));
                WeightScope predictions = top.child("generator_predictions");
                yield names.masked(size, predictions.part("dense", names.encoder().spec().hiddenSize(), size), Activation.GELU_ERF,
                        predictions.child("LayerNorm"), top.child("generator_lm_head"), top.child("generator_lm_head"));
            }
            case TOKENS, SPANS -> EncoderFamily.super.head(kind, names);
        };
    }

    @Override
    public TextEncoder describe(Checkpoint checkpoint, WeightSource source) {
        ElectraConfig config = ElectraConfig.of(checkpoint.fields());
        EncoderSpec spec = config.spec();
        WeightScope scope = WeightScope.locate(source, BertNames.FIRST);
        BertNames names = new BertNames(scope, spec, config.embeddingSize());
        return new TextEncoder(spec, new EncoderWeights(names.words(), new Positions.Absolute(names.positions(spec.maxLength())),
                names.types(),
                names.embeddingNorm(), config.embeddingSize() == spec.hiddenSize() ? null
                        : scope.part("embeddings_project", config.embeddingSize(), spec.hiddenSize()), names.layers(), null));
    }
}
