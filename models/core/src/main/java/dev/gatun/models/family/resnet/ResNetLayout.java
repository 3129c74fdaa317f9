package dev.gatun.models.family.resnet;

import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.encode.Activations;
import dev.gatun.tensor.op.Activation;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What is computed, and where its weights are.
 *
 * @param channels     of the pictures
 * @param stem         channels of the first convolution
 * @param depths       blocks of each stage
 * @param widths       channels at the end of each stage's blocks
 * @param bottleneck   blocks of three convolutions, the inner ones with a quarter of the channels, rather than of two
 * @param activation   behind the first convolution and every block's sum; within a block it is ReLU
 * @param firstStrides whether the first stage halves the size too
 * @param stridesEarly whether a bottleneck's first convolution has the stride, not its second
 * @param names        of the tensors
 */
record ResNetLayout(int channels, int stem, List<Integer> depths, List<Integer> widths, boolean bottleneck, Activation activation,
        boolean firstStrides, boolean stridesEarly, Names names) {
    private static final int MOST = 1 << 12;
    private static final int WIDEST = 1 << 16;

    /**
     * Names of tensors, as formats.
     *
     * @param first the number of the first stage and the first convolution
     */
    record Names(int first, String stem, String stemNorm, String blocks, String convs, String norms, String shortcut, String shortcutNorm,
            String classifier) {
        static final Names TORCHVISION =
                new Names(1, "conv1", "bn1", "layer%d.%d.", "conv%d", "bn%d", "downsample.0", "downsample.1", "fc");
        static final Names HUB = new Names(0, "embedder.embedder.convolution", "embedder.embedder.normalization",
                "encoder.stages.%d.layers.%d.", "layer.%d.convolution", "layer.%d.normalization", "shortcut.convolution",
                "shortcut.normalization", "classifier.1");

        String block(int stage, int number) {
            return String.format(Locale.ROOT, blocks, stage + first, number);
        }

        String conv(int number) {
            return String.format(Locale.ROOT, convs, number + first);
        }

        String norm(int number) {
            return String.format(Locale.ROOT, norms, number + first);
        }
    }

    /** Copies the lists. */
    ResNetLayout {
        depths = List.copyOf(depths);
        widths = List.copyOf(widths);
    }

    /** Reads Hugging Face's config.json; what is absent has transformers' default. */
    static ResNetLayout of(ConfigFields config) {
        // Of no use in classifying.
        config.ignore("out_features", "out_indices", "stage_names");
        List<Integer> depths = list(config, "depths", MOST, 3, 4, 6, 3);
        List<Integer> widths = list(config, "hidden_sizes", WIDEST, 256, 512, 1024, 2048);
        // transformers makes as many stages as there are of both.
        if (depths.isEmpty() || depths.size() != widths.size()) {
            throw config.error("depths", "as many numbers as there are hidden_sizes, " + widths);
        }
        boolean bottleneck = config.choice("layer_type", true, Map.of("basic", false, "bottleneck", true));
        if (bottleneck && widths.stream().anyMatch(width -> width < 4)) {
            throw config.error("hidden_sizes", "4 or more each, whose quarter a bottleneck has");
        }
        return new ResNetLayout(config.integer("num_channels", 1, MOST, 3), config.integer("embedding_size", 1, WIDEST, 64), depths, widths,
                bottleneck, Activations.of(config, "hidden_act", Activation.RELU), config.flag("downsample_in_first_stage", false),
                config.flag("downsample_in_bottleneck", false), Names.HUB);
    }

    private static List<Integer> list(ConfigFields config, String name, int max, Integer... otherwise) {
        int[] numbers = config.integers(name, 1, max);
        return numbers == null ? List.of(otherwise) : Arrays.stream(numbers).boxed().toList();
    }
}
