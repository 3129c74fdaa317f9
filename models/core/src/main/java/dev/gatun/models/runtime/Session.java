package dev.gatun.models.runtime;

import dev.gatun.bindings.kernels.CountedArena;
import dev.gatun.bindings.kernels.NativeBuffer;
import dev.gatun.bindings.loader.ThreadCount;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.BoundPlan;
import dev.gatun.tensor.exec.ExecutionContext;
import dev.gatun.tensor.exec.Lifetime;
import dev.gatun.tensor.exec.Plan;
import dev.gatun.tensor.graph.Dim;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Sizes;
import dev.gatun.tensor.graph.Spec;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Runs a program for one caller, with activations and states of its own. One thread at a time, a platform thread; a second at once is
 * refused. Owns its memory; {@link #close} waits for a run under way, and may come before or after the program's.
 */
public final class Session implements Workers.Session {
    private final Program program;
    private final int threads;
    private final ExecutionContext context;
    private final CountedArena arena = new CountedArena("other memory of sessions");
    private final Lifetime lifetime = new Lifetime("the session");
    /** Who is between enter and exit. */
    private final AtomicReference<Thread> inside = new AtomicReference<>();

    Session(Program program, int threads) {
        this.program = program;
        this.threads = ThreadCount.checked(threads);
        this.context = new ExecutionContext();
    }

    /**
     * Runs the program's first graph. Sizes of free dimensions follow from the inputs; a set of sizes that is seen for the first time is
     * compiled.
     *
     * @param inputs by name; row-major, copied
     * @return outputs by name: row-major views of this session's memory, valid until its next run
     * @throws IllegalArgumentException if an input is missing, unknown, or of another type or shape
     * @throws IllegalStateException    if the session or the program is closed, or another thread is running here
     */
    public Map<String, Tensor> run(Map<String, Tensor> inputs) {
        // What is checked is what is copied, whatever becomes of the caller's map.
        return runChecked(new HashMap<>(inputs));
    }

    private Map<String, Tensor> runChecked(Map<String, Tensor> inputs) {
        String name = program.mainGraph();
        Graph graph = program.graph(name);
        Sizes sizes = sizes(graph, inputs);
        enter();
        try {
            BoundPlan plan = bind(program.plan(name, sizes, threads));
            graph.inputs().keySet().forEach(input -> plan.input(input).segment().copyFrom(inputs.get(input).segment()));
            plan.execute();
            Map<String, Tensor> outputs = new LinkedHashMap<>();
            graph.outputs().keySet().forEach(output -> outputs.put(output, plan.output(output)));
            return outputs;
        } finally {
            exit();
        }
    }

    private static Sizes sizes(Graph graph, Map<String, Tensor> inputs) {
        for (String name : inputs.keySet()) {
            if (!graph.inputs().containsKey(name)) {
                throw new IllegalArgumentException(graph.name() + " has no input " + name + ", only " + graph.inputs().keySet());
            }
        }
        Map<String, Long> sizes = new TreeMap<>();
        graph.inputs().forEach((name, source) -> {
            Tensor tensor = inputs.get(name);
            if (tensor == null) {
                throw new IllegalArgumentException(graph.name() + ": input " + name + " is missing, expected " + source.spec());
            }
            match(graph.name() + ": input " + name, source.spec(), tensor.desc(), sizes);
        });
        return new Sizes(sizes);
    }

    private static void match(String what, Spec spec, TensorDesc found, Map<String, Long> sizes) {
        boolean fits = found.type() == spec.type() && found.isRowMajor() && found.shape().rank() == spec.dims().size();
        for (int i = 0; fits && i < spec.dims().size(); i++) {
            Dim dim = spec.dims().get(i);
            long size = found.shape().dim(i);
            Long other = dim.isFree() ? sizes.putIfAbsent(dim.name(), size) : Long.valueOf(dim.size());
            fits = other == null ? size > 0 : other == size;
        }
        if (!fits) {
            throw new ShapeException("run", what + " is " + found + ", expected row-major " + spec
                    + (sizes.isEmpty() ? "" : " with " + sizes),
                    found.shape());
        }
    }

    /**
     * Keeps the memory alive and this session the caller's alone until {@link #exit}.
     *
     * @throws IllegalStateException if it is closed, or in use by another thread
     */
    public void enter() {
        lifetime.enter();
        if (!inside.compareAndSet(null, Thread.currentThread())) {
            lifetime.exit();
            throw new IllegalStateException("this session is in use by another thread: one session for each caller");
        }
    }

    /**
     * Ends what {@link #enter} began.
     *
     * @throws IllegalStateException if another thread began it, or nobody: memory could be freed under a kernel
     */
    public void exit() {
        if (!inside.compareAndSet(Thread.currentThread(), null)) {
            throw new IllegalStateException("this thread is not inside of the session");
        }
        lifetime.exit();
    }

    /** A plan of the program with this session's memory, until the session next binds another; between {@link #enter} and {@link #exit}. */
    public BoundPlan bind(Plan plan) {
        return context.bind(plan);
    }

    /**
     * Memory beside that of plans, zero at first, which is this session's and freed with it.
     *
     * @throws IllegalStateException if it is closed
     */
    public MemorySegment allocate(long byteSize) {
        lifetime.enter();
        try {
            return NativeBuffer.allocate(arena, byteSize).segment();
        } finally {
            lifetime.exit();
        }
    }

    /** The program. */
    public Program program() {
        return program;
    }

    /** Threads of each kernel. */
    public int threads() {
        return threads;
    }

    /** Whether {@link #close} was called. */
    public boolean isClosed() {
        return lifetime.isClosed();
    }

    @Override
    public long nativeByteSize() {
        return context.nativeByteSize() + arena.byteSize();
    }

    /**
     * Frees the session's memory. Closing twice is harmless.
     *
     * @throws IllegalStateException if a callback of a run under way asks for it: it would wait for itself
     */
    @Override
    public void close() {
        if (inside.get() == Thread.currentThread()) {
            throw new IllegalStateException("the session was asked to close by a callback of its own run: close it afterwards");
        }
        if (lifetime.closeBeside(this::leaveForWhoEnded)) {
            context.close();
            arena.close();
        }
    }

    /** A thread that ended between enter and exit leaves by itself no more. */
    private void leaveForWhoEnded() {
        Thread last = inside.get();
        if (last != null && !last.isAlive() && inside.compareAndSet(last, null)) {
            lifetime.exit();
        }
    }
}
