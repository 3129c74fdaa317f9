package dev.gatun.models.family.resnet;

import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.vision.VisionModel;
import dev.gatun.models.vision.VisionNetwork;
import dev.gatun.models.vision.VisionSpec;
import dev.gatun.models.vision.VisionSpec.InputSize;
import dev.gatun.tensor.graph.BatchNorm;
import dev.gatun.tensor.graph.Conv;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.AdaptivePoolOp;
import dev.gatun.tensor.op.BinaryOp;
import dev.gatun.tensor.op.EltwiseOp;
import dev.gatun.tensor.op.FlattenOp;
import dev.gatun.tensor.op.PoolOp;
import dev.gatun.tensor.op.Window;
import java.util.List;

/**
 * A residual network: torchvision's of 18, 34, 50, 101 or 152 layers with strides of version 1.5, or of the sizes that Hugging Face's
 * config.json says. Features: the global average pool.
 */
public final class ResNet {
    /** Where checkpoints keep the network: torchvision at the top, timm and others below a prefix. */
    public static final List<String> PREFIXES = List.of("backbone", "model", "module", "resnet", "encoder", "net", "body", "trunk");
    private static final double EPSILON = 1e-5;

    /** Name of a network of Hugging Face's own naming, which has no depth that everybody knows. */
    public static final String HUB = "resnet";
    /** A tensor that every network of Hugging Face's own naming has. */
    public static final String HUB_TENSOR = "embedder.embedder.convolution.weight";

    private final GraphBuilder graph;
    private final WeightScope scope;
    private final ResNetLayout layout;

    private ResNet(GraphBuilder graph, WeightScope scope, ResNetLayout layout) {
        this.graph = graph;
        this.scope = scope;
        this.layout = layout;
    }

    /**
     * Packs the weights; nothing of the source is needed afterwards.
     *
     * @param scope where {@code conv1} and {@code layer1} are
     * @throws dev.gatun.models.checkpoint.WeightException if a tensor is missing or has another shape
     */
    public static VisionModel load(WeightScope scope, ResNetConfig config) {
        return VisionModel.load(describe(scope, config));
    }

    /**
     * Describes the network over the weights below a scope. A convolution whose batch norm is in its weights already, as a quantized
     * file's, has a bias and no norm.
     *
     * @throws dev.gatun.models.checkpoint.WeightException if a tensor is missing or has another shape
     */
    public static VisionNetwork describe(WeightScope scope, ResNetConfig config) {
        return describe(scope, scope, config.layout(), config.spec());
    }

    /**
     * Describes a network of Hugging Face's own naming, {@code ResNetForImageClassification}.
     *
     * @param fields config.json
     * @param size   height and width that preprocessor_config.json makes; others work too
     * @throws dev.gatun.models.checkpoint.WeightException if a field has a value that is not served, or a tensor is missing or has another
     *                                                     shape
     */
    public static VisionNetwork describe(ConfigFields fields, WeightSource source, InputSize size) {
        fields.require("model_type", HUB);
        ResNetLayout layout = ResNetLayout.of(fields);
        WeightScope top = WeightScope.of(source);
        int classes = (int) top.child(layout.names().classifier()).shape("weight").dim(0);
        int columns = layout.widths().getLast();
        return describe(WeightScope.locate(source, HUB_TENSOR, HUB), top, layout,
                new VisionSpec(HUB, layout.channels(), size, 1, columns, columns, classes));
    }

    private static VisionNetwork describe(WeightScope scope, WeightScope classifier, ResNetLayout layout, VisionSpec spec) {
        GraphBuilder trunk = new GraphBuilder(spec.name() + ".trunk");
        Port pictures = trunk.input(VisionNetwork.PICTURES, spec.pictures());
        trunk.output(VisionNetwork.ROWS, new ResNet(trunk, scope, layout).trunk(pictures));
        GraphBuilder head = new GraphBuilder(spec.name() + ".head");
        Port rows = head.input(VisionNetwork.ROWS, spec.rows());
        head.output(VisionNetwork.FEATURES, rows);
        String name = layout.names().classifier();
        head.output(VisionNetwork.LOGITS, head.add(name, new Linear(classifier.part(name, spec.featureCount(), spec.classCount())), rows));
        return new VisionNetwork(spec, trunk.build(), head.build());
    }

