package dev.gatun.tensor.kernel;

import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Two kernels one after the other, what is between them in scratchpad memory.
 *
 * @param first  of the operands
 * @param second of the first one's result alone
 */
record Chain(CompiledOp first, CompiledOp second) implements CompiledOp {

    @Override
    public TensorDesc dst() {
        return second.dst();
    }

    private long betweenBytes() {
        return align(first.dst().byteSize());
    }

    private static long align(long bytes) {
        return (bytes + Tensor.ALIGNMENT - 1) / Tensor.ALIGNMENT * Tensor.ALIGNMENT;
    }

    @Override
    public long scratchpadByteSize() {
        return betweenBytes() + Math.max(first.scratchpadByteSize(), second.scratchpadByteSize());
    }

    @Override
    public String implementation() {
        return first.implementation() + "+" + second.implementation();
    }

    @Override
    public Step bind(Binding binding) {
        Tensor between = Tensor.of(first.dst(), binding.scratchpad());
        MemorySegment rest = binding.scratchpad().asSlice(betweenBytes());
        Step one = first.bind(new Binding(binding.arena(), binding.stream(), binding.inputs(), List.of(between), rest));
        Step two = second.bind(new Binding(binding.arena(), binding.stream(), List.of(between), binding.results(), rest));
        return () -> {
            one.execute();
            two.execute();
        };
    }
}
