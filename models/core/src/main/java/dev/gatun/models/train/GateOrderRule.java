package dev.gatun.models.train;

import dev.gatun.bindings.kernels.TrainKernels;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** A recurrent weight whose gates are in another order than PyTorch's: sorted before the layer, its gradient is put back behind. */
final class GateOrderRule implements Rule {
    private final MemorySegment[] from;
    private final MemorySegment[] to;
    private final MemorySegment[] dFrom;
    private final MemorySegment[] dTo;

    /** @param order where {@code own} has each gate of {@code sorted} */
    GateOrderRule(Parameter own, Parameter sorted, List<Integer> order) {
        this.from = parts(own.value().segment(), order);
        this.dFrom = parts(own.gradient().segment(), order);
        List<Integer> each = order.stream().sorted().toList();
        this.to = parts(sorted.value().segment(), each);
        this.dTo = parts(sorted.gradient().segment(), each);
    }

    private static MemorySegment[] parts(MemorySegment all, List<Integer> places) {
        long bytes = all.byteSize() / places.size();
        return places.stream().map(place -> all.asSlice(place * bytes, bytes)).toArray(MemorySegment[]::new);
    }

    @Override
    public void forward(boolean training) {
        for (int i = 0; i < to.length; i++) {
            MemorySegment.copy(from[i], 0, to[i], 0, to[i].byteSize());
            dTo[i].fill((byte) 0);
        }
    }

    @Override
    public void backward() {
        for (int i = 0; i < to.length; i++) {
            TrainKernels.add(dTo[i], dFrom[i]);
        }
    }
}
