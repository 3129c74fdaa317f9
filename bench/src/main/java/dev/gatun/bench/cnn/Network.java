package dev.gatun.bench.cnn;

import dev.gatun.models.family.resnet.ResNetConfig;

/** The architectures, written once and built by whatever engine implements {@link Layers}. */
enum Network {
    TEXTBOOK("textbook-cnn", 3 * 24 * 24, 24, 10),
    RESNET50("resnet50", 3 * 224 * 224, 224, 1000);

    final String architecture;
    final int inputLength;
    final int size;
    final int classes;

    Network(String architecture, int inputLength, int size, int classes) {
        this.architecture = architecture;
        this.inputLength = inputLength;
        this.size = size;
        this.classes = classes;
    }

    /** What an engine offers; V is its value. Names are those of the folded checkpoint. */
    interface Layers<V> {
        V conv(String name, V x, int stride, int pad, boolean relu);

        /** relu(conv(x) + residual). */
        V convSum(String name, V x, V residual);

        V maxPool(V x, int window, int stride, int pad);

        /** [N, C, H, W] to [N, C]. */
        V globalAverage(V x);

        /** [N, C, H, W] to [N, C * H * W]. */
        V flatten(V x);

        V linear(String name, V x, boolean relu);
    }

    <V> V build(Layers<V> layers, V pictures) {
        return this == TEXTBOOK ? textbook(layers, pictures) : resnet(layers, pictures);
    }

    private static <V> V textbook(Layers<V> layers, V pictures) {
        V x = layers.maxPool(layers.conv("conv1", pictures, 1, 1, true), 2, 2, 0);
        x = layers.maxPool(layers.conv("conv2", x, 1, 1, true), 2, 2, 0);
        return layers.linear("fc2", layers.linear("fc1", layers.flatten(x), true), false);
    }

    private static <V> V resnet(Layers<V> layers, V pictures) {
        ResNetConfig config = ResNetConfig.named("resnet50");
        V x = layers.maxPool(layers.conv("conv1", pictures, 2, 3, true), 3, 2, 1);
        for (int stage = 0; stage < 4; stage++) {
            for (int b = 0; b < config.blocks().get(stage); b++) {
                String name = "layer" + (stage + 1) + "." + b + ".";
                int stride = b == 0 && stage > 0 ? 2 : 1;
                V y = layers.conv(name + "conv1", x, 1, 0, true);
                y = layers.conv(name + "conv2", y, stride, 1, true);
                V shortcut = b == 0 ? layers.conv(name + "downsample.0", x, stride, 0, false) : x;
                x = layers.convSum(name + "conv3", y, shortcut);
            }
        }
        return layers.linear("fc", layers.globalAverage(x), false);
    }
}
