package dev.gatun.tensor.kernel;

import dev.gatun.bindings.kernels.Kernels;
import dev.gatun.tensor.TensorDesc;
import java.util.function.Function;

/**
 * A compiled call of one of our own kernels.
 *
 * @param name               of the kernel
 * @param dst                result
 * @param scratchpadByteSize temporary memory
 * @param sharing            with an input's memory
 * @param binder             fills the argument block
 */
record KernelOp(String name, TensorDesc dst, long scratchpadByteSize, Sharing sharing, Function<Binding, Runnable> binder)
        implements CompiledOp {

    KernelOp(String name, TensorDesc dst, Sharing sharing, Function<Binding, Runnable> binder) {
        this(name, dst, 0, sharing, binder);
    }

    @Override
    public String implementation() {
        return "gatun_" + name + ":" + Kernels.isa();
    }

    @Override
    public Step bind(Binding binding) {
        return binder.apply(binding)::run;
    }
}
