package dev.gatun.models.family.bert;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.encode.BertNames;
import dev.gatun.models.encode.EncoderFamily;
import dev.gatun.models.encode.TextEncoder;
import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.models.layer.EncoderWeights;
import dev.gatun.models.layer.Positions;
import dev.gatun.tensor.graph.Distances;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.Activation;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * jina-embeddings-v2 (Günther et al. 2023): BERT with linear biases by distance (Press et al. 2022) instead of positions, and gated
 * feed-forwards. Its config.json calls it bert; its architecture says what it is.
 */
public final class JinaBert implements EncoderFamily {

    @Override
    public String name() {
        return "jina-bert";
    }

    @Override
    public List<String> words() {
        return List.of("JinaBertModel");
    }

    @Override
    public boolean claims(Checkpoint checkpoint) {
        return checkpoint.modelType().equals("bert") && checkpoint.architectures().stream().anyMatch(a -> a.startsWith("JinaBert"));
    }

    @Override
    public TextEncoder describe(Checkpoint checkpoint, WeightSource source) {
        ConfigFields fields = checkpoint.fields();
        BertConfig config = BertConfig.of(fields, "alibi");
        if (!fields.has("position_embedding_type")) {
            throw fields.error("position_embedding_type", "alibi");
        }
        Activation gate = fields.choice("feed_forward_type", Map.of("geglu", Activation.GELU_ERF, "reglu", Activation.RELU));
        EncoderSpec bert = config.spec();
        EncoderSpec spec = new EncoderSpec(name(), bert.vocabSize(), bert.typeCount(), bert.hiddenSize(), bert.numLayers(), bert.numHeads(),
                bert.headDim(), bert.dFf(), bert.maxLength(), bert.normEps(), false, gate, bert.causal());
        BertNames names = new BertNames(WeightScope.locate(source, BertNames.FIRST), spec);
        Weight distances = Distances.alibi(source.arena(), Distances.alibiSlopes(spec.numHeads()), spec.maxLength() - 1);
        WeightScope parent = names.scope().child("encoder").child("layer");
        List<EncoderWeights.Layer> layers = new ArrayList<>();
        for (int i = 0; i < spec.numLayers(); i++) {
            layers.add(layer(names, parent.child(i), distances));
        }
        if (parent.child(spec.numLayers()).child("mlp").child("wo").has("weight")) {
            throw fields.error("num_hidden_layers", "the number of layers in the file, which has a layer " + spec.numLayers());
        }
        return new TextEncoder(spec, new EncoderWeights(names.words(), new Positions.None(), names.types(), names.embeddingNorm(), null,
                layers,
                null));
    }

    private static EncoderWeights.Layer layer(BertNames names, WeightScope layer, Weight distances) {
        int d = names.spec().hiddenSize();
        int dFf = names.spec().dFf();
        WeightScope self = layer.child("attention").child("self");
        WeightScope output = layer.child("attention").child("output");
        WeightScope mlp = layer.child("mlp");
        List<Linear.Part> gated = mlp.parts("gated_layers", d, false, dFf, dFf);
        return new EncoderWeights.Layer(new EncoderWeights.Attention(self.part("query", d, d, true), self.part("key", d, d, true),
                self.part("value", d, d, true), output.part("dense", d, d, true), null, distances, null, null),
                names.norm(output.child("LayerNorm"), d), gated.get(0), gated.get(1), mlp.part("wo", dFf, d, true),
                names.norm(mlp.child("layernorm"), d));
    }
}
