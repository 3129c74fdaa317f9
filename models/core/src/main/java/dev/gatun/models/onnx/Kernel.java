package dev.gatun.models.onnx;

/** Computes one node. */
@FunctionalInterface
interface Kernel {
    /** The results in the order of the node's outputs; null for those that were left out. */
    OnnxValue[] run(Call call);

    /** A kernel of one result. */
    @FunctionalInterface
    interface One {
        OnnxValue run(Call call);
    }
}
