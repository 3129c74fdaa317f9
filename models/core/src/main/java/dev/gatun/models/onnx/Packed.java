package dev.gatun.models.onnx;

import dev.gatun.bindings.kernels.CountedArena;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Function;

/** Constants in the form that kernels want, made once for a model, shared by its sessions. */
final class Packed {
    private final CountedArena arena;
    private final Map<Object, Object> made = new ConcurrentHashMap<>();
    /** First byte of what never changes, and the one after its last. */
    private final ConcurrentSkipListMap<Long, Long> constants = new ConcurrentSkipListMap<>();

    Packed(CountedArena arena) {
        this.arena = arena;
    }

    /** Which constant, packed how. */
    record Key(long address, long byteSize, Object how) {
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

    @SuppressWarnings("unchecked")
    <T> T get(OnnxTensor constant, Object how, Function<CountedArena, T> make) {
        Key key = new Key(constant.segment().address(), constant.segment().byteSize(), how);
        return (T) made.computeIfAbsent(key, k -> make.apply(arena));
    }
}
