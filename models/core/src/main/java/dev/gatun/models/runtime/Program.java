package dev.gatun.models.runtime;

import dev.gatun.bindings.kernels.CountedArena;
import dev.gatun.bindings.loader.LargeStack;
import dev.gatun.tensor.exec.Lifetime;
import dev.gatun.tensor.exec.Plan;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Lowering;
import dev.gatun.tensor.graph.Narrowing;
import dev.gatun.tensor.graph.Sizes;
import dev.gatun.tensor.graph.Target;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.graph.WeightPack;
import dev.gatun.tensor.graph.pass.Passes;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Collectors;

/**
 * A network ready to run: its graphs after the passes, weights packed once, and plans compiled once for each set of sizes and number of
 * threads. Immutable but for the plans, shared by any number of threads, each with its own {@link Session}. Owns its native memory:
 * {@link #close} waits for runs under way; sessions used after that throw {@link IllegalStateException}.
 */
public final class Program implements AutoCloseable {
    private static final int MANY_ROWS = 128;

    private final CountedArena arena;
    private final String mainGraph;
    private final Lifetime lifetime;
    private final Map<String, Lowering> graphs = new ConcurrentHashMap<>();
    private final WeightPack pack;
    private final Map<PlanKey, Plan> plans = new ConcurrentHashMap<>();
    private final Queue<CountedArena> planArenas = new ConcurrentLinkedQueue<>();

    private record PlanKey(String graph, Sizes sizes, int threads) {
    }

    private Program(String mainGraph) {
        this.mainGraph = mainGraph;
        this.arena = new CountedArena("weights of " + mainGraph);
        this.pack = new WeightPack(arena);
        this.lifetime = new Lifetime("the model");
    }

    /**
     * A graph of a program.
     *
     * @param graph  before the passes
     * @param target how it will be run
     */
    public record Part(Graph graph, Target target) {
    }

    /** A program of one graph, for products of many rows. */
    public static Program load(Graph graph) {
        return load(new Part(graph, Target.ofRows(MANY_ROWS)));
    }

    /**
     * Runs the passes and packs the weights; the checkpoint is not needed afterwards. A caller whose thread has less than the usual 1 MB of
     * stack needs a checkpoint in a shared arena: it is read by another thread.
     *
     * @param parts graphs of different names; layers of theirs that share weights share what is packed, for the first of them
     * @throws IllegalArgumentException if a graph contradicts itself; the message names the node
     */
    public static Program load(Part... parts) {
        return LargeStack.callIfSmall(() -> loadHere(parts));
    }

    private static Program loadHere(Part... parts) {
        if (parts.length == 0) {
            throw new IllegalArgumentException("a program needs a graph");
        }
        Program program = new Program(parts[0].graph().name());
        try (Arena temporary = Arena.ofShared()) {
            program.add(List.of(parts), temporary);
            // Convolutions choose the layout of their weights when they are first compiled: while the checkpoint is there.
            for (Lowering graph : program.graphs.values()) {
                if (graph.packsWhenCompiled()) {
                    program.plan(graph.graph().name(), graph.graph().typicalSizes(), 1);
                }
            }
            return program;
        } catch (RuntimeException | Error e) {
            program.close();
            throw e;
        }
    }

    /**
     * Adds a graph of another shape over weights that are packed already: the checkpoint may be gone.
     *
     * @throws IllegalArgumentException if a graph of this name exists
     * @throws IllegalStateException    if a weight is not packed yet, or this is closed
     */
    public synchronized void add(Part part) {
        lifetime.enter();
        try (Arena temporary = Arena.ofShared()) {
            add(List.of(part), temporary);
        } finally {
            lifetime.exit();
        }
    }

    private void add(List<Part> parts, Arena temporary) {
        List<Part> fused = parts.stream().map(part -> new Part(Passes.run(part.graph(), part.target(), temporary), part.target())).toList();
        Set<Weight> words = fused.stream().flatMap(part -> WeightPack.words(part.graph()).stream()).collect(Collectors.toSet());
        fused.forEach(part -> pack.tie(part.graph(), part.target(), words));
        for (Part part : fused) {
            if (graphs.putIfAbsent(part.graph().name(), new Lowering(part.graph(), part.target(), pack, temporary)) != null) {
                throw new IllegalArgumentException("two graphs named " + part.graph().name());
            }
        }
    }

    /** A session for one caller, who closes it; it computes with so many threads. */
    public Session newSession(int threads) {
        lifetime.enter();
        try {
            return new Session(this, threads);
        } finally {
            lifetime.exit();
        }
    }

    /**
     * The plan of a graph for some sizes; compiled if it is the first time.
     *
     * @throws dev.gatun.tensor.ShapeException if the sizes do not fit
     * @throws IllegalStateException           if this is closed
     */
    public Plan plan(String graph, Sizes sizes, int threads) {
        Lowering lowering = lowering(graph);
        PlanKey key = new PlanKey(graph, sizes, threads);
        lifetime.enter();
        try {
            Plan known = plans.get(key);
            return known != null ? known
                    : LargeStack.callIfSmall(() -> plans.computeIfAbsent(key, k -> compile(lowering, k)));
        } finally {
            lifetime.exit();
        }
    }

    /** A plan that does not come about, for sizes that do not fit, leaves nothing behind. */
    private Plan compile(Lowering lowering, PlanKey key) {
        CountedArena compiled = new CountedArena("plans of " + mainGraph);
        try {
            Plan plan = lowering.compile(key.sizes(), lifetime, compiled, key.threads());
            planArenas.add(compiled);
            return plan;
        } catch (RuntimeException | Error e) {
            compiled.close();
            throw e;
        }
    }

    /** Compiles plans before the first request needs them. */
    public void warmUp(String graph, int threads, Sizes... sizes) {
        for (Sizes each : sizes) {
            plan(graph, each, threads);
        }
    }

    private Lowering lowering(String graph) {
        Lowering lowering = graphs.get(graph);
        if (lowering == null) {
            throw new IllegalArgumentException("no graph " + graph + ", only " + graphs.keySet());
        }
        return lowering;
    }

    /** The graph that was given first, which {@link Session#run} runs. */
    public String mainGraph() {
        return mainGraph;
    }

    /** Whether there is a graph of this name. */
    public boolean has(String graph) {
        return graphs.containsKey(graph);
    }

    /** A graph after the passes. Its weights' memory is gone. */
    public Graph graph(String name) {
        return lowering(name).graph();
    }

    /** What became of each linear layer of a graph; empty in F32. */
    public List<Narrowing> narrowings(String name) {
        return lowering(name).narrowings();
    }

    /** How many plans are compiled. */
    public int planCount() {
        return plans.size();
    }

    /** Bytes of native memory: packed weights and what plans hold. */
    public long nativeByteSize() {
        return arena.byteSize() + planArenas.stream().mapToLong(CountedArena::byteSize).sum();
    }

    Lifetime lifetime() {
        return lifetime;
    }

    /** Frees the weights and plans once no run is under way. Closing twice is harmless. */
    @Override
    public void close() {
        if (lifetime.close()) {
            plans.clear();
            planArenas.forEach(CountedArena::close);
            arena.close();
        }
    }
}
