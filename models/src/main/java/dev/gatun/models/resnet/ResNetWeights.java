package dev.gatun.models.resnet;

import dev.gatun.models.weights.WeightScope;
import dev.gatun.tensor.op.BatchNormFold;
import dev.gatun.tensor.op.ConvWeights;
import dev.gatun.tensor.op.LinearWeights;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;

/**
 * Weights of a residual network, batch norms folded into the convolutions before them.
 *
 * @param stem   7 x 7
 * @param blocks first to last
 * @param fc     features to classes
 */
record ResNetWeights(ConvWeights stem, List<Block> blocks, LinearWeights fc) {
    private static final double EPSILON = 1e-5;

    /**
     * One residual block.
     *
     * @param convs      two, or three of a bottleneck
     * @param stride     of the block's 3 x 3 convolution (version 1.5)
     * @param downsample 1 x 1 convolution of the shortcut, or null
     */
    record Block(List<ConvWeights> convs, int stride, ConvWeights downsample) {
    }

    /**
     * Reads torchvision's names below the scope.
     *
     * @param folded arena of folded weights, which must live until the first plan is compiled
     */
    static ResNetWeights load(WeightScope scope, ResNetConfig config, Arena arena, Arena folded) {
        Loader loader = new Loader(arena, folded);
        ConvWeights stem = loader.conv(scope, "conv1", "bn1", 64, config.inputChannels(), 7);
        List<Block> blocks = new ArrayList<>();
        int in = 64;
        for (int stage = 0; stage < 4; stage++) {
            int planes = 64 << stage;
            for (int b = 0; b < config.blocks().get(stage); b++) {
                WeightScope block = scope.child("layer" + (stage + 1)).child(b);
                int out = config.bottleneck() ? 4 * planes : planes;
                int stride = b == 0 && stage > 0 ? 2 : 1;
                boolean shortcut = b == 0 && (stride > 1 || in != out);
                blocks.add(new Block(loader.convs(block, config.bottleneck(), in, planes), stride,
                        shortcut ? loader.conv(block.child("downsample"), "0", "1", out, in, 1) : null));
                in = out;
            }
        }
        // For single pictures a product of one row, which OpenBLAS is slow at.
        LinearWeights fc = LinearWeights.pack(arena, LinearWeights.Kernel.ONEDNN, scope.linear("fc", in, config.numClasses()));
        return new ResNetWeights(stem, List.copyOf(blocks), fc);
    }

    private record Loader(Arena arena, Arena folded) {

        List<ConvWeights> convs(WeightScope block, boolean bottleneck, int in, int planes) {
            return bottleneck
                    ? List.of(conv(block, "conv1", "bn1", planes, in, 1), conv(block, "conv2", "bn2", planes, planes, 3),
                            conv(block, "conv3", "bn3", 4 * planes, planes, 1))
                    : List.of(conv(block, "conv1", "bn1", planes, in, 3), conv(block, "conv2", "bn2", planes, planes, 3));
        }

        ConvWeights conv(WeightScope scope, String conv, String norm, int out, int in, int kernel) {
            WeightScope bn = scope.child(norm);
            ConvWeights.Source source = new ConvWeights.Source(scope.child(conv).tensor("weight", out, in, kernel, kernel), null, 1);
            return ConvWeights.of(arena, BatchNormFold.fold(folded, source, new BatchNormFold.Parameters(bn.tensor("weight", out),
                    bn.tensor("bias", out), bn.tensor("running_mean", out), bn.tensor("running_var", out), EPSILON)));
        }
    }

    long nativeByteSize() {
        long bytes = stem.nativeByteSize() + fc.nativeByteSize();
        for (Block block : blocks) {
            bytes += block.downsample == null ? 0 : block.downsample.nativeByteSize();
            for (ConvWeights conv : block.convs) {
                bytes += conv.nativeByteSize();
            }
        }
        return bytes;
    }
}