    private Port trunk(Port pictures) {
        ResNetLayout.Names names = layout.names();
        long in = layout.stem();
        Port x = active("relu", conv(names.stem(), names.stemNorm(), pictures, new long[] {in, layout.channels(), 7}, Window.square(2, 3)));
        x = graph.add("maxpool", new PoolOp(PoolOp.Kind.MAX, new long[] {3, 3}, Window.square(2, 1), false), x);
        for (int stage = 0; stage < layout.depths().size(); stage++) {
            long out = layout.widths().get(stage);
            for (int b = 0; b < layout.depths().get(stage); b++) {
                String name = names.block(stage, b);
                int stride = b == 0 && (stage > 0 || layout.firstStrides()) ? 2 : 1;
                Port y = layout.bottleneck() ? bottleneck(name, x, in, out, stride) : basic(name, x, in, out, stride);
                Port shortcut = in != out || stride != 1 ? conv(name + names.shortcut(), name + names.shortcutNorm(), x,
                        new long[] {out, in, 1}, Window.square(stride, 0)) : x;
                x = active(name + "relu", graph.add(name + "add", new BinaryOp(BinaryOp.Operator.ADD), y, shortcut));
                in = out;
            }
        }
        return graph.add("flatten", new FlattenOp(), graph.add("avgpool", AdaptivePoolOp.globalAverage(), x));
    }

    private Port basic(String name, Port x, long in, long out, int stride) {
        Port y = relu(name + "relu", conv(name, 0, x, new long[] {out, in, 3}, Window.square(stride, 1)));
        return conv(name, 1, y, new long[] {out, out, 3}, Window.square(1, 1));
    }

    /** The 3 x 3 convolution has the stride, or the first 1 x 1 one, as in the paper. */
    private Port bottleneck(String name, Port x, long in, long out, int stride) {
        long planes = out / 4;
        int early = layout.stridesEarly() ? stride : 1;
        Port y = relu(name + "relu", conv(name, 0, x, new long[] {planes, in, 1}, Window.square(early, 0)));
        y = relu(name + "relu", conv(name, 1, y, new long[] {planes, planes, 3}, Window.square(stride / early, 1)));
        return conv(name, 2, y, new long[] {out, planes, 1}, Window.square(1, 0));
    }

    private Port active(String name, Port x) {
        return graph.add(name, new EltwiseOp(layout.activation()), x);
    }

    /** Within a block, whatever the network's activation is. */
    private Port relu(String name, Port x) {
        return graph.add(name, new EltwiseOp(Activation.RELU), x);
    }

    /** A block's convolution of this number. */
    private Port conv(String block, int number, Port x, long[] sizes, Window window) {
        return conv(block + layout.names().conv(number), block + layout.names().norm(number), x, sizes, window);
    }

    /** @param sizes output channels, input channels, kernel */
    private Port conv(String name, String norm, Port x, long[] sizes, Window window) {
        WeightScope conv = scope.child(name);
        WeightScope bn = scope.child(norm);
        boolean folded = conv.has("bias") && !bn.has("running_mean");
        long out = sizes[0];
        Port y = graph.add(name, new Conv(conv.weight("weight", out, sizes[1], sizes[2], sizes[2]),
                folded ? conv.weight("bias", out) : null, window), x);
        return folded ? y : graph.add(norm, new BatchNorm(bn.weight("weight", out), bn.weight("bias", out), bn.weight("running_mean", out),
                bn.weight("running_var", out), EPSILON), y);
    }
}
