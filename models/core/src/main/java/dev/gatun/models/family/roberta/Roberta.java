package dev.gatun.models.family.roberta;

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
import dev.gatun.models.layer.Positions;
import dev.gatun.tensor.op.Activation;
import java.util.List;

/**
 * RoBERTa (Liu et al. 2019), XLM-RoBERTa and CamemBERT: BERT's layers and names, and positions that begin after the padding token's id and
 * do not count padding.
 */
public final class Roberta implements EncoderFamily {
    @Override
    public String name() {
        return "roberta";
    }

    @Override
    public List<String> words() {
        return List.of("roberta", "xlm-roberta", "camembert", "RobertaModel", "XLMRobertaModel", "CamembertModel");
    }

    @Override
    public boolean claims(Checkpoint checkpoint) {
        return List.of("roberta", "xlm-roberta", "camembert").contains(checkpoint.modelType())
                || checkpoint.modelType().isEmpty() && checkpoint.architectures().stream()
                        .anyMatch(a -> a.contains("Roberta") || a.startsWith("Camembert"));
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
        RobertaConfig config = RobertaConfig.of(checkpoint.fields());
        EncoderSpec spec = config.spec();
        BertNames names = new BertNames(WeightScope.locate(source, BertNames.FIRST), spec);
        return new TextEncoder(spec, names.weights(new Positions.Absolute(names.positions(config.positionRows()), config.padTokenId() + 1,
                config.padTokenId())));
    }
}
