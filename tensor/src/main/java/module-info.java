/** Off-heap tensors, operations over them, and the plans that execute operations. */
module dev.gatun.tensor {
    requires transitive dev.gatun.bindings;

    exports dev.gatun.tensor;
    exports dev.gatun.tensor.exec;
    exports dev.gatun.tensor.op;
}
