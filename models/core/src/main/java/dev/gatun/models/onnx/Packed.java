package dev.gatun.models.onnx;

import dev.gatun.bindings.kernels.CountedArena;
import dev.gatun.tensor.exec.Lifetime;
import dev.gatun.tensor.exec.Plan;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Lowering;
import dev.gatun.tensor.graph.Sizes;
import dev.gatun.tensor.graph.Target;
import dev.gatun.tensor.graph.WeightPack;
import dev.gatun.tensor.graph.pass.Passes;
import java.lang.foreign.Arena;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Function;

/** Constants in the form that kernels want, made once for a model, shared by its sessions. */
final class Packed {
    private static final int MANY_ROWS = 128;

    private final CountedArena arena;
    private final WeightPack weights;
    private final Map<Object, Object> made = new ConcurrentHashMap<>();
    /** First byte of what never changes, and the one after its last. */
    private final ConcurrentSkipListMap<Long, Long> constants = new ConcurrentSkipListMap<>();

    Packed(CountedArena arena) {
        this.arena = arena;
        this.weights = new WeightPack(arena);
    }

    /** Which constant, packed how. */
    record Key(long address, long byteSize, Object how) {
    }

    /** As long as the model. */
    CountedArena arena() {
        return arena;
    }

    /** This memory never changes. */
    void constant(OnnxValue value) {
        if (value instanceof OnnxTensor tensor) {
            long address = tensor.segment().address();
            constants.merge(address, address + tensor.segment().byteSize(), Math::max);
        }
    }

    boolean isConstant(OnnxTensor tensor) {
        long address = tensor.segment().address();
        Map.Entry<Long, Long> range = tensor.block == null ? constants.floorEntry(address) : null;
        return range != null && address + tensor.segment().byteSize() <= range.getValue();
    }

    static Target target(long rows) {
        return Target.ofRows((int) Math.min(rows, MANY_ROWS));
    }

    /** A graph for a set of sizes; weights are packed once for all of them. */
    synchronized Plan compile(Graph graph, long rows, Lifetime lifetime, Arena compiled, int threads) {
        Target target = target(rows);
        return new Lowering(Passes.run(graph, target, arena), target, weights, arena).compile(Sizes.NONE, lifetime, compiled, threads);
    }

    @SuppressWarnings("unchecked")
    <T> T get(OnnxTensor constant, Object how, Function<CountedArena, T> make) {
        Key key = new Key(constant.segment().address(), constant.segment().byteSize(), how);
        return (T) made.computeIfAbsent(key, k -> make.apply(arena));
    }
}
