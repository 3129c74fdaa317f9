package dev.gatun.tensor.exec;

import dev.gatun.bindings.kernels.CountedArena;
import dev.gatun.bindings.kernels.NativeBuffer;
import dev.gatun.bindings.onednn.Stream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * What one caller needs to execute plans: activations, scratchpad, native handles and argument arrays.
 * All plans of a context share its memory, so it is as large as the largest of them. Not thread-safe,
 * but not tied to a thread: one at a time, and a second at once is refused. Closing waits for an
 * execution under way.
 */
public final class ExecutionContext implements AutoCloseable {
    private static final VarHandle BUSY;

    static {
        try {
            BUSY = MethodHandles.lookup().findVarHandle(ExecutionContext.class, "busy", boolean.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Map<Plan, BoundPlan> bound = new IdentityHashMap<>();
    private final Lifetime lifetime = new Lifetime("the execution context");
    private final Map<String, MemorySegment> states = new HashMap<>();
    private final CountedArena stateArena = new CountedArena("states of sessions");
    private CountedArena arena;
    private NativeBuffer activations;
    private NativeBuffer scratchpad;
    private Stream stream;
    private long epoch;
    @SuppressWarnings("unused") // through BUSY
    private volatile boolean busy;

    /** An empty context: memory comes with the first plan. */
    public ExecutionContext() {
        reset(0, 0);
    }

    /**
     * A plan with this context's memory; made once for each plan and remembered. If the plan needs more
     * memory than the context has, the context grows, and what was bound before must be asked for again.
     *
     * @throws IllegalStateException if the context or the plan's model is closed
     */
    public BoundPlan bind(Plan plan) {
        begin();
        try {
            BoundPlan existing = bound.get(plan);
            if (existing != null) {
                return existing;
            }
            plan.enter();
            try {
                growFor(plan);
                BoundPlan made = new BoundPlan(plan, this);
                bound.put(plan, made);
                return made;
            } catch (RuntimeException | Error e) {
                // What was made of it is freed with the arena.
                reset(activations.byteSize(), scratchpad.byteSize());
                throw e;
            } finally {
                plan.lifetime().exit();
            }
        } finally {
            end();
        }
    }

    private void growFor(Plan plan) {
        if (plan.activationByteSize() > activations.byteSize() || plan.scratchpadByteSize() > scratchpad.byteSize()) {
            reset(Math.max(plan.activationByteSize(), activations.byteSize()),
                    Math.max(plan.scratchpadByteSize(), scratchpad.byteSize()));
        }
    }

    /** Bytes of native memory: activations, scratchpad, states and argument blocks. Pages are taken when they are first touched. */
    public long nativeByteSize() {
        return lifetime.isClosed() ? 0 : arena.byteSize() + stateArena.byteSize();
    }

    /** Frees the memory. Closing twice is harmless. */
    @Override
    public void close() {
        if (lifetime.close()) {
            free();
            stateArena.close();
        }
    }

    /** New memory first: if there is none, this context keeps what it has. */
    private void reset(long activationBytes, long scratchpadBytes) {
        CountedArena next = new CountedArena("activations of sessions");
        NativeBuffer nextActivations;
        NativeBuffer nextScratchpad;
        try {
            nextActivations = NativeBuffer.allocate(next, activationBytes);
            nextScratchpad = NativeBuffer.allocate(next, scratchpadBytes);
        } catch (RuntimeException | Error e) {
            next.close();
            throw e;
        }
        if (arena != null) {
            free();
        }
        arena = next;
        activations = nextActivations;
        scratchpad = nextScratchpad;
        stream = Stream.create(next);
    }

    private void free() {
        forget();
        arena.close();
    }

    /** What was bound before shows memory that is no longer this context's. */
    private void forget() {
        bound.clear();
        epoch++;
    }

    /** Changes whenever what is bound is no longer good. */
    long epoch() {
        return epoch;
    }

    /** Keeps the memory alive and this context the caller's alone, until {@link #end}. */
    void begin() {
        lifetime.enter();
        if (!BUSY.compareAndSet(this, false, true)) {
            lifetime.exit();
            throw new IllegalStateException("this execution context is in use by another thread: one context for each caller");
        }
    }

    void end() {
        BUSY.setVolatile(this, false);
        lifetime.exit();
    }

    Arena arena() {
        return arena;
    }

    Stream stream() {
        return stream;
    }

    /** Memory that outlives growth, zero at first; the same for every plan that has a state of this name, as large as the largest wants. */
    MemorySegment state(String name, long byteSize) {
        MemorySegment state = states.get(name);
        if (state == null || state.byteSize() < byteSize) {
            MemorySegment larger = NativeBuffer.allocate(stateArena, Math.max(1, byteSize)).segment();
            if (state != null) {
                MemorySegment.copy(state, 0, larger, 0, state.byteSize());
                // What was bound before shows the smaller one.
                forget();
            }
            states.put(name, larger);
            state = larger;
        }
        return state.asSlice(0, byteSize);
    }

    MemorySegment activations() {
        return activations.segment();
    }

    MemorySegment scratchpad() {
        return scratchpad.segment();
    }
}
