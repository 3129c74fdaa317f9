package dev.gatun.models.family.deberta;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.encode.Activations;
import dev.gatun.models.encode.BertNames;
import dev.gatun.models.encode.EncoderFamily;
import dev.gatun.models.encode.HeadKind;
import dev.gatun.models.encode.HeadLayers;
import dev.gatun.models.encode.HeadNames;
import dev.gatun.models.encode.TextEncoder;
import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.models.layer.EncoderWeights;
import dev.gatun.models.layer.Positions;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.graph.Disentangled;
import dev.gatun.tensor.graph.LayerNorm;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.AttentionOp;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;

/** DeBERTa-v2 and v3 (He et al. 2021): BERT's layers, whose queries and keys also meet embeddings of relative positions. */
public final class Deberta implements EncoderFamily {

    @Override
    public String name() {
        return "deberta-v2";
    }

    @Override
    public List<String> words() {
        return List.of("deberta-v2", "DebertaV2Model");
    }

    @Override
    public HeadLayers head(HeadKind kind, HeadNames names) {
        return switch (kind) {
            case SEQUENCES -> names.classifier(names.square(names.top().child("pooler"), "dense"),
                    Activations.of(names.config(), "pooler_hidden_act", Activation.GELU_ERF), names.top(), "classifier");
            case MASKED -> masked(names);
            case TOKENS, SPANS -> EncoderFamily.super.head(kind, names);
        };
    }

    /** BERT's head; where {@code legacy} is false, that of DeBERTa's authors, which always shares the word embeddings. */
    private static HeadLayers masked(HeadNames names) {
        int d = names.encoder().spec().hiddenSize();
        if (names.config().flag("legacy", true)) {
            WeightScope predictions = names.top().child("cls").child("predictions");
            WeightScope transform = predictions.child("transform");
            return names.masked(d, names.square(transform, "dense"), names.encoder().spec().activation(), transform.child("LayerNorm"),
                    predictions.child("decoder"), predictions);
        }
        WeightScope head = names.top().child("lm_predictions").child("lm_head");
        WeightScope norm = head.child("LayerNorm");
        return HeadLayers.tokens().dense(names.square(head, "dense")).activate(names.encoder().spec().activation())
                .norm(new LayerNorm(norm.weight("weight", d), norm.weight("bias", d), names.encoder().spec().normEps()))
                .dense(new Linear.Part(names.encoder().weights().words(), false, head.weight("bias", names.encoder().spec().vocabSize())));
    }

    @Override
    public TextEncoder describe(Checkpoint checkpoint, WeightSource source) {
        DebertaConfig config = DebertaConfig.of(checkpoint.fields());
        EncoderSpec spec = config.spec();
        BertNames names = new BertNames(WeightScope.locate(source, BertNames.FIRST), spec);
        WeightScope encoder = names.scope().child("encoder");
        boolean positional = config.relative() && (config.contentToPosition() || config.positionToContent());
        Weight relative = positional ? relative(encoder, names, config) : null;
        List<Integer> rows = positional ? Disentangled.rows(span(config), config.buckets() > 0, config.longest(), spec.maxLength() - 1)
                : null;
        List<EncoderWeights.Layer> layers = new ArrayList<>();
        for (int i = 0; i < spec.numLayers(); i++) {
            layers.add(layer(names, encoder.child("layer").child(i), config, relative, rows));
        }
        Positions positions = config.absolute() ? new Positions.Absolute(names.positions(spec.maxLength())) : new Positions.None();
        return new TextEncoder(spec, new EncoderWeights(names.words(), positions, names.types(), names.embeddingNorm(), null, layers,
                null));
    }

    private static int span(DebertaConfig config) {
        return config.buckets() > 0 ? config.buckets() : config.longest();
    }

    private static Weight relative(WeightScope encoder, BertNames names, DebertaConfig config) {
        int d = config.spec().hiddenSize();
        Weight embeddings = encoder.child("rel_embeddings").weight("weight", 2L * span(config), d);
        return config.normRelative() ? normalized(encoder.arena(), embeddings, names.norm(encoder.child("LayerNorm"), d)) : embeddings;
    }

    private static Weight normalized(Arena arena, Weight x, LayerNorm norm) {
        int d = Math.toIntExact(x.shape().dim(1));
        float[] values = x.floats(arena).toFloats();
        Tensor gamma = norm.gamma().floats(arena);
        Tensor beta = norm.beta().floats(arena);
        for (int row = 0; row < values.length; row += d) {
            double mean = 0;
            double squares = 0;
            for (int i = 0; i < d; i++) {
                mean += values[row + i] / (double) d;
            }
            for (int i = 0; i < d; i++) {
                squares += (values[row + i] - mean) * (values[row + i] - mean) / d;
            }
            double scale = 1 / Math.sqrt(squares + norm.epsilon());
            for (int i = 0; i < d; i++) {
                values[row + i] = (float) ((values[row + i] - mean) * scale * gamma.getFloat(i) + beta.getFloat(i));
            }
        }
        return new Weight(x.name() + " normalized", Tensor.ofFloats(arena, values, x.shape().dims()));
    }

    private static EncoderWeights.Layer layer(BertNames names, WeightScope layer, DebertaConfig config, Weight relative,
            List<Integer> rows) {
        int d = names.spec().hiddenSize();
        int dFf = names.spec().dFf();
        WeightScope self = layer.child("attention").child("self");
        WeightScope output = layer.child("attention").child("output");
        Linear.Part query = self.part("query_proj", d, d);
        Linear.Part key = self.part("key_proj", d, d);
        Disentangled positions = relative == null ? null : new Disentangled(
                config.contentToPosition() ? project(layer.arena(), relative, config.shareKey() ? key : self.part("pos_key_proj", d, d))
                : null,
                config.positionToContent() ? project(layer.arena(), relative, config.shareKey() ? query : self.part("pos_query_proj", d,
                d)) : null, rows);
        int terms = 1 + (config.contentToPosition() ? 1 : 0) + (config.positionToContent() ? 1 : 0);
        AttentionOp.Scores scores = new AttentionOp.Scores((float) (1 / Math.sqrt((double) names.spec().headDim() * terms)), 0f, 0);
        return new EncoderWeights.Layer(new EncoderWeights.Attention(query, key, self.part("value_proj", d, d), output.part("dense", d, d),
                scores,
                null, positions, null), names.norm(output.child("LayerNorm"), d), layer.child("intermediate").part("dense", d, dFf),
                layer.child("output").part("dense", dFf, d), names.norm(layer.child("output").child("LayerNorm"), d));
    }

    private static Weight project(Arena arena, Weight relative, Linear.Part part) {
        return Disentangled.project(arena, relative, part.weight(), part.bias());
    }
}
