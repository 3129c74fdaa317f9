package dev.gatun.models.checkpoint;

import dev.gatun.tensor.Tensor;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** A checkpoint that remembers which tensors were asked for, so that none is silently ignored, and can refuse NaN. One thread. */
public final class CheckedWeights implements WeightSource {
    private final WeightSource source;
    private final boolean finite;
    private final Set<String> used = new TreeSet<>();

    /** @param finite whether NaN and infinite weights are refused, which reads every element */
    public CheckedWeights(WeightSource source, boolean finite) {
        this.source = source;
        this.finite = finite;
    }

    @Override
    public Arena arena() {
        return source.arena();
    }

    @Override
    public Set<String> names() {
        return source.names();
    }

    @Override
    public Entry entry(String name) {
        used.add(name);
        return source.entry(name);
    }

    @Override
    public Path file(String name) {
        return source.file(name);
    }

    @Override
    public Tensor floats(String name) {
        used.add(name);
        return checked(name, source.floats(name));
    }

    @Override
    public Tensor tensor(String name) {
        used.add(name);
        return checked(name, source.tensor(name));
    }

    private Tensor checked(String name, Tensor tensor) {
        if (finite) {
            Elements.requireFinite(source.file(name), name, tensor);
        }
        return tensor;
    }

    /**
     * Refuses tensors that nobody asked for; the counters of batch norms are of no use here and may be there.
     *
     * @throws WeightException naming some of them
     */
    public void requireAllUsed(String model) {
        List<String> extra = names().stream().filter(n -> !used.contains(n) && !n.endsWith("num_batches_tracked")).sorted().toList();
        if (!extra.isEmpty()) {
            throw new WeightException(source.file(extra.getFirst()), "has " + extra.size() + " tensors that " + model
                    + " does not have: " + String.join(", ", extra.subList(0, Math.min(5, extra.size())))
                    + (extra.size() > 5 ? ", ..." : ""));
        }
    }
}
