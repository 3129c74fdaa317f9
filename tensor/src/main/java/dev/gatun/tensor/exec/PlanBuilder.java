package dev.gatun.tensor.exec;

import dev.gatun.bindings.kernels.Kernels;
import dev.gatun.tensor.TensorDesc;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Compiles a plan, operation by operation, in the order of execution. One thread; the result may be
 * executed by any. What is compiled belongs to the arena.
 */
public final class PlanBuilder {
    /** Operands of fewer bytes than this take less time to move by one thread than others take to be woken. */
    private static final long SMALL_BYTES = 1 << 18;

    private final String name;
    private final Lifetime lifetime;
    private final CompileContext context;
    private final List<TensorDesc> values = new ArrayList<>();
    private final Map<String, Integer> inputs = new LinkedHashMap<>();
    private final Map<String, Integer> outputs = new LinkedHashMap<>();
    private final List<Plan.Node> nodes = new ArrayList<>();

    /**
     * Starts a plan.
     *
     * @param name     for messages and profiles, as {@code bert[128 tokens]}
     * @param lifetime of the model whose weights the operations use
     * @param arena    shared arena of that model
     * @param threads  OpenMP threads that each operation will use, 1 or more; one that moves few bytes uses 1
     */
    public PlanBuilder(String name, Lifetime lifetime, Arena arena, int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("plan " + name + ": threads must be 1 or more, not " + threads);
        }
        this.name = name;
        this.lifetime = lifetime;
        this.context = new CompileContext(arena, threads);
    }

    /** Declares an input, which the caller fills before each execution; no operation overwrites it. */
    public Value input(String inputName, TensorDesc desc) {
        Value value = value(desc);
        if (inputs.putIfAbsent(inputName, value.id()) != null) {
            throw new IllegalArgumentException("plan " + name + ": two inputs named " + inputName);
        }
        return value;
    }

    /**
     * Compiles an operation over values that exist.
     *
     * @throws dev.gatun.tensor.ShapeException if they do not fit it
     */
    public Value add(Op op, Value... operands) {
        List<TensorDesc> descs = new ArrayList<>();
        int[] ids = new int[operands.length];
        for (int i = 0; i < operands.length; i++) {
            ids[i] = operands[i].id();
            descs.add(values.get(ids[i]));
        }
        long bytes = descs.stream().mapToLong(TensorDesc::byteSize).sum();
        int threads = op.movesData() && bytes < SMALL_BYTES ? 1 : context.threads();
        int before = Kernels.maxThreads();
        Kernels.setThreads(threads);
        try {
            CompiledOp compiled = op.compile(new CompileContext(context.arena(), threads), descs);
            Value dst = value(compiled.dst());
            nodes.add(new Plan.Node(op.getClass().getSimpleName(), compiled, threads, ids, dst.id()));
            return dst;
        } finally {
            Kernels.setThreads(before);
        }
    }

    /** Names a value whose content is kept until the plan is executed again. */
    public void output(String outputName, Value value) {
        if (outputs.putIfAbsent(outputName, value.id()) != null) {
            throw new IllegalArgumentException("plan " + name + ": two outputs named " + outputName);
        }
    }

    /** Plans the memory and finishes. */
    public Plan build() {
        BufferAssignment assignment = BufferAssignment.of(name, values, inputs.values(), outputs.values(), nodes);
        return new Plan(name, lifetime, context.threads(), List.copyOf(values), inputs, outputs, List.copyOf(nodes), assignment);
    }

    private Value value(TensorDesc desc) {
        values.add(desc);
        return new Value(values.size() - 1, desc);
    }
}
