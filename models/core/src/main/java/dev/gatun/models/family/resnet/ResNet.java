package dev.gatun.models.family.resnet;

import dev.gatun.models.vision.FloatLayers;
import dev.gatun.models.vision.LayerBuilder;
import dev.gatun.models.vision.LayerWeights;
import dev.gatun.models.vision.NamedLayers;
import dev.gatun.models.vision.VisionModel;
import dev.gatun.models.vision.VisionNetwork;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.tensor.exec.PlanBuilder;
import dev.gatun.tensor.exec.Value;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.AdaptivePoolOp;
import dev.gatun.tensor.op.FlattenOp;
import dev.gatun.tensor.op.PoolOp;
import dev.gatun.tensor.op.Window;
import java.lang.foreign.Arena;
import java.util.List;

/**
 * A residual network of torchvision's architecture: 18, 34, 50, 101 or 152 layers, strides of version 1.5. Every batch norm, ReLU
 * and residual sum is part of a convolution. Features: the global average pool.
 */
public final class ResNet implements VisionNetwork {
    /** Where checkpoints keep the network: torchvision at the top, timm and others below a prefix. */
    public static final List<String> PREFIXES = List.of("backbone", "model", "module", "resnet", "encoder", "net", "body", "trunk");

    private final ResNetConfig config;
    private final LayerWeights weights;

    /** The network over weights in some arithmetic. */
    public ResNet(ResNetConfig config, LayerWeights weights) {
        this.config = config;
        this.weights = weights;
    }

    /**
     * Folds and packs the weights; nothing of the source is needed afterwards.
     *
     * @param scope where {@code conv1} and {@code layer1} are
     * @throws dev.gatun.models.checkpoint.WeightException if a tensor is missing or has another shape
     */
    public static VisionModel load(WeightScope scope, ResNetConfig config) {
        try (Arena folded = Arena.ofShared()) {
            NamedLayers layers = ResNetLayers.load(scope, config, folded);
            return VisionModel.load(arena -> new ResNet(config, new FloatLayers(layers, arena)));
        }
    }

    /**
     * Finds the layers below a scope and folds batch norms into them.
     *
     * @param folded arena of the folded weights
     */
    public static NamedLayers layers(WeightScope scope, ResNetConfig config, Arena folded) {
        return ResNetLayers.load(scope, config, folded);
    }

    @Override
    public Value trunk(PlanBuilder plan, Value pictures) {
        LayerBuilder layers = weights.on(plan);
        Value x = layers.conv("conv1", pictures, Window.square(2, 3), Activation.RELU);
        x = layers.pool(new PoolOp(PoolOp.Kind.MAX, new long[] {3, 3}, Window.square(2, 1), false), x);
        for (int stage = 0; stage < 4; stage++) {
            for (int b = 0; b < config.blocks().get(stage); b++) {
                x = block(layers, "layer" + (stage + 1) + "." + b + ".", x, b == 0 && stage > 0 ? 2 : 1, config.hasShortcut(stage, b));
            }
        }
        return plan.add(new FlattenOp(), plan.add(AdaptivePoolOp.globalAverage(), layers.plain(x)));
    }

    private Value block(LayerBuilder layers, String name, Value x, int stride, boolean downsample) {
        Value y;
        // The first 3 x 3 convolution has the stride.
        if (config.bottleneck()) {
            y = layers.conv(name + "conv1", x, Window.square(1, 0), Activation.RELU);
            y = layers.conv(name + "conv2", y, Window.square(stride, 1), Activation.RELU);
        } else {
            y = layers.conv(name + "conv1", x, Window.square(stride, 1), Activation.RELU);
        }
        Value shortcut = downsample ? layers.conv(name + "downsample.0", x, Window.square(stride, 0), Activation.NONE) : x;
        return config.bottleneck()
                ? layers.convSum(name + "conv3", y, shortcut, Window.square(1, 0), Activation.RELU)
                : layers.convSum(name + "conv2", y, shortcut, Window.square(1, 1), Activation.RELU);
    }

    @Override
    public Head head(PlanBuilder plan, Value rows) {
        return new Head(rows, weights.on(plan).linear("fc", rows, Activation.NONE));
    }

    @Override
    public String name() {
        return config.name();
    }

    @Override
    public int channels() {
        return config.inputChannels();
    }

    @Override
    public InputSize inputSize() {
        return new InputSize(config.inputSize(), config.inputSize());
    }

    @Override
    public void checkInput(InputSize size) {
        if (Math.min(size.height(), size.width()) < 32) {
            throw new IllegalArgumentException(name() + ": input [N, " + channels() + ", " + size.height() + ", " + size.width()
                    + "], expected 32 x 32 or more");
        }
    }

    @Override
    public int trunkSize() {
        return config.featureCount();
    }

    @Override
    public int featureCount() {
        return config.featureCount();
    }

    @Override
    public int classCount() {
        return config.numClasses();
    }

    @Override
    public long nativeByteSize() {
        return weights.nativeByteSize();
    }
}
