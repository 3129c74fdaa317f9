package dev.gatun.models.onnx;

import dev.gatun.tensor.Shape;
import java.util.Arrays;
import java.util.List;

/** What a kernel sees of its node: operands, attributes, memory for results, and the run that it is part of. */
final class Call {
    private final Program.Step step;
    private final OnnxValue[] operands;
    private final Program.Frame frame;
    private final Evaluator evaluator;
    private final Region region;

    Call(Program.Step step, OnnxValue[] operands, Program.Frame frame, Evaluator evaluator) {
        this(step, operands, frame, evaluator, null);
    }

    private Call(Program.Step step, OnnxValue[] operands, Program.Frame frame, Evaluator evaluator, Region region) {
        this.step = step;
        this.operands = operands;
        this.frame = frame;
        this.evaluator = evaluator;
        this.region = region;
    }

    /** A node that is described rather than run; of its operands, those are there that are the same in every run. */
    static Call described(Program.Step step, OnnxValue[] operands, Region region) {
        return new Call(step, operands, null, null, region);
    }

    /** The same node with other operands, for kernels that are made of others. */
    Call with(OnnxValue... others) {
        return new Call(step, others, frame, evaluator, region);
    }

    /** Where the node is described; null if it is run. */
    Region region() {
        return region;
    }

    /** The step itself: an identity that caches may use. */
    Program.Step step() {
        return step;
    }

    String op() {
        return step.node().op();
    }

    int version() {
        return step.version();
    }

    int inputCount() {
        return operands.length;
    }

    int outputCount() {
        return step.outputs().length;
    }

    /** Whether somebody wants result i. */
    boolean wants(int i) {
        return i < step.outputs().length && step.outputs()[i] >= 0;
    }

    Memory memory() {
        return evaluator.memory();
    }

    Elements elements() {
        return memory().elements();
    }

    Natives natives() {
        return evaluator.natives();
    }

    boolean has(int i) {
        return i < operands.length && operands[i] != null;
    }

    OnnxValue value(int i) {
        if (!has(i)) {
            throw new IllegalArgumentException("operand " + i + " is missing");
        }
        return operands[i];
    }

    OnnxTensor in(int i) {
        OnnxValue value = value(i);
        if (value instanceof OnnxTensor tensor) {
            return tensor;
        }
        if (value instanceof OnnxValue.Optional optional && optional.value() instanceof OnnxTensor tensor) {
            return tensor;
        }
        throw new IllegalArgumentException("operand " + i + " is no tensor");
    }

    /** Operand i, or null if it is left out. */
    OnnxTensor opt(int i) {
        return has(i) ? in(i) : null;
    }

    boolean hasAttribute(String name) {
        return step.attributes().containsKey(name);
    }

    private <T> T attribute(String name, Class<T> type, T missing) {
        Object value = step.attributes().get(name);
        if (value == null) {
            return missing;
        }
        if (!type.isInstance(value)) {
            throw new IllegalArgumentException("attribute " + name + " is a " + value.getClass().getSimpleName() + ", expected a "
                    + type.getSimpleName());
        }
        return type.cast(value);
    }

    long i(String name, long missing) {
        return attribute(name, Long.class, missing);
    }

    boolean flag(String name) {
        return i(name, 0) != 0;
    }

    float f(String name, double missing) {
        return attribute(name, Float.class, (float) missing);
    }

    String s(String name, String missing) {
        return attribute(name, String.class, missing);
    }

    /** Null if it is missing. */
    long[] ints(String name) {
        return attribute(name, long[].class, null);
    }

    float[] floats(String name) {
        return attribute(name, float[].class, null);
    }

    List<?> list(String name) {
        return attribute(name, List.class, null);
    }

    OnnxTensor tensor(String name) {
        return attribute(name, OnnxTensor.class, null);
    }

    Program graph(String name) {
        Program graph = attribute(name, Program.class, null);
        if (graph == null) {
            throw new IllegalArgumentException("the graph " + name + " is missing");
        }
        return graph;
    }

    /** Longs of an attribute, or of an operand where newer versions have it; null if neither is there. */
    long[] ints(String name, int operand) {
        return has(operand) ? in(operand).longs() : ints(name);
    }

    /** Checks an axis and makes it positive. */
    static int axis(long axis, int rank) {
        if (axis < -rank || axis >= rank) {
            throw new IllegalArgumentException("axis " + axis + " is out of range for " + rank + " dimensions");
        }
        return (int) (axis < 0 ? axis + rank : axis);
    }

    int axis(String name, long missing, int rank) {
        return axis(i(name, missing), rank);
    }

    OnnxTensor make(OnnxType type, long... dims) {
        return memory().make(type, dims);
    }

    OnnxTensor like(OnnxTensor other) {
        return make(other.type(), other.dims()).withStrings(other.strings());
    }

    OnnxTensor zeros(OnnxType type, long... dims) {
        OnnxTensor t = make(type, dims);
        t.segment().fill((byte) 0);
        return t;
    }

    OnnxTensor ofLongs(long[] values, long... dims) {
        OnnxTensor t = make(OnnxType.INT64, dims.length == 0 ? new long[] {values.length} : dims);
        for (int i = 0; i < values.length; i++) {
            t.putWhole(i, values[i]);
        }
        return t;
    }

    OnnxTensor scalar(OnnxType type, double value) {
        OnnxTensor t = make(type);
        t.put(0, value);
        return t;
    }

    OnnxTensor texts(String[] values, long... dims) {
        OnnxTensor t = make(OnnxType.STRING, dims).withStrings(values);
        for (int i = 0; i < values.length; i++) {
            t.putWhole(i, i);
        }
        return t;
    }

    /** Runs a subgraph of this node as one turn of a loop. */
    OnnxValue[] turn(Program graph, OnnxValue... inputs) {
        evaluator.turn();
        return run(graph, inputs);
    }

    /** Runs a subgraph of this node. */
    OnnxValue[] run(Program graph, OnnxValue... inputs) {
        return evaluator.run(graph, inputs, frame);
    }

    void require(boolean holds, String what) {
        if (!holds) {
            throw new IllegalArgumentException(what + "; operands " + Arrays.toString(operands));
        }
    }

    static long product(long[] dims, int from, int to) {
        return Shape.of(Arrays.copyOfRange(dims, from, to)).elementCount();
    }
}
