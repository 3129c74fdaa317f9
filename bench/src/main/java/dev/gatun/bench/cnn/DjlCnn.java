package dev.gatun.bench.cnn;

import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.gatun.bench.harness.Contender;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.tensor.Tensor;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * PyTorch through DJL: its own operators, batch norms folded, no gradients, a scope of memory for each forward, threads set by
 * its properties.
 */
final class DjlCnn implements Contender, Network.Layers<NDArray> {
    private final Network network;
    private final NDManager manager;
    private final Map<String, NDArray> weights = new HashMap<>();
    private final NDArray pictures;

    DjlCnn(Path model, Network network, float[] pictures, int threads) {
        System.setProperty("ai.djl.offline", "true");
        System.setProperty("ai.djl.pytorch.num_threads", Integer.toString(threads));
        System.setProperty("ai.djl.pytorch.num_interop_threads", "1");
        this.network = network;
        manager = Engine.getEngine("PyTorch").newBaseManager();
        try (Arena arena = Arena.ofShared()) {
            Checkpoints.layers(network, SafetensorsFile.open(model.resolve("model.safetensors"), arena), arena)
                    .forEach((name, layer) -> put(name, layer.weights().get(0).tensor(), layer.weights().get(1).tensor()));
        }
        this.pictures = manager.create(pictures,
                new Shape(pictures.length / network.inputLength, 3, network.size, network.size));
    }

    private void put(String name, Tensor weight, Tensor bias) {
        weights.put(name, manager.create(weight.toFloats(), new Shape(weight.shape().dims())));
        weights.put(name + ".bias", manager.create(bias.toFloats(), new Shape(bias.shape().dims())));
    }

    private static NDArray relu(NDArray x, boolean wanted) {
        return wanted ? x.getNDArrayInternal().relu() : x;
    }

    @Override
    public NDArray conv(String name, NDArray x, int stride, int pad, boolean relu) {
        NDList y = x.getNDArrayInternal().convolution(x, weights.get(name), weights.get(name + ".bias"), new Shape(stride, stride),
                new Shape(pad, pad), new Shape(1, 1), 1);
        return relu(y.singletonOrThrow(), relu);
    }

    @Override
    public NDArray convSum(String name, NDArray x, NDArray residual) {
        return relu(conv(name, x, 1, 0, false).addi(residual), true);
    }

    @Override
    public NDArray maxPool(NDArray x, int window, int stride, int pad) {
        return x.getNDArrayInternal().maxPool(new Shape(window, window), new Shape(stride, stride), new Shape(pad, pad), false);
    }

    @Override
    public NDArray globalAverage(NDArray x) {
        NDArray y = x.getNDArrayInternal().globalAvgPool();
        return y.reshape(y.getShape().get(0), -1);
    }

    @Override
    public NDArray flatten(NDArray x) {
        return x.reshape(x.getShape().get(0), -1);
    }

    @Override
    public NDArray linear(String name, NDArray x, boolean relu) {
        return relu(x.getNDArrayInternal().linear(x, weights.get(name), weights.get(name + ".bias")).singletonOrThrow(), relu);
    }

    private NDArray forward(NDManager scope) {
        pictures.attach(scope);
        NDArray logits = network.build(this, pictures);
        pictures.attach(manager);
        return logits;
    }

    @Override
    public String version() {
        return "DJL, PyTorch " + Engine.getEngine("PyTorch").getVersion();
    }

    @Override
    public void run() {
        output();
    }

    @Override
    public float[] output() {
        try (NDManager scope = manager.newSubManager()) {
            return forward(scope).toFloatArray();
        }
    }

    @Override
    public void close() {
        manager.close();
    }
}
