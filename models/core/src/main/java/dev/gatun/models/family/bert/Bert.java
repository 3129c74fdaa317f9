package dev.gatun.models.family.bert;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.WeightException;
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
import java.util.stream.Stream;

/** BERT (Devlin et al. 2018): post-norm layers over words, learned positions and token types. */
public final class Bert implements EncoderFamily {
    private static final String TYPES = "embeddings.token_type_embeddings.weight";

    @Override
    public String name() {
        return "bert";
    }

    @Override
    public List<String> words() {
        return List.of("bert", "BertModel");
    }

    /**
     * Also claims what says nothing and is BERT by its tensors: the folders of older trainers. RoBERTa has tensors of the same names but
     * a single type of tokens, and ids of its own for positions.
     */
    @Override
    public boolean claims(Checkpoint checkpoint) {
        if (!checkpoint.modelType().isEmpty() || !checkpoint.architectures().isEmpty()) {
            return checkpoint.modelType().equals("bert")
                    || checkpoint.modelType().isEmpty() && checkpoint.architectures().stream().allMatch(a -> a.startsWith("Bert"));
        }
        if (checkpoint.format().equals("onnx")) {
            return checkpoint.tensors().keySet().stream().anyMatch(name -> name.endsWith("encoder.layer.0.attention.self.query.weight"));
        }
        return checkpoint.hasConfig() && Stream.of("", "bert.").map(p -> checkpoint.tensors().get(p + TYPES))
                .anyMatch(types -> types != null && types.shape().rank() == 2 && types.shape().dim(0) > 1);
    }

    @Override
    public HeadLayers head(HeadKind kind, HeadNames names) {
        WeightScope predictions = names.top().child("cls").child("predictions");
        WeightScope transform = predictions.child("transform");
        return switch (kind) {
            case SEQUENCES -> names.classifier(names.square(names.base().child("pooler"), "dense"), Activation.TANH, names.top(),
                    "classifier");
            case MASKED -> names.masked(names.encoder().spec().hiddenSize(), names.square(transform, "dense"),
                    names.encoder().spec().activation(),
                    transform.child("LayerNorm"), predictions.child("decoder"), predictions);
            case TOKENS, SPANS -> EncoderFamily.super.head(kind, names);
        };
    }

    @Override
    public TextEncoder describe(Checkpoint checkpoint, WeightSource source) {
        WeightScope scope = WeightScope.locate(source, BertNames.FIRST);
        if (!checkpoint.hasConfig()) {
            throw new WeightException(checkpoint.configFile(), "does not exist; the model's sizes are expected there");
        }
        BertConfig config = BertConfig.of(checkpoint.fields(), "absolute");
        EncoderSpec spec = config.spec();
        BertNames names = new BertNames(scope, spec);
        return new TextEncoder(spec, names.weights(new Positions.Absolute(names.positions(config.maxPositions()))));
    }
}
