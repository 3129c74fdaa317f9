package dev.gatun.models.resnet;

import dev.gatun.models.vision.VisionModel;
import dev.gatun.models.vision.VisionNetwork;
import dev.gatun.models.weights.WeightScope;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.exec.PlanBuilder;
import dev.gatun.tensor.exec.Value;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.AdaptivePoolOp;
import dev.gatun.tensor.op.ConvOp;
import dev.gatun.tensor.op.ConvWeights;
import dev.gatun.tensor.op.FlattenOp;
import dev.gatun.tensor.op.LinearOp;
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
    private final ResNetWeights weights;

    private ResNet(ResNetConfig config, ResNetWeights weights) {
        this.config = config;
        this.weights = weights;
    }

    /**
     * Folds and packs the weights; nothing of the source is needed afterwards.
     *
     * @param scope where {@code conv1} and {@code layer1} are
     * @throws dev.gatun.models.weights.WeightException if a tensor is missing or has another shape
     */
    public static VisionModel load(WeightScope scope, ResNetConfig config) {
        try (Arena folded = Arena.ofShared()) {
            return VisionModel.load(arena -> new ResNet(config, ResNetWeights.load(scope, config, arena, folded)));
        }
    }

    @Override
    public Value trunk(PlanBuilder plan, Value pictures) {
        Value x = plan.add(conv(weights.stem(), Window.square(2, 3), Activation.RELU), pictures);
        x = plan.add(new PoolOp(PoolOp.Kind.MAX, new long[] {3, 3}, Window.square(2, 1), false), x);
        for (ResNetWeights.Block block : weights.blocks()) {
            x = block(plan, block, x);
        }
        return plan.add(new FlattenOp(), plan.add(AdaptivePoolOp.globalAverage(), x));
    }

    private static Value block(PlanBuilder plan, ResNetWeights.Block block, Value x) {
        List<ConvWeights> convs = block.convs();
        Value y = x;
        for (ConvWeights w : convs.subList(0, convs.size() - 1)) {
            // The first 3 x 3 convolution has the stride.
            boolean strided = convs.size() == 2 || w.shape().dim(-1) == 3;
            y = plan.add(conv(w, window(w, strided ? block.stride() : 1), Activation.RELU), y);
        }
        Value shortcut = block.downsample() == null ? x
                : plan.add(conv(block.downsample(), window(block.downsample(), block.stride()), Activation.NONE), x);
        ConvWeights last = convs.getLast();
        return plan.add(new ConvOp(last, window(last, 1), Activation.RELU, true, MemoryFormat.ANY), y, shortcut);
    }

    private static ConvOp conv(ConvWeights weights, Window window, Activation activation) {
        return new ConvOp(weights, window, activation);
    }

    private static Window window(ConvWeights weights, int stride) {
        return Window.square(stride, weights.shape().dim(-1) / 2);
    }

    @Override
    public Head head(PlanBuilder plan, Value rows) {
        return new Head(rows, plan.add(new LinearOp(weights.fc(), Activation.NONE), rows));
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
