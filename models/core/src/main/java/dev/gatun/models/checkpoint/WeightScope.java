package dev.gatun.models.checkpoint;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Weight;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/**
 * A place in a checkpoint's tree of names: {@code scope.child("encoder").child("layer").child(0)}. Tensors are asked
 * for with the shape that the model's config demands. What older checkpoints call gamma and beta of a norm is its weight and bias.
 * Immutable.
 */
public final class WeightScope {
    private final WeightSource source;
    private final String prefix;

    private WeightScope(WeightSource source, String prefix) {
        this.source = source;
        this.prefix = prefix;
    }

    /** The top of a checkpoint. */
    public static WeightScope of(WeightSource source) {
        return new WeightScope(source, "");
    }

    /** The scope below one of these prefixes under which a name exists, or the top: checkpoints differ in it. */
    public static WeightScope locate(WeightSource source, String name, String... prefixes) {
        for (String prefix : prefixes) {
            if (TensorNames.find(source.names(), prefix + "." + name) != null) {
                return new WeightScope(source, prefix);
            }
        }
        return of(source);
    }

    /**
     * The scope under which a name exists: the top, or below one or two of the names that heads, wrappers and trainers are known to put
     * before a model's own, as {@code bert}, {@code model} or {@code 0.auto_model}.
     *
     * @param name of a tensor that every checkpoint of the model has
     * @return the top if it is nowhere, so that the message about it names what is near
     */
    public static WeightScope locate(WeightSource source, String name) {
        String prefix = TensorNames.prefix(source.names(), name);
        return prefix == null ? of(source) : new WeightScope(source, prefix);
    }

    /** A named child. */
    public WeightScope child(String name) {
        return new WeightScope(source, prefix.isEmpty() ? name : prefix + "." + name);
    }

    /** A numbered child. */
    public WeightScope child(int index) {
        return child(Integer.toString(index));
    }

    /** Whether a tensor exists here. */
    public boolean has(String name) {
        return TensorNames.find(source.names(), full(name)) != null;
    }

    /**
     * A tensor as F32, of this shape.
     *
     * @return memory of the source's arena
     * @throws WeightException if it is missing or has another shape
     */
    public Tensor tensor(String name, long... dims) {
        return source.floats(checked(name, dims));
    }

    /**
     * A parameter in the type of its file, of this shape.
     *
     * @return named as in the file; memory of the source's arena
     * @throws WeightException if it is missing, has another shape, or a type that is none of weights: F32, F16, BF16, F64 (which becomes
     *                         F32), S8 or U8
     */
    public Weight weight(String name, long... dims) {
        String full = checked(name, dims);
        Tensor tensor = source.tensor(full);
        if (tensor.type() == DataType.S32) {
            throw new WeightException(source.file(full), "tensor " + full
                    + ": element type I32, expected one of weights: F32, F16, BF16, I8, U8");
        }
        return new Weight(full, tensor);
    }

    /**
     * The same, or null if there is none of this name.
     *
     * @throws WeightException if it has another shape or type
     */
    public Weight optional(String name, long... dims) {
        return has(name) ? weight(name, dims) : null;
    }

    /** The shape that the file gives a tensor. */
    public Shape shape(String name) {
        return source.entry(require(name)).shape();
    }

    /** The file that a tensor is in, or would be in, for messages. */
    public Path file(String name) {
        String found = TensorNames.find(source.names(), full(name));
        return source.file(found != null ? found : source.names().stream().findFirst().orElse(full(name)));
    }

    private String checked(String name, long... dims) {
        String full = require(name);
        Shape expected = Shape.of(dims);
        Shape found = source.entry(full).shape();
        if (!found.equals(expected)) {
            throw new WeightException(source.file(full), "tensor " + full + ": expected " + expected + ", found " + found);
        }
        return full;
    }

    private String require(String name) {
        String found = TensorNames.find(source.names(), full(name));
        if (found == null) {
            throw missing(full(name));
        }
        return found;
    }

    /** A linear layer {@code name.weight}, with {@code name.bias} if there is one, of these sizes. */
    public Linear.Part part(String name, long in, long out) {
        WeightScope layer = child(name);
        return new Linear.Part(layer.weight("weight", out, in), false, layer.optional("bias", out));
    }

    /** The same where a config says whether there is a bias. */
    public Linear.Part part(String name, long in, long out, boolean bias) {
        if (child(name).has("bias") != bias) {
            throw new WeightException(file(name + ".weight"), "tensor " + full(name) + ".bias " + (bias ? "is missing, but"
                    : "is there, though")
                    + " the config says " + (bias ? "there is one" : "that there is none"));
        }
        return part(name, in, out);
    }

    /** Linear layers whose weights lie one behind the other in the rows of {@code name.weight}, of so many rows each. */
    public List<Linear.Part> parts(String name, long in, boolean bias, long... outs) {
        Linear.Part all = part(name, in, LongStream.of(outs).sum(), bias);
        List<Linear.Part> parts = new ArrayList<>();
        long first = 0;
        for (long out : outs) {
            parts.add(new Linear.Part(rows(all.weight(), first, out), false, bias ? rows(all.bias(), first, out) : null));
            first += out;
        }
        return parts;
    }

    /** Some rows of a weight. */
    public static Weight rows(Weight weight, long first, long count) {
        long[] dims = weight.shape().dims();
        if (dims.length == 0 || first < 0 || count < 1 || first > dims[0] - count) {
            throw new IllegalArgumentException("rows " + first + " to " + (first + count) + " of " + weight);
        }
        long rowBytes = weight.tensor().desc().byteSize() / dims[0];
        dims[0] = count;
        return new Weight(weight.name() + "[" + first + ":" + (first + count) + "]", Tensor.of(TensorDesc.of(weight.tensor().type(), dims),
                weight.tensor().segment().asSlice(first * rowBytes, count * rowBytes)));
    }

    /** The same elements in another shape of as many. */
    public static Weight reshaped(Weight weight, long... dims) {
        if (Shape.of(dims).elementCount() != weight.shape().elementCount()) {
            throw new IllegalArgumentException(weight + " cannot become " + Shape.of(dims));
        }
        return new Weight(weight.name(), Tensor.of(TensorDesc.of(weight.tensor().type(), dims), weight.tensor().segment()));
    }

    /** Owns what is read here, and what is made of it until a program is loaded. */
    public Arena arena() {
        return source.arena();
    }

    private String full(String name) {
        return prefix.isEmpty() ? name : prefix + "." + name;
    }

    private WeightException missing(String full) {
        String near = source.names().stream()
                .sorted(Comparator.comparingInt((String other) -> -commonEnd(full, other)).thenComparing(Comparator.naturalOrder()))
                .limit(3).map(Clip::text).collect(Collectors.joining(", "));
        String any = source.names().stream().findFirst().orElse(full);
        return new WeightException(source.file(any), "has no tensor " + full + (near.isEmpty() ? "" : "; nearest names: " + near));
    }

    private static int commonEnd(String a, String b) {
        int n = 0;
        while (n < a.length() && n < b.length() && a.charAt(a.length() - 1 - n) == b.charAt(b.length() - 1 - n)) {
            n++;
        }
        return n;
    }

    @Override
    public String toString() {
        return prefix.isEmpty() ? "(top)" : prefix;
    }
}
