package dev.gatun.models.family.recurrent;

import dev.gatun.models.runtime.Program;
import dev.gatun.models.runtime.Session;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.exec.BoundPlan;
import dev.gatun.tensor.exec.Plan;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Sizes;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Streams through a network whose layers keep their states: what a step or a chunk leaves, the next continues from, as if all had come at
 * once. Several streams side by side take chunks of lengths of their own, also none. One thread at a time; in steady state nothing is
 * allocated. The graph has an input {@link #SEQUENCES} of {@link #SEQUENCE_DIM} elements, rows of {@link #ROWS} and states over {@link
 * #STREAMS}.
 */
public final class RecurrentSession implements AutoCloseable {
    /** Input: S32 [2 + streams], how many streams, then the offsets of their rows. */
    public static final String SEQUENCES = "sequences";
    /** Free dimensions: rows of all streams; 2 + streams; streams. */
    public static final String ROWS = "rows";
    public static final String SEQUENCE_DIM = "sequences";
    public static final String STREAMS = "streams";

    private final Program program;
    private final String graph;
    private final int streams;
    private final Session session;
    private final Map<Integer, Plan> plans = new HashMap<>();
    private final List<String> states;
    private BoundPlan bound;

    /**
     * A session; every stream begins with zeros.
     *
     * @param graph   of the program
     * @param streams side by side
     * @param threads of each kernel
     */
    public RecurrentSession(Program program, String graph, int streams, int threads) {
        if (streams < 1) {
            throw new IllegalArgumentException("streams must be 1 or more, not " + streams);
        }
        this.program = program;
        this.graph = graph;
        this.streams = streams;
        Graph described = program.graph(graph);
        this.states = List.copyOf(described.states().keySet());
        this.session = program.newSession(threads);
    }

    /**
     * Begins a chunk: the network for so many rows, whose inputs the caller fills before {@link #execute}. Valid until the next chunk of
     * another size.
     *
     * @param lengths rows of each stream, which lie end to end
     */
    public BoundPlan chunk(int... lengths) {
        if (lengths.length != streams) {
            throw new IllegalArgumentException(lengths.length + " lengths, expected one for each of " + streams + " streams");
        }
        long rows = 0;
        for (int length : lengths) {
            if (length < 0) {
                throw new IllegalArgumentException("a length is " + length + ", expected 0 or more");
            }
            rows += length;
        }
        bind((int) Math.max(1, Math.min(rows, Integer.MAX_VALUE)));
        MemorySegment sequences = bound.input(SEQUENCES).segment();
        sequences.setAtIndex(ValueLayout.JAVA_INT, 0, streams);
        int end = 0;
        for (int i = 0; i < streams; i++) {
            sequences.setAtIndex(ValueLayout.JAVA_INT, i + 1L, end);
            end += lengths[i];
        }
        sequences.setAtIndex(ValueLayout.JAVA_INT, streams + 1L, end);
        return bound;
    }

    private void bind(Integer rows) {
        session.enter();
        try {
            Plan plan = plans.get(rows);
            if (plan == null) {
                plan = program.plan(graph, new Sizes(Map.of(ROWS, (long) rows, SEQUENCE_DIM, streams + 2L, STREAMS, (long) streams)),
                        session.threads());
                plans.put(rows, plan);
            }
            bound = session.bind(plan);
        } finally {
            session.exit();
        }
    }

    /** Computes the chunk: outputs and states are what it leaves. */
    public void execute() {
        BoundPlan plan = bound();
        session.enter();
        try {
            plan.execute();
        } finally {
            session.exit();
        }
    }

    private BoundPlan bound() {
        if (bound == null) {
            bind(1);
        }
        return bound;
    }

    /** Bytes of all streams' states. */
    public long stateByteSize() {
        return states.stream().mapToLong(name -> bound().state(name).segment().byteSize()).sum();
    }

    /** Copies all states, as {@link #restore} takes them; {@link #stateByteSize} bytes off-heap. */
    public void save(MemorySegment to) {
        copyStates(to, true);
    }

    /** Continues from states that were saved, by this or another session of as many streams. */
    public void restore(MemorySegment from) {
        copyStates(from, false);
    }

    private void copyStates(MemorySegment other, boolean save) {
        if (!other.isNative() || other.byteSize() != stateByteSize()) {
            throw new IllegalArgumentException("states of " + other.byteSize() + " bytes, expected " + stateByteSize() + " off-heap");
        }
        session.enter();
        try {
            long at = 0;
            for (int i = 0; i < states.size(); i++) {
                MemorySegment state = bound().state(states.get(i)).segment();
                MemorySegment.copy(save ? state : other, save ? 0 : at, save ? other : state, save ? at : 0, state.byteSize());
                at += state.byteSize();
            }
        } finally {
            session.exit();
        }
    }

    /** Makes a stream continue as another does, for beams. */
    public void copy(int from, int to) {
        each(from, to);
    }

    /** Makes a stream begin again with zeros. */
    public void reset(int stream) {
        each(-1, stream);
    }

    private void each(int from, int to) {
        if (from < -1 || from >= streams || to < 0 || to >= streams) {
            throw new IllegalArgumentException("streams " + from + " and " + to + ", expected 0 to " + (streams - 1));
        }
        BoundPlan plan = bound();
        session.enter();
        try {
            for (int i = 0; i < states.size(); i++) {
                Tensor state = plan.state(states.get(i));
                long width = state.shape().dim(2);
                for (long d = 0; d < state.shape().dim(0); d++) {
                    for (long j = 0; j < width; j++) {
                        state.setFloat((d * streams + to) * width + j, from < 0 ? 0 : state.getFloat((d * streams + from) * width + j));
                    }
                }
            }
        } finally {
            session.exit();
        }
    }

    /** Bytes of native memory. */
    public long nativeByteSize() {
        return session.nativeByteSize();
    }

    /** Frees the memory once no chunk is under way. Closing twice is harmless. */
    @Override
    public void close() {
        session.close();
    }
}
