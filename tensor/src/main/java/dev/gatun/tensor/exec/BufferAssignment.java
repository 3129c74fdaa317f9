package dev.gatun.tensor.exec;

import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.kernel.CompiledOp;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;

/**
 * Which bytes of the activation buffer each value takes.
 *
 * @param offsets  one for each value, in bytes; of one that shows state i, -1 - i
 * @param byteSize of the activation buffer
 */
record BufferAssignment(long[] offsets, long byteSize) {

    static BufferAssignment of(String plan, List<TensorDesc> values, Collection<Integer> inputs,
            Collection<Integer> states, Collection<Integer> outputs, List<Plan.Node> nodes) {
        int[] first = new int[values.size()];
        int[] last = new int[values.size()];
        for (int step = 0; step < nodes.size(); step++) {
            for (int id : nodes.get(step).results()) {
                first[id] = step;
                last[id] = step;
            }
            for (int id : nodes.get(step).inputs()) {
                last[id] = step;
            }
        }
        // Inputs and outputs are the caller's between executions.
        for (int id : inputs) {
            first[id] = -1;
            last[id] = nodes.size();
        }
        for (int id : states) {
            first[id] = -1;
            last[id] = nodes.size();
        }
        for (int id : outputs) {
            last[id] = nodes.size();
        }
        int[] root = shareBuffers(plan, values, nodes, last);
        return place(values, first, last, root, states);
    }

    /** For each value the value whose buffer it takes: itself, or the input it overwrites or shows. */
    private static int[] shareBuffers(String plan, List<TensorDesc> values, List<Plan.Node> nodes, int[] last) {
        int[] root = new int[values.size()];
        int[] lastOfBuffer = last.clone();
        for (int i = 0; i < root.length; i++) {
            root[i] = i;
        }
        for (int step = 0; step < nodes.size(); step++) {
            Plan.Node node = nodes.get(step);
            CompiledOp.Sharing sharing = node.op().sharing();
            if (sharing.kind() == CompiledOp.Sharing.Kind.NONE) {
                continue;
            }
            int buffer = root[node.inputs()[sharing.input()]];
            boolean dead = lastOfBuffer[buffer] <= step;
            boolean fits = values.get(node.dst()).byteSize() <= values.get(buffer).byteSize();
            boolean alone = Arrays.stream(node.inputs()).filter(id -> root[id] == buffer).count() == 1;
            boolean share = switch (sharing.kind()) {
                case VIEW -> true;
                case MAY_OVERWRITE -> dead && fits && alone;
                case MUST_OVERWRITE -> {
                    if (!dead || !fits || !alone) {
                        throw new IllegalStateException("plan " + plan + ": step " + step + " (" + node.name()
                                + ") overwrites its input " + sharing.input() + ", which is "
                                + (alone ? "read again later" : "another input too"));
                    }
                    yield true;
                }
                case NONE -> false;
            };
            if (share) {
                root[node.dst()] = buffer;
                lastOfBuffer[buffer] = Math.max(lastOfBuffer[buffer], last[node.dst()]);
            }
        }
        return root;
    }

    private static BufferAssignment place(List<TensorDesc> values, int[] first, int[] last, int[] root,
            Collection<Integer> states) {
        int[] lastOfBuffer = last.clone();
        for (int i = 0; i < root.length; i++) {
            lastOfBuffer[root[i]] = Math.max(lastOfBuffer[root[i]], last[i]);
        }
        List<MemoryPlanner.Buffer> buffers = new ArrayList<>();
        int[] bufferOf = new int[root.length];
        for (int i = 0; i < root.length; i++) {
            if (root[i] == i && !states.contains(i)) {
                bufferOf[i] = buffers.size();
                buffers.add(new MemoryPlanner.Buffer(values.get(i).byteSize(), first[i], lastOfBuffer[i]));
            }
        }
        MemoryPlanner.Placement placement = MemoryPlanner.place(buffers);
        long[] offsets = new long[root.length];
        for (int i = 0; i < root.length; i++) {
            // A state has memory of its own, in the context: so have views of it, and results that are written over it.
            offsets[i] = states.contains(root[i]) ? -1 - root[i] : placement.offsets()[bufferOf[root[i]]];
        }
        return new BufferAssignment(offsets, placement.byteSize());
    }
}
