package dev.gatun.models.family.resnet;

import dev.gatun.models.vision.NamedLayers;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.tensor.op.BatchNormFold;
import dev.gatun.tensor.op.ConvWeights;
import java.lang.foreign.Arena;

/** Reads torchvision's names and folds each batch norm into the convolution before it. */
final class ResNetLayers {
    private static final double EPSILON = 1e-5;

    private final NamedLayers layers = new NamedLayers();
    private final WeightScope scope;
    private final Arena folded;

    private ResNetLayers(WeightScope scope, Arena folded) {
        this.scope = scope;
        this.folded = folded;
    }

    static NamedLayers load(WeightScope scope, ResNetConfig config, Arena folded) {
        ResNetLayers loader = new ResNetLayers(scope, folded);
        loader.conv("conv1", "bn1", 64, config.inputChannels(), 7);
        int in = 64;
        for (int stage = 0; stage < 4; stage++) {
            int planes = 64 << stage;
            int out = config.bottleneck() ? 4 * planes : planes;
            for (int b = 0; b < config.blocks().get(stage); b++) {
                loader.block("layer" + (stage + 1) + "." + b + ".", config, stage, b, new int[] {in, planes, out});
                in = out;
            }
        }
        loader.layers.linears().put("fc", scope.linear("fc", in, config.numClasses()));
        return loader.layers;
    }

    private void block(String name, ResNetConfig config, int stage, int b, int[] channels) {
        int in = channels[0];
        int planes = channels[1];
        int out = channels[2];
        conv(name + "conv1", name + "bn1", planes, in, config.bottleneck() ? 1 : 3);
        conv(name + "conv2", name + "bn2", planes, planes, 3);
        if (config.bottleneck()) {
            conv(name + "conv3", name + "bn3", out, planes, 1);
        }
        if (config.hasShortcut(stage, b)) {
            conv(name + "downsample.0", name + "downsample.1", out, in, 1);
        }
    }

    private void conv(String name, String norm, int out, int in, int kernel) {
        WeightScope bn = scope.child(norm);
        ConvWeights.Source source = new ConvWeights.Source(scope.child(name).tensor("weight", out, in, kernel, kernel), null, 1);
        layers.convs().put(name, BatchNormFold.fold(folded, source, new BatchNormFold.Parameters(bn.tensor("weight", out),
                bn.tensor("bias", out), bn.tensor("running_mean", out), bn.tensor("running_var", out), EPSILON)));
    }
}
