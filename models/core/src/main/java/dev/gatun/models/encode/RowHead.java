package dev.gatun.models.encode;

import dev.gatun.models.runtime.Buckets;
import dev.gatun.models.runtime.Program;
import dev.gatun.models.runtime.Session;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Precision;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.graph.Target;
import dev.gatun.tensor.op.SoftmaxOp;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BiFunction;

/**
 * A head that is too wide to be computed for every token, as that of a masked language model over its vocabulary: it is given the rows of
 * the last layer that matter. Thread-safe. Owns its native memory until {@link #close}, which waits for calls under way.
 */
public final class RowHead implements AutoCloseable {
    private static final String ROWS = "rows";
    private static final String SCORES = "scores";
    /** Rows that are computed together at most. */
    private static final int MOST_ROWS = 32;

    private final Program program;
    private final int hiddenSize;
    private final int columns;
    private final ConcurrentLinkedQueue<Session> idle = new ConcurrentLinkedQueue<>();

    private RowHead(Program program, int hiddenSize, int columns) {
        this.program = program;
        this.hiddenSize = hiddenSize;
        this.columns = columns;
    }

    /** Packs the weights; the checkpoint is not needed afterwards. Scores are probabilities: a softmax follows the layers. */
    public static RowHead load(HeadLayers layers, int hiddenSize, Precision precision) {
        return load(layers::add, hiddenSize, layers.columns(), precision);
    }

    /** The same of any layers over rows. */
    public static RowHead load(BiFunction<GraphBuilder, Port, Port> layers, int hiddenSize, int columns, Precision precision) {
        GraphBuilder graph = new GraphBuilder("row head");
        graph.output(SCORES, graph.add("softmax", new SoftmaxOp(-1, false),
                layers.apply(graph, graph.input(ROWS, Spec.of(DataType.F32, "n", hiddenSize)))));
        return new RowHead(Program.load(new Program.Part(graph.build(), Target.ofRows(MOST_ROWS).withPrecision(precision))), hiddenSize,
                columns);
    }

    /**
     * Computes some rows on the calling thread.
     *
     * @param hidden F32 [any, hiddenSize], off-heap
     * @param rows   numbers of the rows
     * @param dst    F32 [rows.length, columns], off-heap; overwritten
     * @throws IllegalStateException if this is closed
     */
    public void forward(MemorySegment hidden, long[] rows, MemorySegment dst) {
        Session idleSession = idle.poll();
        Session session = idleSession == null ? program.newSession(1) : idleSession;
        try {
            for (int from = 0; from < rows.length; from += MOST_ROWS) {
                forward(session, hidden, rows, from, Math.min(MOST_ROWS, rows.length - from), dst);
            }
        } finally {
            idle.add(session);
        }
    }

    private void forward(Session session, MemorySegment hidden, long[] rows, int from, int count, MemorySegment dst) {
        long rowBytes = (long) hiddenSize * Float.BYTES;
        try (Arena arena = Arena.ofConfined()) {
            Tensor picked = Tensor.allocate(arena, TensorDesc.of(DataType.F32, Buckets.rows(count), hiddenSize));
            for (int i = 0; i < count; i++) {
                MemorySegment.copy(hidden, rows[from + i] * rowBytes, picked.segment(), i * rowBytes, rowBytes);
            }
            long columnBytes = (long) columns * Float.BYTES;
            MemorySegment.copy(session.run(Map.of(ROWS, picked)).get(SCORES).segment(), 0, dst, from * columnBytes, count * columnBytes);
        }
    }

    /** Columns of the result. */
    public int columns() {
        return columns;
    }

    /** Bytes of native memory, that of sessions left out. */
    public long nativeByteSize() {
        return program.nativeByteSize();
    }

    @Override
    public void close() {
        program.close();
        idle.forEach(Session::close);
    }
}
