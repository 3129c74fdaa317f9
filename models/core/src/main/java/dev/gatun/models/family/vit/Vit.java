package dev.gatun.models.family.vit;

import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.layer.EncoderWeights;
import dev.gatun.models.layer.TransformerBlocks;
import dev.gatun.models.layer.TransformerGraph;
import dev.gatun.models.vision.VisionNetwork;
import dev.gatun.models.vision.VisionSpec;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.Conv;
import dev.gatun.tensor.graph.Embedding;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.LayerNorm;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.AttentionOp;
import dev.gatun.tensor.op.PatchTokensOp;
import dev.gatun.tensor.op.SequencePoolOp;
import dev.gatun.tensor.op.Window;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;

/**
 * Image classification by ViT (Dosovitskiy et al. 2021) and DeiT (Touvron et al. 2021), names as transformers'. Features: the class token
 * after the last norm; with a teacher's head, the distillation token before it.
 */
public final class Vit {
    /** {@code model_type} of these families. */
    public static final List<String> MODEL_TYPES = List.of("vit", "deit");
    /** {@code architectures} of these families. */
    public static final List<String> ARCHITECTURES = List.of("ViTForImageClassification", "DeiTForImageClassification",
            "DeiTForImageClassificationWithTeacher");
    private static final String TEACHER = "DeiTForImageClassificationWithTeacher";

    private final VitConfig config;
    private final WeightScope top;
    private final WeightScope scope;
    private final Arena temporary;

    private Vit(VitConfig config, WeightSource source, Arena temporary) {
        this.config = config;
        this.top = WeightScope.of(source);
        this.scope = WeightScope.locate(source, "embeddings.cls_token", "vit", "deit");
        this.temporary = temporary;
    }

    /**
     * Describes the network.
     *
     * @param fields    config.json
     * @param temporary owns weights that are made of several; must live until the network is loaded
     * @throws WeightException if a field has a value that is not served, or a tensor is missing or has another shape
     */
    public static VisionNetwork describe(ConfigFields fields, WeightSource source, Arena temporary) {
        Vit vit = new Vit(VitConfig.of(fields), source, temporary);
        List<String> named = fields.texts("architectures");
        String architecture = named == null || named.isEmpty() ? null : named.getFirst();
        if (architecture != null && !ARCHITECTURES.contains(architecture)
                || architecture != null && architecture.startsWith("DeiT") != vit.config.distilled()) {
            throw fields.error("architectures", "one that classifies: " + String.join(", ", ARCHITECTURES));
        }
        boolean teacher = architecture == null ? vit.top.has("cls_classifier.weight") : architecture.equals(TEACHER);
        return vit.network(teacher);
    }

    private VisionNetwork network(boolean teacher) {
        int results = teacher ? 2 : 1;
        int features = results * config.hiddenSize();
        Linear.Part classifier = teacher ? mean(classifier("distillation_classifier"), classifier("cls_classifier"))
                : classifier("classifier");
        VisionSpec spec = new VisionSpec(config.distilled() ? "deit" : "vit", config.channels(), config.image(), 0, features, features,
                Math.toIntExact(classifier.weight().shape().dim(0)), new VisionSpec.Tokens(config.patches() + config.learned(), results));
        GraphBuilder trunk = new GraphBuilder(spec.name() + ".trunk");
        trunk.output(VisionNetwork.ROWS, trunk(trunk, spec));
        GraphBuilder head = new GraphBuilder(spec.name() + ".head");
        Port rows = head.input(VisionNetwork.ROWS, spec.rows());
        head.output(VisionNetwork.FEATURES, rows);
        head.output(VisionNetwork.LOGITS, head.add("classifier", new Linear(classifier), rows));
        return new VisionNetwork(spec, trunk.build(), head.build());
    }

    private Port trunk(GraphBuilder graph, VisionSpec spec) {
        Port pictures = graph.input(VisionNetwork.PICTURES, spec.pictures());
        Port places = graph.input(VisionNetwork.PLACES, spec.places());
        Port sequences = graph.input(VisionNetwork.SEQUENCES, spec.sequences());
        Port results = graph.input(VisionNetwork.RESULTS, spec.results());
        int d = config.hiddenSize();
        int height = config.patch().height();
        int width = config.patch().width();
        WeightScope projection = scope.child("embeddings").child("patch_embeddings").child("projection");
        Window window = new Window(new long[] {height, width}, new long[] {1, 1}, new long[2], new long[2]);
        Port patches = graph.add("patches", new Conv(projection.weight("weight", d, config.channels(), height, width),
                projection.weight("bias", d), window), pictures);
        Port x = graph.add("embeddings", new Embedding(places(), null, null, false, null, 1f), places);
        x = graph.add("tokens", new PatchTokensOp(config.learned()), x, patches);
        AttentionOp op = new AttentionOp(AttentionOp.Source.SEPARATE, config.numHeads(), config.numHeads(), config.headDim(), false,
                AttentionOp.MaskKind.NONE, false);
        x = new TransformerGraph(new TransformerBlocks(graph, true, config.activation())).encoder(layers(), norm(scope.child("layernorm")),
                x, (name, q, k, v) -> graph.add(name, op, q, k, v, sequences, sequences));
        return graph.add("results", new SequencePoolOp(SequencePoolOp.Kind.LAST, false, spec.maxResults()), x, results);
    }

