package dev.gatun.models.checkpoint;

import dev.gatun.tensor.Shape;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.op.LinearWeights;
import java.util.Comparator;
import java.util.stream.Collectors;

/**
 * A place in a checkpoint's tree of names: {@code scope.child("encoder").child("layer").child(0)}. Tensors are asked
 * for with the shape that the model's config demands. Immutable.
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
            if (source.names().contains(prefix + "." + name)) {
                return new WeightScope(source, prefix);
            }
        }
        return of(source);
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
        return source.names().contains(full(name));
    }

    /**
     * A tensor as F32, of this shape.
     *
     * @return memory of the source's arena
     * @throws WeightException if it is missing or has another shape
     */
    public Tensor tensor(String name, long... dims) {
        String full = full(name);
        if (!source.names().contains(full)) {
            throw missing(full);
        }
        Shape expected = Shape.of(dims);
        Shape found = source.entry(full).shape();
        if (!found.equals(expected)) {
            throw new WeightException(source.file(full), "tensor " + full + ": expected " + expected + ", found " + found);
        }
        return source.floats(full);
    }

    /** The shape that the file gives a tensor. */
    public Shape shape(String name) {
        String full = full(name);
        if (!source.names().contains(full)) {
            throw missing(full);
        }
        return source.entry(full).shape();
    }

    /** A linear layer {@code name.weight}, with {@code name.bias} if there is one, of these sizes. */
    public LinearWeights.Source linear(String name, long in, long out) {
        WeightScope layer = child(name);
        boolean inOut = source.inOut(layer.full("weight"));
        Tensor weight = inOut ? layer.tensor("weight", in, out) : layer.tensor("weight", out, in);
        return new LinearWeights.Source(weight, inOut, layer.has("bias") ? layer.tensor("bias", out) : null);
    }

    private String full(String name) {
        return prefix.isEmpty() ? name : prefix + "." + name;
    }

    private WeightException missing(String full) {
        String near = source.names().stream()
                .sorted(Comparator.comparingInt((String other) -> -commonEnd(full, other)).thenComparing(Comparator.naturalOrder()))
                .limit(3).collect(Collectors.joining(", "));
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
