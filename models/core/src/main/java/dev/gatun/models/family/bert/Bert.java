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
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.graph.Weight;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.stream.Stream;

/** BERT (Devlin et al. 2018): post-norm layers over words, learned positions and token types; and ERNIE, which may add its task. */
public final class Bert implements EncoderFamily {
    private static final String TYPES = "embeddings.token_type_embeddings.weight";

    @Override
    public String name() {
        return "bert";
    }

    @Override
    public List<String> words() {
        return List.of("bert", "ernie", "BertModel", "ErnieModel");
    }

    /**
     * Also claims what says nothing and is BERT by its tensors: the folders of older trainers. RoBERTa has tensors of the same names but
     * a single type of tokens, and ids of its own for positions.
     */
    @Override
    public boolean claims(Checkpoint checkpoint) {
        if (!checkpoint.modelType().isEmpty() || !checkpoint.architectures().isEmpty()) {
            return checkpoint.modelType().equals("bert") || checkpoint.modelType().equals("ernie")
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
            case SEQUENCES -> names.pooled();
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
        Weight positions = names.positions(config.maxPositions());
        return new TextEncoder(spec, names.weights(new Positions.Absolute(checkpoint.modelType().equals("ernie")
                && checkpoint.fields().flag("use_task_id", false) ? ofTask(checkpoint, names, positions, source.arena()) : positions)));
    }

    /** ERNIE adds the row of its task, always the first, where BERT adds the position's. */
    private static Weight ofTask(Checkpoint checkpoint, BertNames names, Weight positions, Arena arena) {
        int d = names.spec().hiddenSize();
        int tasks = checkpoint.fields().integer("task_type_vocab_size", 1, 1 << 22, 3);
        Weight task = names.scope().child("embeddings").child("task_type_embeddings").weight("weight", tasks, d);
        Tensor row = task.floats(arena);
        Tensor from = positions.floats(arena);
        Tensor sum = Tensor.allocate(arena, from.desc());
        for (long i = 0; i < sum.desc().shape().elementCount(); i++) {
            sum.setFloat(i, from.getFloat(i) + row.getFloat(i % d));
        }
        return new Weight(positions.name() + " + " + task.name(), sum);
    }
}
