package dev.gatun.tensor.exec;

import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.kernel.CompiledOp;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Compiled operations in order, and where their activations lie in one buffer. Immutable, shared by
 * threads; belongs to the model that compiled it and is unusable once that is closed.
 */
public final class Plan {
    private final String name;
    private final Lifetime lifetime;
    private final int threads;
    private final List<TensorDesc> values;
    private final Map<String, Integer> inputs;
    private final Map<String, Integer> states;
    private final Map<String, Integer> outputs;
    private final List<Node> nodes;
    private final BufferAssignment buffers;
    private final long scratchpadByteSize;
    private final MemorySegment.Scope[] owners;
    private final Set<Integer> addresses;

    record Node(String name, CompiledOp op, int threads, int[] inputs, int[] results, Cost cost) {
        int dst() {
            return results[0];
        }
    }

    Plan(String name, Lifetime lifetime, int threads, List<TensorDesc> values, Map<String, Integer> inputs,
            Map<String, Integer> states, Map<String, Integer> outputs, List<Node> nodes, BufferAssignment buffers,
            MemorySegment.Scope[] owners, Set<Integer> addresses) {
        this.name = name;
        this.lifetime = lifetime;
        this.threads = threads;
        this.values = values;
        this.inputs = Map.copyOf(inputs);
        this.states = Map.copyOf(states);
        this.outputs = Map.copyOf(outputs);
        this.nodes = nodes;
        this.buffers = buffers;
        this.owners = owners;
        this.addresses = addresses;
        this.scratchpadByteSize = nodes.stream().mapToLong(n -> n.op().scratchpadByteSize()).max().orElse(0);
    }

    /** For messages and profiles. */
    public String name() {
        return name;
    }

    /** Threads that each operation uses, but the small ones. */
    public int threads() {
        return threads;
    }

    /** Number of operations. */
    public int stepCount() {
        return nodes.size();
    }

    /** Bytes of activations that a context holds for this plan. */
    public long activationByteSize() {
        return buffers.byteSize();
    }

    /** Bytes of temporary memory that a context holds for this plan. */
    public long scratchpadByteSize() {
        return scratchpadByteSize;
    }

    /** One line an operation: what it is, what it makes, which kernel computes it. */
    public List<String> describe() {
        List<String> lines = new ArrayList<>();
        for (Node node : nodes) {
            lines.add(node.name() + " -> " + node.op().dst() + " " + node.op().implementation());
        }
        return lines;
    }

    /** What an operation is, for a flight recording. */
    void describe(int step, OperationEvent event) {
        Node node = nodes.get(step);
        event.plan = name;
        event.operation = node.name();
        event.kernel = node.op().implementation();
        event.result = node.op().dst().toString();
        event.threads = node.threads();
        event.flops = node.cost().flops();
        event.bytes = node.cost().bytes();
    }

    /** Keeps the program alive until its lifetime is exited; refuses weights whose owner freed them. */
    void enter() {
        lifetime.enter();
        for (MemorySegment.Scope owner : owners) {
            if (!owner.isAlive()) {
                lifetime.exit();
                throw new IllegalStateException("plan " + name + ": its weights are freed: their arena was closed");
            }
        }
    }

    Lifetime lifetime() {
        return lifetime;
    }

    List<Node> nodes() {
        return nodes;
    }

    int valueCount() {
        return values.size();
    }

    TensorDesc desc(int value) {
        return values.get(value);
    }

    long offset(int value) {
        return buffers.offsets()[value];
    }

    int inputId(String inputName) {
        return id(inputs, inputName, "input");
    }

    int stateId(String stateName) {
        return id(states, stateName, "state");
    }

    /** Names and places among the values. */
    Map<String, Integer> states() {
        return states;
    }

    /** Whether a state holds addresses: what does not cannot be one that does in another plan. */
    boolean holdsAddresses(int stateId) {
        return addresses.contains(stateId);
    }

    int outputId(String outputName) {
        return id(outputs, outputName, "output");
    }

    private int id(Map<String, Integer> ids, String valueName, String kind) {
        Integer id = ids.get(valueName);
        if (id == null) {
            throw new IllegalArgumentException("plan " + name + " has no " + kind + " " + valueName + ", only " + ids.keySet());
        }
        return id;
    }

    @Override
    public String toString() {
        return "Plan " + name;
    }
}
