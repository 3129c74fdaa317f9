package dev.gatun.models.testing;

import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/** Weights that depend on nothing but their names, as {@code golden/cnn/README.md} defines them: both sides make their own. */
public final class GeneratedWeights implements WeightSource {
    private final Arena arena;
    private final String prefix;
    private final boolean bottleneck;
    private final Map<String, Shape> shapes = new LinkedHashMap<>();

    private GeneratedWeights(Arena arena, String prefix, boolean bottleneck) {
        this.arena = arena;
        this.prefix = prefix;
        this.bottleneck = bottleneck;
    }

    /** A ResNet of so many blocks a stage. */
    public static GeneratedWeights resNet(Arena arena, String prefix, boolean bottleneck, int... blocks) {
        GeneratedWeights w = new GeneratedWeights(arena, prefix, bottleneck);
        w.conv("conv1", "bn1", 64, 3, 7);
        int in = 64;
        for (int stage = 0; stage < 4; stage++) {
            int planes = 64 << stage;
            int out = bottleneck ? 4 * planes : planes;
            for (int b = 0; b < blocks[stage]; b++) {
                String name = "layer" + (stage + 1) + "." + b + ".";
                w.conv(name + "conv1", name + "bn1", planes, in, bottleneck ? 1 : 3);
                w.conv(name + "conv2", name + "bn2", planes, planes, 3);
                if (bottleneck) {
                    w.conv(name + "conv3", name + "bn3", out, planes, 1);
                }
                if (b == 0 && (stage > 0 || bottleneck)) {
                    w.conv(name + "downsample.0", name + "downsample.1", out, in, 1);
                }
                in = out;
            }
        }
        w.linear("fc", 1000, in);
        return w;
    }

    /** The textbook CNN at its default sizes. */
    public static GeneratedWeights textbook(Arena arena) {
        GeneratedWeights w = new GeneratedWeights(arena, "", false);
        w.shapes.put("conv1.weight", Shape.of(64, 3, 3, 3));
        w.shapes.put("conv1.bias", Shape.of(64));
        w.shapes.put("conv2.weight", Shape.of(128, 64, 3, 3));
        w.shapes.put("conv2.bias", Shape.of(128));
        w.linear("fc1", 1000, 4608);
        w.linear("fc2", 10, 1000);
        return w;
    }

    private void conv(String conv, String norm, long out, long in, long kernel) {
        shapes.put(prefix + conv + ".weight", Shape.of(out, in, kernel, kernel));
        for (String part : new String[] {"weight", "bias", "running_mean", "running_var"}) {
            shapes.put(prefix + norm + "." + part, Shape.of(out));
        }
    }

    private void linear(String name, long out, long in) {
        shapes.put(prefix + name + ".weight", Shape.of(out, in));
        shapes.put(prefix + name + ".bias", Shape.of(out));
    }

    /** The generated input of a name. */
    public static Tensor input(Arena arena, String name, long... dims) {
        Tensor tensor = Tensor.allocate(arena, TensorDesc.of(DataType.F32, dims));
        fill(tensor, name, 1, 0, false);
        return tensor;
    }

    private static void fill(Tensor tensor, String name, double scale, double offset, boolean absolute) {
        SplittableRandom random = new SplittableRandom(seed(name));
        for (long i = 0; i < tensor.shape().elementCount(); i++) {
            double u = 2 * random.nextDouble() - 1;
            tensor.setFloat(i, (float) (offset + scale * (absolute ? Math.abs(u) : u)));
        }
    }

    /** FNV-1a, 64 bits. */
    static long seed(String name) {
        long hash = 0xcbf29ce484222325L;
        for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ (b & 0xff)) * 0x100000001b3L;
        }
        return hash;
    }

    @Override
    public Tensor floats(String name) {
        Shape shape = shapes.get(name);
        Tensor tensor = Tensor.allocate(arena, TensorDesc.of(DataType.F32, shape.dims()));
        String own = name.substring(prefix.length());
        if (own.endsWith("running_var")) {
            fill(tensor, own, 0.3, 1, true);
        } else if (own.endsWith("running_mean") || own.endsWith("bias")) {
            fill(tensor, own, 0.1, 0, false);
        } else if (shape.rank() == 1) {
            SplittableRandom random = new SplittableRandom(seed(own));
            double factor = own.startsWith("layer") && own.endsWith(bottleneck ? "bn3.weight" : "bn2.weight") ? 0.3 : 1.0;
            for (long i = 0; i < shape.elementCount(); i++) {
                tensor.setFloat(i, (float) (factor * (1 + 0.1 * (2 * random.nextDouble() - 1))));
            }
        } else {
            fill(tensor, own, 0.8 * Math.sqrt(6.0 / (shape.elementCount() / shape.dim(0))), 0, false);
        }
        return tensor;
    }

    @Override
    public Arena arena() {
        return arena;
    }

    @Override
    public Set<String> names() {
        return shapes.keySet();
    }

    @Override
    public Entry entry(String name) {
        Shape shape = shapes.get(name);
        if (shape == null) {
            throw new WeightException(file(name), "has no tensor " + name);
        }
        return new Entry("F32", shape, java.lang.foreign.MemorySegment.NULL);
    }

    @Override
    public Path file(String name) {
        return Path.of("generated");
    }
}
