package dev.gatun.models.family.transformer;

import dev.gatun.models.runtime.PackedSequences;
import dev.gatun.models.runtime.Program;
import dev.gatun.models.runtime.Session;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.exec.BoundPlan;
import dev.gatun.tensor.graph.Dim;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Sizes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * A forward pass of a {@link TextbookTransformer}, compiled for one shape. {@link #set} each input, {@link #execute}, read the
 * {@link #result}. Owns its activations; one thread at a time. Inputs and masks keep their values between executions.
 */
public final class TransformerForward implements AutoCloseable {
    private final TransformerConfig config;
    private final ForwardShape shape;
    private final Session session;
    private final Map<String, Kind> kinds = new HashMap<>();
    private final Set<String> inputs;
    private final BoundPlan plan;

    private enum Kind { SEQUENCES, MASK, PADDING }

    /**
     * A shape.
     *
     * @param batch      sequences
     * @param srcLen     positions of src, or of memory; 0 where there is neither
     * @param tgtLen     positions of tgt; 0 where there is none
     * @param batchFirst tensors are [batch, len, width] instead of [len, batch, width]
     * @param masks      those that will be set, by PyTorch's names: {@code mask} or {@code src_mask}, {@code tgt_mask},
     *                   {@code memory_mask}, {@code src_key_padding_mask}, {@code tgt_key_padding_mask}, {@code memory_key_padding_mask}
     * @param threads    threads of each kernel
     */
    public record ForwardShape(int batch, int srcLen, int tgtLen, boolean batchFirst, Set<String> masks, int threads) {
        /** Checks the numbers. */
        public ForwardShape {
            if (batch < 1 || srcLen < 0 || tgtLen < 0 || threads < 1) {
                throw new IllegalArgumentException("batch " + batch + ", srcLen " + srcLen + ", tgtLen " + tgtLen + ", threads "
                        + threads + ": out of range");
            }
            masks = Set.copyOf(masks);
        }
    }

    TransformerForward(Program program, String graph, TransformerConfig config, ForwardShape shape) {
        this.config = config;
        this.shape = shape;
        Map<String, Long> sizes = new HashMap<>();
        for (Graph.Source source : program.graph(graph).inputs().values()) {
            source.spec().dims().stream().filter(Dim::isFree).forEach(dim -> sizes.put(dim.name(), size(dim.name())));
        }
        this.inputs = Set.copyOf(program.graph(graph).inputs().keySet());
        inputs.forEach(this::classify);
        this.session = program.newSession(shape.threads());
        session.enter();
        try {
            this.plan = session.bind(program.plan(graph, new Sizes(sizes), shape.threads()));
        } catch (RuntimeException | Error e) {
            session.exit();
            session.close();
            throw e;
        }
        session.exit();
        fillConstants();
    }

    private long size(String dim) {
        return switch (dim) {
            case TextbookGraph.SEQUENCES -> shape.batch() + 2L;
            case TextbookGraph.SRC_LEN -> needed("src or memory", shape.srcLen());
            case TextbookGraph.TGT_LEN -> needed("tgt", shape.tgtLen());
            case TextbookGraph.SRC_ROWS -> shape.batch() * needed("src or memory", shape.srcLen());
            case TextbookGraph.TGT_ROWS -> shape.batch() * needed("tgt", shape.tgtLen());
            default -> throw new IllegalStateException("no size " + dim);
        };
    }

    private static long needed(String name, int length) {
        if (length == 0) {
            throw new IllegalArgumentException("this model needs " + name + ": its length must not be 0");
        }
        return length;
    }

    private void classify(String input) {
        if (input.equals("src") || input.equals("tgt") || input.equals("memory")) {
            kinds.put(input, Kind.SEQUENCES);
        } else if (input.endsWith("padding_mask")) {
            kinds.put(input, Kind.PADDING);
        } else if (input.endsWith("mask")) {
            kinds.put(input, Kind.MASK);
        }
    }

    private void fillConstants() {
        for (String input : inputs) {
            int length = input.startsWith("src") ? shape.srcLen() : shape.tgtLen();
            if (input.endsWith("_sequences")) {
                fillSequences(input, length);
            } else if (input.endsWith("_positions")) {
                fillPositions(input, length);
            }
        }
    }

    private void fillSequences(String name, int length) {
        MemorySegment sequences = plan.input(name).segment();
        PackedSequences.begin(sequences);
        for (int i = 0; i < shape.batch(); i++) {
            PackedSequences.add(sequences, length);
        }
    }

    private void fillPositions(String name, int length) {
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment table = SinusoidalPositions.table(temporary, length, config.dModel()).segment();
            for (int i = 0; i < shape.batch(); i++) {
                MemorySegment.copy(table, 0, plan.input(name).segment(), i * table.byteSize(), table.byteSize());
            }
        }
    }

    /**
     * Copies an input in: {@code src}, {@code tgt} or {@code memory} F32 [len, batch, width] or [batch, len, width]; an attention
     * mask [queries, keys], F32 and added to the scores, or U8 and not 0 where a key is hidden; a padding mask U8 [batch, keys].
     *
     * @throws ShapeException if it has another shape or type
     * @throws IllegalArgumentException if this forward has no such input
     */
    public void set(String name, Tensor value) {
        Kind kind = kinds.get(name);
        if (kind == null) {
            throw new IllegalArgumentException("no input " + name + ", only " + new TreeSet<>(kinds.keySet()));
        }
        Tensor input = plan.input(name);
        switch (kind) {
            case SEQUENCES -> copyRows(value, input, name, true);
            case PADDING -> {
                require(name, value, DataType.U8, shape.batch(), input.shape().elementCount() / shape.batch());
                input.segment().copyFrom(value.segment());
            }
            case MASK -> {
                boolean bool = value.type() == DataType.U8;
                require(name, value, bool ? DataType.U8 : DataType.F32, input.shape().dims());
                for (long i = 0; bool && i < value.segment().byteSize(); i++) {
                    boolean hidden = value.segment().get(ValueLayout.JAVA_BYTE, i) != 0;
                    input.setFloat(i, hidden ? Float.NEGATIVE_INFINITY : 0f);
                }
                if (!bool) {
                    input.segment().copyFrom(value.segment());
                }
            }
        }
    }

    /** Computes. Allocates nothing. */
    public void execute() {
        plan.execute();
    }

    /** Copies the result to a tensor F32 [len, batch, width], or [batch, len, width]. */
    public void result(Tensor dst) {
        copyRows(dst, plan.output(TextbookGraph.OUT), "result", false);
    }

    /** Between the caller's order of dimensions and rows [batch * len, width]. */
    private void copyRows(Tensor outside, Tensor rows, String name, boolean in) {
        long length = rows.shape().dim(0) / shape.batch();
        long width = rows.shape().dim(1);
        require(name, outside, DataType.F32, shape.batchFirst() ? shape.batch() : length, shape.batchFirst() ? length : shape.batch(),
                width);
        long bytes = width * Float.BYTES;
        for (long b = 0; b < shape.batch(); b++) {
            for (long t = 0; t < length; t++) {
                long row = (b * length + t) * bytes;
                long other = shape.batchFirst() ? row : (t * shape.batch() + b) * bytes;
                MemorySegment from = in ? outside.segment() : rows.segment();
                MemorySegment to = in ? rows.segment() : outside.segment();
                MemorySegment.copy(from, in ? other : row, to, in ? row : other, bytes);
            }
        }
    }

    private static void require(String name, Tensor value, DataType type, long... dims) {
        if (value.type() != type || !value.shape().equals(Shape.of(dims)) || !value.desc().isRowMajor()) {
            throw new ShapeException("Transformer", name + " " + value.desc() + ", expected " + type + " " + Shape.of(dims),
                    value.shape(), Shape.of(dims));
        }
    }

    /** The inputs to be set. */
    public List<String> inputs() {
        return new ArrayList<>(new TreeSet<>(kinds.keySet()));
    }

    /** Bytes of native memory that this forward holds, besides the model's. */
    public long nativeByteSize() {
        return session.nativeByteSize();
    }

    /** Frees the activations and what was compiled. Closing twice is harmless. */
    @Override
    public void close() {
        session.close();
    }
}
