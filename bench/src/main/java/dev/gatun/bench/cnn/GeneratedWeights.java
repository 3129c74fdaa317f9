package dev.gatun.bench.cnn;

import dev.gatun.models.family.resnet.ResNetConfig;
import dev.gatun.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Weights under PyTorch's state_dict names, from a seed: uniform with He's variance, batch norms that keep activations in
 * range and are no identities. Memory of the arena.
 */
final class GeneratedWeights {
    /** Later blocks add up: the last norm of each is kept small, as in trained networks. */
    private static final float RESIDUAL_GAMMA = 0.25f;

    private final Arena arena;
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();

    private GeneratedWeights(Arena arena) {
        this.arena = arena;
    }

    static Map<String, Tensor> of(Network network, Arena arena) {
        GeneratedWeights weights = new GeneratedWeights(arena);
        if (network == Network.TEXTBOOK) {
            weights.layer("conv1", 64, 3, 3, 3);
            weights.layer("conv2", 128, 64, 3, 3);
            weights.layer("fc1", 1000, 128 * 6 * 6);
            weights.layer("fc2", 10, 1000);
        } else {
            weights.resnet(ResNetConfig.named("resnet50"));
        }
        return weights.tensors;
    }

    private void resnet(ResNetConfig config) {
        normed("conv1", "bn1", 1f, 64, 3, 7, 7);
        int in = 64;
        for (int stage = 0; stage < 4; stage++) {
            int planes = 64 << stage;
            for (int b = 0; b < config.blocks().get(stage); b++) {
                String name = "layer" + (stage + 1) + "." + b + ".";
                normed(name + "conv1", name + "bn1", 1f, planes, in, 1, 1);
                normed(name + "conv2", name + "bn2", 1f, planes, planes, 3, 3);
                normed(name + "conv3", name + "bn3", RESIDUAL_GAMMA, 4 * planes, planes, 1, 1);
                if (b == 0) {
                    normed(name + "downsample.0", name + "downsample.1", 0.7f, 4 * planes, in, 1, 1);
                }
                in = 4 * planes;
            }
        }
        layer("fc", 1000, in);
    }

    private void normed(String conv, String norm, float gamma, long... shape) {
        weight(conv, shape);
        uniform(norm + ".weight", 0.8f * gamma, 1.2f * gamma, shape[0]);
        uniform(norm + ".bias", -0.1f, 0.1f, shape[0]);
        uniform(norm + ".running_mean", -0.1f, 0.1f, shape[0]);
        uniform(norm + ".running_var", 0.8f, 1.2f, shape[0]);
    }

    private void layer(String name, long... shape) {
        weight(name, shape);
        uniform(name + ".bias", -0.1f, 0.1f, shape[0]);
    }

    private void weight(String name, long... shape) {
        long fanIn = 1;
        for (int i = 1; i < shape.length; i++) {
            fanIn *= shape[i];
        }
        float limit = (float) Math.sqrt(6.0 / fanIn);
        uniform(name + ".weight", -limit, limit, shape);
    }

    private void uniform(String name, float low, float high, long... shape) {
        SplittableRandom random = new SplittableRandom(name.hashCode());
        Tensor tensor = Tensor.allocate(arena, dev.gatun.tensor.TensorDesc.of(dev.gatun.tensor.DataType.F32, shape));
        for (long i = 0; i < tensor.shape().elementCount(); i++) {
            tensor.segment().setAtIndex(java.lang.foreign.ValueLayout.JAVA_FLOAT, i, (float) random.nextDouble(low, high));
        }
        tensors.put(name, tensor);
    }
}
