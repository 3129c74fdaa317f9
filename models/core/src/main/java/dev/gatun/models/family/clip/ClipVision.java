package dev.gatun.models.family.clip;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.layer.TransformerBlocks;
import dev.gatun.models.layer.TransformerGraph;
import dev.gatun.models.vision.VisionNetwork;
import dev.gatun.models.vision.VisionSpec;
import dev.gatun.models.vision.VisionSpec.InputSize;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.Conv;
import dev.gatun.tensor.graph.Embedding;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.AttentionOp;
import dev.gatun.tensor.op.NormalizeOp;
import dev.gatun.tensor.op.PatchTokensOp;
import dev.gatun.tensor.op.SequencePoolOp;
import dev.gatun.tensor.op.Window;
import java.lang.foreign.Arena;
import java.nio.file.Path;

/**
 * The image towers of CLIP and SigLIP: patches through a Transformer with norms first. CLIP takes the row of a learned token, SigLIP lets a
 * learned query attend to all rows. The head's logits are a picture's vector.
 */
public final class ClipVision {
    private final ClipConfig config;
    private final WeightScope top;
    private final WeightScope scope;
    private final ClipNames names;
    private final Arena temporary;
    private final InputSize image;
    private final InputSize patch;
    private final int channels;

    private ClipVision(ClipConfig config, WeightSource source, Arena temporary) {
        this.config = config;
        this.top = WeightScope.of(source);
        this.scope = top.child("vision_model");
        this.names = new ClipNames(scope, config);
        this.temporary = temporary;
        ConfigFields fields = config.fields();
        this.channels = fields.integer("num_channels", 1, 1 << 10, 3);
        this.image = InputSize.of(fields, "image_size", 224);
        this.patch = InputSize.of(fields, "patch_size", config.siglip() ? 16 : 32);
        if (patch.height() > image.height() || patch.width() > image.width()) {
            throw fields.error("patch_size", "at most the image_size " + image);
        }
        if (!config.siglip() && (image.height() != image.width() || patch.height() != patch.width())) {
            throw fields.error(image.height() != image.width() ? "image_size" : "patch_size", "one number");
        }
        if (config.siglip()) {
            fields.require("vision_use_head", true);
        }
    }

    /**
     * Describes the network.
     *
     * @param file      config.json, for messages
     * @param normalize whether vectors get Euclidean length 1
     * @param temporary owns weights that are made of several; must live until the network is loaded
     * @throws dev.gatun.models.checkpoint.WeightException if a field has a value that is not served, or a tensor is missing or has another
     *                                                     shape
     */
    public static VisionNetwork describe(Path file, JsonNode config, WeightSource source, boolean normalize, Arena temporary) {
        return new ClipVision(ClipConfig.vision(file, config), source, temporary).network(normalize);
    }

    private int learned() {
        return config.siglip() ? 0 : 1;
    }

    private int patches() {
        return image.height() / patch.height() * (image.width() / patch.width());
    }

    private VisionNetwork network(boolean normalize) {
        int d = config.hiddenSize();
        VisionSpec spec = new VisionSpec(config.siglip() ? "siglip" : "clip", channels, image, 0, d, d,
                config.siglip() ? d : config.projection(), new VisionSpec.Tokens(patches() + learned(), 1, config.siglip()));
        GraphBuilder trunk = new GraphBuilder(spec.name() + ".trunk");
        trunk.output(VisionNetwork.ROWS, trunk(trunk, spec));
        GraphBuilder head = new GraphBuilder(spec.name() + ".head");
        Port rows = head.input(VisionNetwork.ROWS, spec.rows());
        head.output(VisionNetwork.FEATURES, rows);
        Port vectors = config.siglip() ? rows
                : head.add("projection", new Linear(top.part("visual_projection", d, config.projection(), false)), rows);
        head.output(VisionNetwork.LOGITS, normalize ? head.add("normalize", new NormalizeOp(), vectors) : vectors);
        return new VisionNetwork(spec, trunk.build(), head.build());
    }

