package dev.gatun.models.train;

import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** Where training begins from nothing: layers with the values that PyTorch gives new ones, evenly drawn below 1 / sqrt(fan in). */
public final class InitialWeights implements WeightSource {
    private static final long MOST = 1L << 26;

    private final Arena arena;
    private final long seed;
    private final Map<String, Tensor> tensors = new LinkedHashMap<>();

    /** @param arena owns the weights */
    public InitialWeights(Arena arena, long seed) {
        this.arena = arena;
        this.seed = seed;
    }

    /**
     * Adds {@code name.weight} and {@code name.bias} of a linear layer or a convolution.
     *
     * @param dims of the weight, results first
     * @throws IllegalArgumentException if they are more than 2^26
     */
    public InitialWeights layer(String name, long... dims) {
        if (dims.length == 0 || Shape.of(dims).elementCount() > MOST) {
            throw new IllegalArgumentException(name + ".weight " + Arrays.toString(dims) + ": expected dimensions, and at most " + MOST
                    + " numbers");
        }
        long fanIn = 1;
        for (int i = 1; i < dims.length; i++) {
            fanIn *= dims[i];
        }
        float bound = (float) (1 / Math.sqrt(fanIn));
        fill(name + ".weight", bound, dims);
        fill(name + ".bias", bound, dims[0]);
        return this;
    }

    /** Takes a tensor as it is in place of a new one. */
    public void put(String name, Tensor tensor) {
        tensors.put(name, tensor);
    }

    private void fill(String name, float bound, long... dims) {
        Tensor tensor = Tensor.allocate(arena, TensorDesc.of(DataType.F32, dims));
        long start = seed * 1_000_003 + name.hashCode() * 31L;
        for (long i = 0; i < tensor.shape().elementCount(); i++) {
            tensor.setFloat(i, bound * Distortion.draw(start + i * 0x632be59bd9b4e019L, 0));
        }
        tensors.put(name, tensor);
    }

    @Override
    public Set<String> names() {
        return tensors.keySet();
    }

    @Override
    public Arena arena() {
        return arena;
    }

    @Override
    public Path file(String name) {
        return Path.of("new weights");
    }

    @Override
    public Entry entry(String name) {
        Tensor tensor = floats(name);
        return new Entry("F32", tensor.shape(), tensor.segment());
    }

    @Override
    public Tensor floats(String name) {
        if (!tensors.containsKey(name)) {
            throw new WeightException(file(name), "has no tensor " + name);
        }
        return tensors.get(name);
    }
}
