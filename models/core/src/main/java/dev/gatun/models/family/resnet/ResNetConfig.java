package dev.gatun.models.family.resnet;

import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.vision.VisionSpec;
import dev.gatun.models.vision.VisionSpec.InputSize;
import dev.gatun.tensor.op.Activation;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * Sizes of a residual network.
 *
 * @param blocks        residual blocks of each of the four stages
 * @param bottleneck    blocks of three convolutions with four times the channels at the end, rather than of two
 * @param inputChannels C of the pictures
 * @param inputSize     height and width that the model was trained at; others work too
 * @param numClasses    of the last layer
 */
public record ResNetConfig(List<Integer> blocks, boolean bottleneck, int inputChannels, int inputSize, int numClasses) {
    private static final int STEM = 64;
    private static final Map<String, ResNetConfig> KNOWN = new TreeMap<>(Map.of(
            "resnet18", new ResNetConfig(List.of(2, 2, 2, 2), false),
            "resnet34", new ResNetConfig(List.of(3, 4, 6, 3), false),
            "resnet50", new ResNetConfig(List.of(3, 4, 6, 3), true),
            "resnet101", new ResNetConfig(List.of(3, 4, 23, 3), true),
            "resnet152", new ResNetConfig(List.of(3, 8, 36, 3), true)));

    /** Checks the numbers. */
    public ResNetConfig {
        blocks = List.copyOf(blocks);
        if (blocks.size() != 4 || blocks.stream().anyMatch(b -> b < 1)) {
            throw new IllegalArgumentException("ResNet: blocks " + blocks + ", expected four stages of 1 or more");
        }
        if (inputChannels < 1 || inputSize < 32 || numClasses < 1) {
            throw new IllegalArgumentException("ResNet: " + inputChannels + " input channels, input size " + inputSize + ", "
                    + numClasses + " classes; expected 1, 32 and 1 or more");
        }
    }

    private ResNetConfig(List<Integer> blocks, boolean bottleneck) {
        this(blocks, bottleneck, 3, 224, 1000);
    }

    /**
     * A network by its name.
     *
     * @param name {@code resnet18}, {@code resnet34}, {@code resnet50}, {@code resnet101} or {@code resnet152}
     * @throws IllegalArgumentException for another
     */
    public static ResNetConfig named(String name) {
        ResNetConfig config = KNOWN.get(name);
        if (config == null) {
            throw new IllegalArgumentException("architecture " + name + ", expected one of " + String.join(", ", KNOWN.keySet()));
        }
        return config;
    }

    /** Whether {@link #named} knows a name. */
    public static boolean isKnown(String name) {
        return KNOWN.containsKey(name);
    }

    /** What the tensors say: their names give blocks, their shapes channels and classes. */
    public static ResNetConfig recognize(WeightScope scope) {
        List<Integer> blocks = new ArrayList<>();
        for (int stage = 1; stage <= 4; stage++) {
            int count = 0;
            while (scope.child("layer" + stage).child(count).child("conv1").has("weight")) {
                count++;
            }
            blocks.add(count);
        }
        boolean bottleneck = scope.child("layer1").child(0).child("conv3").has("weight");
        return new ResNetConfig(blocks, bottleneck, (int) scope.child("conv1").shape("weight").dim(1), 224,
                (int) scope.child("fc").shape("weight").dim(0));
    }

    /** The same network for other inputs or classes. */
    public ResNetConfig with(int channels, int size, int classes) {
        return new ResNetConfig(blocks, bottleneck, channels, size, classes);
    }

    /** What is computed. */
    ResNetLayout layout() {
        return new ResNetLayout(inputChannels, STEM, blocks, IntStream.range(0, blocks.size()).map(stage -> (bottleneck ? 4 : 1) * STEM
                << stage).boxed().toList(), bottleneck, Activation.RELU, false, false, ResNetLayout.Names.TORCHVISION);
    }

    /** What the network takes and gives; any picture of 32 x 32 or more. */
    public VisionSpec spec() {
        return new VisionSpec(name(), inputChannels, new InputSize(inputSize, inputSize), 32, featureCount(), featureCount(), numClasses);
    }

    /** Columns of the features. */
    public int featureCount() {
        return bottleneck ? 2048 : 512;
    }

    /** As {@code resnet50}; another depth is named by its count of layers. */
    public String name() {
        int layers = blocks.stream().mapToInt(b -> b * (bottleneck ? 3 : 2)).sum() + 2;
        return "resnet" + layers;
    }
}
