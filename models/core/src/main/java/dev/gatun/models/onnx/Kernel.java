package dev.gatun.models.onnx;

import java.util.List;

/** Computes one node. */
@FunctionalInterface
interface Kernel {
    /** The results in the order of the node's outputs; null for those that were left out. */
    OnnxValue[] run(Call call);

    /** A kernel whose results are the same objects in each run, and which takes nothing from the heap. */
    interface Still extends Kernel {
        /** Computes again what {@link #run} gave. */
        OnnxValue[] again(Program.Frame frame, List<Program.Ref> operands);
    }

    /** A kernel of one result. */
    @FunctionalInterface
    interface One {
        OnnxValue run(Call call);
    }
}