    /** What a place adds: its position and, of learned ones, their token. Attention sees no order: patches are first, the class is last. */
    private Weight places() {
        int d = config.hiddenSize();
        int learned = config.learned();
        int patches = config.patches();
        WeightScope embeddings = scope.child("embeddings");
        Weight positions = embeddings.weight("position_embeddings", 1, (long) learned + patches, d);
        Tensor from = positions.floats(temporary);
        Tensor table = Tensor.allocate(temporary, TensorDesc.of(DataType.F32, (long) patches + learned, d));
        for (long i = 0; i < (long) patches * d; i++) {
            table.setFloat(i, from.getFloat((long) learned * d + i));
        }
        String[] names = {"cls_token", "distillation_token"};
        for (int t = 0; t < learned; t++) {
            Tensor token = embeddings.weight(names[t], 1, 1, d).floats(temporary);
            for (int i = 0; i < d; i++) {
                table.setFloat((long) (patches + learned - 1 - t) * d + i, token.getFloat(i) + from.getFloat((long) t * d + i));
            }
        }
        // What only masked modelling and ViTModel's pooler read.
        embeddings.optional("mask_token", 1, 1, d);
        WeightScope pooler = scope.child("pooler").child("dense");
        if (pooler.has("weight")) {
            pooler.shape("weight");
            pooler.shape("bias");
        }
        return new Weight(positions.name(), table);
    }

    private List<EncoderWeights.Layer> layers() {
        WeightScope parent = scope.child("encoder").child("layer");
        int d = config.hiddenSize();
        int inner = config.numHeads() * config.headDim();
        List<EncoderWeights.Layer> layers = new ArrayList<>();
        for (int i = 0; i < config.numLayers(); i++) {
            WeightScope layer = parent.child(i);
            WeightScope attention = layer.child("attention");
            WeightScope self = attention.child("attention");
            layers.add(new EncoderWeights.Layer(new EncoderWeights.Attention(part(self, "query", d, inner, config.qkvBias()),
                    part(self, "key", d, inner, config.qkvBias()), part(self, "value", d, inner, config.qkvBias()),
                    part(attention.child("output"), "dense", inner, d, true)), norm(layer.child("layernorm_before")),
                    part(layer.child("intermediate"), "dense", d, config.dFf(), true),
                    part(layer.child("output"), "dense", config.dFf(), d, true), norm(layer.child("layernorm_after"))));
        }
        return layers;
    }

    private LayerNorm norm(WeightScope norm) {
        return new LayerNorm(norm.weight("weight", config.hiddenSize()), norm.weight("bias", config.hiddenSize()), config.normEps());
    }

    private Linear.Part classifier(String name) {
        return part(top, name, config.hiddenSize(), top.child(name).shape("weight").dim(0), true);
    }

    /** A layer whose bias is there exactly if it should be: one that is not wanted counts as a tensor too many. */
    private static Linear.Part part(WeightScope parent, String name, long in, long out, boolean bias) {
        WeightScope layer = parent.child(name);
        return new Linear.Part(layer.weight("weight", out, in), false, bias ? layer.weight("bias", out) : null);
    }

    /** The mean of two layers, each of its own half of the columns. */
    private Linear.Part mean(Linear.Part one, Linear.Part other) {
        if (!one.weight().shape().equals(other.weight().shape())) {
            throw new IllegalArgumentException(one.weight() + " and " + other.weight() + ": other classes, expected the same");
        }
        int d = config.hiddenSize();
        int out = Math.toIntExact(one.weight().shape().dim(0));
        Tensor weight = Tensor.allocate(temporary, TensorDesc.of(DataType.F32, out, 2L * d));
        Tensor bias = Tensor.allocate(temporary, TensorDesc.of(DataType.F32, out));
        List<Linear.Part> parts = List.of(one, other);
        for (int p = 0; p < 2; p++) {
            Tensor w = parts.get(p).weight().floats(temporary);
            Tensor b = parts.get(p).bias().floats(temporary);
            for (int row = 0; row < out; row++) {
                bias.setFloat(row, bias.getFloat(row) + b.getFloat(row) / 2);
                for (int i = 0; i < d; i++) {
                    weight.setFloat((2L * row + p) * d + i, w.getFloat((long) row * d + i) / 2);
                }
            }
        }
        return new Linear.Part(new Weight(one.weight().name(), weight), false, new Weight(one.bias().name(), bias));
    }
}
