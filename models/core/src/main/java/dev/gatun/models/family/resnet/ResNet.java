package dev.gatun.models.family.resnet;

import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.vision.VisionModel;
import dev.gatun.models.vision.VisionNetwork;
import dev.gatun.models.vision.VisionSpec;
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
 * A residual network of torchvision's architecture: 18, 34, 50, 101 or 152 layers, strides of version 1.5. Names as torchvision's.
 * Features: the global average pool.
 */
public final class ResNet {
    /** Where checkpoints keep the network: torchvision at the top, timm and others below a prefix. */
    public static final List<String> PREFIXES = List.of("backbone", "model", "module", "resnet", "encoder", "net", "body", "trunk");
    private static final double EPSILON = 1e-5;
    private static final int STEM = 64;

    private final GraphBuilder graph;
    private final WeightScope scope;
    private final ResNetConfig config;

    private ResNet(GraphBuilder graph, WeightScope scope, ResNetConfig config) {
        this.graph = graph;
        this.scope = scope;
        this.config = config;
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
        int features = config.featureCount();
        VisionSpec spec = config.spec();
        GraphBuilder trunk = new GraphBuilder(spec.name() + ".trunk");
        Port pictures = trunk.input(VisionNetwork.PICTURES, spec.pictures());
        trunk.output(VisionNetwork.ROWS, new ResNet(trunk, scope, config).trunk(pictures));
        GraphBuilder head = new GraphBuilder(spec.name() + ".head");
        Port rows = head.input(VisionNetwork.ROWS, spec.rows());
        head.output(VisionNetwork.FEATURES, rows);
        head.output(VisionNetwork.LOGITS, head.add("fc", new Linear(scope.part("fc", features, config.numClasses())), rows));
        return new VisionNetwork(spec, trunk.build(), head.build());
    }

    private Port trunk(Port pictures) {
        Port x = relu("relu", conv("conv1", "bn1", pictures, new long[] {STEM, config.inputChannels(), 7}, Window.square(2, 3)));
        x = graph.add("maxpool", new PoolOp(PoolOp.Kind.MAX, new long[] {3, 3}, Window.square(2, 1), false), x);
        long in = STEM;
        for (int stage = 0; stage < config.blocks().size(); stage++) {
            long planes = (long) STEM << stage;
            for (int b = 0; b < config.blocks().get(stage); b++) {
                String name = "layer" + (stage + 1) + "." + b + ".";
                long out = config.bottleneck() ? 4 * planes : planes;
                int stride = b == 0 && stage > 0 ? 2 : 1;
                Port y = config.bottleneck() ? bottleneck(name, x, in, planes, stride) : basic(name, x, in, planes, stride);
                Port shortcut = config.hasShortcut(stage, b)
                        ? conv(name + "downsample.0", name + "downsample.1", x, new long[] {out, in, 1}, Window.square(stride, 0)) : x;
                x = relu(name + "relu", graph.add(name + "add", new BinaryOp(BinaryOp.Operator.ADD), y, shortcut));
                in = out;
            }
        }
        return graph.add("flatten", new FlattenOp(), graph.add("avgpool", AdaptivePoolOp.globalAverage(), x));
    }

    private Port basic(String name, Port x, long in, long planes, int stride) {
        Port y = relu(name + "relu", conv(name + "conv1", name + "bn1", x, new long[] {planes, in, 3}, Window.square(stride, 1)));
        return conv(name + "conv2", name + "bn2", y, new long[] {planes, planes, 3}, Window.square(1, 1));
    }

    /** The 3 x 3 convolution has the stride. */
    private Port bottleneck(String name, Port x, long in, long planes, int stride) {
        Port y = relu(name + "relu", conv(name + "conv1", name + "bn1", x, new long[] {planes, in, 1}, Window.square(1, 0)));
        y = relu(name + "relu", conv(name + "conv2", name + "bn2", y, new long[] {planes, planes, 3}, Window.square(stride, 1)));
        return conv(name + "conv3", name + "bn3", y, new long[] {4 * planes, planes, 1}, Window.square(1, 0));
    }

    private Port relu(String name, Port x) {
        return graph.add(name, new EltwiseOp(Activation.RELU), x);
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
