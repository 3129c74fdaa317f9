/** Off-heap tensors, operations and graphs over them, and the plans that execute operations. */
module dev.gatun.tensor {
    requires transitive dev.gatun.bindings;
    requires jdk.jfr;

    exports dev.gatun.tensor;
    exports dev.gatun.tensor.op;
    exports dev.gatun.tensor.graph;
    exports dev.gatun.tensor.graph.pass;
    // What runs and packs reaches native memory: for Gatun's own modules.
    exports dev.gatun.tensor.exec to dev.gatun.models, dev.gatun.cli, dev.gatun.bench;
    exports dev.gatun.tensor.weights to dev.gatun.models, dev.gatun.cli, dev.gatun.bench;
}
