package dev.gatun.tensor.exec;

import dev.gatun.bindings.kernels.Kernels;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.kernel.CompileContext;
import dev.gatun.tensor.kernel.CompiledOp;
import dev.gatun.tensor.kernel.Compiler;
import dev.gatun.tensor.op.Op;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;

/**
 * Compiles a plan, operation by operation, in the order of execution. One thread; the result may be
 * executed by any. What is compiled belongs to the arena.
 */
public final class PlanBuilder {
    /** Operands of fewer bytes than this take less time to move by one thread than others take to be woken. */
    private static final long SMALL_BYTES = 1 << 18;

    /** More threads than this are a mistake: each costs memory, and they wait for each other. */
    public static final int MAX_THREADS = 256;

    private final String name;
    private final Lifetime lifetime;
    private final CompileContext context;
    private final List<TensorDesc> values = new ArrayList<>();
    private final Map<String, Integer> inputs = new LinkedHashMap<>();
    private final Map<String, Integer> states = new LinkedHashMap<>();
    private final Map<String, Integer> outputs = new LinkedHashMap<>();
    private final List<Plan.Node> nodes = new ArrayList<>();
    private final Set<MemorySegment.Scope> owners = new LinkedHashSet<>();
    /** Ids of states that hold addresses. */
    private final Set<Integer> addresses = new HashSet<>();

    /**
     * Starts a plan.
     *
     * @param name     for messages and profiles, as {@code bert[128 tokens]}
     * @param lifetime of the model whose weights the operations use
     * @param arena    shared arena of that model
     * @param threads  threads that each operation will use, 1 or more; one that moves few bytes uses 1
     */
    public PlanBuilder(String name, Lifetime lifetime, Arena arena, int threads) {
        if (threads < 1 || threads > MAX_THREADS) {
            throw new IllegalArgumentException("plan " + name + ": threads must be 1 to " + MAX_THREADS + ", not " + threads);
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

    /** Declares what a context keeps between executions, zero at first; operations may write over it. */
    public Value state(String stateName, TensorDesc desc) {
        Value value = value(desc);
        if (states.putIfAbsent(stateName, value.id()) != null) {
            throw new IllegalArgumentException("plan " + name + ": two states named " + stateName);
        }
        return value;
    }

    /** Compiles an operation of one result, under its own name. */
    public Value add(Op op, Value... operands) {
        return add(op.getClass().getSimpleName(), op, operands);
    }

    /** Compiles an operation of one result. */
    public Value add(String nodeName, Op op, Value... operands) {
        return addAll(nodeName, op, operands).getFirst();
    }

    /**
     * Compiles an operation over values that exist.
     *
     * @param nodeName for messages and profiles
     * @throws dev.gatun.tensor.ShapeException if they do not fit it
     */
    public List<Value> addAll(String nodeName, Op op, Value... operands) {
        Work work = new Work((compile, descs) -> Compiler.compile(op, compile, descs), op.movesData(),
                (descs, results) -> Cost.of(op, descs, results));
        List<Value> results = add(nodeName, work, operands);
        owners.addAll(op.owners());
        if (op.addresses() >= 0) {
            int id = operands[op.addresses()].id();
            if (!states.containsValue(id)) {
                throw new IllegalArgumentException("plan " + name + ": " + nodeName + " follows addresses, which only a state may hold");
            }
            addresses.add(id);
        }
        return results;
    }

    /** What compiles an operation, whether it computes little for each byte, and what it takes. */
    private record Work(BiFunction<CompileContext, List<TensorDesc>, CompiledOp> compile, boolean movesData,
            BiFunction<List<TensorDesc>, List<TensorDesc>, Cost> cost) {
    }

    /** Adds what compiles itself. */
    List<Value> add(String nodeName, BiFunction<CompileContext, List<TensorDesc>, CompiledOp> compile, boolean movesData,
            Value... operands) {
        return add(nodeName, new Work(compile, movesData, (descs, results) -> Cost.NONE), operands);
    }

    private List<Value> add(String nodeName, Work work, Value... operands) {
        List<TensorDesc> descs = new ArrayList<>();
        int[] ids = new int[operands.length];
        for (int i = 0; i < operands.length; i++) {
            ids[i] = known(operands[i]);
            descs.add(values.get(ids[i]));
        }
        long bytes = descs.stream().mapToLong(TensorDesc::byteSize).sum();
        int threads = work.movesData && bytes < SMALL_BYTES ? 1 : context.threads();
        int before = Kernels.maxThreads();
        Kernels.setThreads(threads);
        try {
            CompiledOp compiled = work.compile.apply(new CompileContext(context.arena(), threads), descs);
            List<Value> results = compiled.results().stream().map(this::value).toList();
            nodes.add(new Plan.Node(nodeName, compiled, threads, ids, results.stream().mapToInt(Value::id).toArray(),
                    work.cost.apply(descs, compiled.results())));
            return results;
        } finally {
            Kernels.setThreads(before);
        }
    }

    /** Names a value whose content is kept until the plan is executed again. */
    public void output(String outputName, Value value) {
        if (outputs.putIfAbsent(outputName, known(value)) != null) {
            throw new IllegalArgumentException("plan " + name + ": two outputs named " + outputName);
        }
    }

    /** Plans the memory and finishes. */
    public Plan build() {
        BufferAssignment assignment = BufferAssignment.of(name, values, inputs.values(), states.values(), outputs.values(), nodes);
        return new Plan(name, lifetime, context.threads(), List.copyOf(values), inputs, states, outputs, List.copyOf(nodes), assignment,
                owners.toArray(MemorySegment.Scope[]::new), Set.copyOf(addresses));
    }

    private int known(Value value) {
        if (value.id() < 0 || value.id() >= values.size() || values.get(value.id()) != value.desc()) {
            throw new IllegalArgumentException("plan " + name + ": " + value + " is another plan's");
        }
        return value.id();
    }

    private Value value(TensorDesc desc) {
        values.add(desc);
        return new Value(values.size() - 1, desc);
    }
}