    private Port trunk(GraphBuilder graph, VisionSpec spec) {
        Port pictures = graph.input(VisionNetwork.PICTURES, spec.pictures());
        Port places = graph.input(VisionNetwork.PLACES, spec.places());
        Port sequences = graph.input(VisionNetwork.SEQUENCES, spec.sequences());
        Port results = graph.input(VisionNetwork.RESULTS, spec.results());
        int d = config.hiddenSize();
        WeightScope projection = scope.child("embeddings").child("patch_embedding");
        Window window = new Window(new long[] {patch.height(), patch.width()}, new long[] {1, 1}, new long[2], new long[2]);
        Port patches = graph.add("patches", new Conv(projection.weight("weight", d, channels, patch.height(), patch.width()),
                config.siglip() ? projection.weight("bias", d) : null, window), pictures);
        Port x = graph.add("embeddings", new Embedding(places(), null, null, false, null, 1f), places);
        x = graph.add("tokens", new PatchTokensOp(learned()), x, patches);
        if (!config.siglip()) {
            x = graph.add("pre_norm", names.norm(scope.child("pre_layrnorm")), x);
        }
        AttentionOp op = new AttentionOp(AttentionOp.Source.SEPARATE, config.numHeads(), config.numHeads(), config.headDim(), false,
                AttentionOp.MaskKind.NONE, false);
        TransformerBlocks blocks = new TransformerBlocks(graph, true, config.activation());
        x = new TransformerGraph(blocks).encoder(names.layers(), config.siglip() ? names.norm(scope.child("post_layernorm")) : null, x,
                (name, q, k, v) -> graph.add(name, op, q, k, v, sequences, sequences));
        if (config.siglip()) {
            return probed(graph, blocks, op, x, sequences, results, spec);
        }
        Port rows = graph.add("results", new SequencePoolOp(SequencePoolOp.Kind.LAST, false, spec.maxResults()), x, results);
        return graph.add("post_norm", names.norm(scope.child("post_layernorm")), rows);
    }

    /** One query for each picture, which is the same for all, attends to its rows; a feed-forward follows. */
    private Port probed(GraphBuilder graph, TransformerBlocks blocks, AttentionOp op, Port rows, Port sequences, Port queries,
            VisionSpec spec) {
        int d = config.hiddenSize();
        WeightScope head = scope.child("head");
        WeightScope attention = head.child("attention");
        Weight weight = attention.weight("in_proj_weight", 3L * d, d);
        Weight bias = attention.weight("in_proj_bias", 3L * d);
        Linear.Part key = part(weight, bias, d, d);
        Linear.Part value = part(weight, bias, 2L * d, d);
        Port probes = graph.input(VisionNetwork.PROBES, spec.probes());
        Port query = graph.add("probe", new Embedding(query(head.weight("probe", 1, 1, d), weight, bias), null, null, false, null, 1f),
                probes);
        Port attended = graph.add("probe.attend", op, query, blocks.linear("probe.key", key, rows), blocks.linear("probe.value", value,
                rows),
                queries, sequences);
        Port x = blocks.linear("probe.output", attention.part("out_proj", d, d, true), attended);
        WeightScope mlp = head.child("mlp");
        return blocks.feedForward("probe.ffn", names.up(mlp), names.down(mlp), names.norm(head.child("layernorm")), x);
    }

    private static Linear.Part part(Weight weight, Weight bias, long first, long count) {
        return new Linear.Part(WeightScope.rows(weight, first, count), false, WeightScope.rows(bias, first, count));
    }

    /** The learned query as attention takes it. */
    private Weight query(Weight probe, Weight weight, Weight bias) {
        int d = config.hiddenSize();
        Tensor from = probe.floats(temporary);
        Tensor w = weight.floats(temporary);
        Tensor b = bias.floats(temporary);
        Tensor query = Tensor.allocate(temporary, TensorDesc.of(DataType.F32, 1, d));
        for (int row = 0; row < d; row++) {
            double sum = b.getFloat(row);
            for (int i = 0; i < d; i++) {
                sum += (double) w.getFloat((long) row * d + i) * from.getFloat(i);
            }
            query.setFloat(row, (float) sum);
        }
        return new Weight(probe.name(), query);
    }

    /** What a place adds: its position, and CLIP's learned token. Attention sees no order: patches are first, the token is last. */
    private Weight places() {
        int d = config.hiddenSize();
        WeightScope embeddings = scope.child("embeddings");
        Weight positions = embeddings.child("position_embedding").weight("weight", (long) patches() + learned(), d);
        if (config.siglip()) {
            return positions;
        }
        Tensor from = positions.floats(temporary);
        Tensor token = embeddings.weight("class_embedding", d).floats(temporary);
        long last = (long) patches() * d;
        Tensor table = Tensor.allocate(temporary, TensorDesc.of(DataType.F32, patches() + 1L, d));
        for (long i = 0; i < last; i++) {
            table.setFloat(i, from.getFloat(d + i));
        }
        for (int i = 0; i < d; i++) {
            table.setFloat(last + i, token.getFloat(i) + from.getFloat(i));
        }
        return new Weight(positions.name(), table);
    }
}
