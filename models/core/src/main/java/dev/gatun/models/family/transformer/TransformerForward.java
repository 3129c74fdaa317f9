package dev.gatun.models.family.transformer;

import dev.gatun.models.family.transformer.TransformerLayers.Masks;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.BoundPlan;
import dev.gatun.tensor.exec.ExecutionContext;
import dev.gatun.tensor.exec.PlanBuilder;
import dev.gatun.tensor.exec.Value;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.AttentionOp.MaskKind;
import dev.gatun.tensor.op.LinearOp;
import dev.gatun.tensor.op.LinearWeights;
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
    private static final String OUT = "out";
    private static final String SRC_SEQUENCES = "src_sequences";
    private static final String TGT_SEQUENCES = "tgt_sequences";

    private final TextbookTransformer model;
    private final TransformerConfig config;
    private final ForwardShape shape;
    private final Arena arena = Arena.ofShared();
    private final ExecutionContext context = new ExecutionContext();
    private final Map<String, Kind> kinds = new HashMap<>();
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
     * @param threads    OpenMP threads of each kernel
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

    TransformerForward(TextbookTransformer model, ForwardShape shape) {
        this.model = model;
        this.config = model.config();
        this.shape = shape;
        try {
            PlanBuilder builder = new PlanBuilder("transformer" + shape, model.lifetime(), arena, shape.threads());
            build(builder);
            plan = context.bind(builder.build());
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
        Set<String> unknown = new TreeSet<>(shape.masks());
        unknown.removeAll(kinds.keySet());
        if (!unknown.isEmpty()) {
            close();
            throw new IllegalArgumentException("this model has no inputs " + unknown + ", only " + new TreeSet<>(kinds.keySet()));
        }
        fillConstants();
    }

    private void build(PlanBuilder builder) {
        TextbookTransformer.Parts parts = model.parts();
        TransformerLayers layers = new TransformerLayers(builder, config);
        Value srcSequences = shape.srcLen() == 0 ? null
                : builder.input(SRC_SEQUENCES, TensorDesc.of(DataType.S32, shape.batch() + 2));
        Value memory;
        if (parts.encoder() == null) {
            memory = sequences(builder, "memory", shape.srcLen(), config.dModel());
        } else {
            Value src = embedded(builder, "src", parts.srcEmbedding(), shape.srcLen());
            boolean alone = parts.decoder() == null;
            Masks masks = masks(builder, alone ? "mask" : "src_mask", "src_key_padding_mask", shape.srcLen(), shape.srcLen());
            memory = layers.encoder(parts.encoder(), src, layers.attendSelf(srcSequences, masks));
        }
        Value out = parts.decoder() == null ? memory : decode(builder, layers, memory, srcSequences);
        builder.output(OUT, parts.output() == null ? out : layers.linear(parts.output(), out));
    }

    private Value decode(PlanBuilder builder, TransformerLayers layers, Value memory, Value srcSequences) {
        TextbookTransformer.Parts parts = model.parts();
        Value sequences = builder.input(TGT_SEQUENCES, TensorDesc.of(DataType.S32, shape.batch() + 2));
        Value tgt = embedded(builder, "tgt", parts.tgtEmbedding(), shape.tgtLen());
        Masks self = masks(builder, "tgt_mask", "tgt_key_padding_mask", shape.tgtLen(), shape.tgtLen());
        Masks cross = masks(builder, "memory_mask", "memory_key_padding_mask", shape.tgtLen(), shape.srcLen());
        return layers.decoder(parts.decoder(), tgt, i -> layers.attendSelf(sequences, self), i -> layers.attendMemory(
                layers.linear(parts.decoder().layers().get(i).cross().keyValue(), memory), sequences, srcSequences, cross));
    }

    private Value sequences(PlanBuilder builder, String name, int length, long width) {
        if (length == 0) {
            throw new IllegalArgumentException("this model needs " + name + ": its length must not be 0");
        }
        kinds.put(name, Kind.SEQUENCES);
        return builder.input(name, TensorDesc.of(DataType.F32, (long) shape.batch() * length, width));
    }

    /** sqrt(dModel) * (x W + b) + positions, one product; the input itself where the model has no embedding. */
    private Value embedded(PlanBuilder builder, String name, LinearWeights embedding, int length) {
        if (embedding == null) {
            return sequences(builder, name, length, config.dModel());
        }
        Value x = sequences(builder, name, length, embedding.inFeatures());
        Value positions = builder.input(name + "_positions",
                TensorDesc.of(DataType.F32, (long) shape.batch() * length, config.dModel()));
        return builder.add(new LinearOp(embedding, Activation.NONE, (float) Math.sqrt(config.dModel()), true), x, positions);
    }

    private Masks masks(PlanBuilder builder, String mask, String padding, int queries, int keys) {
        Value additive = null;
        Value hidden = null;
        if (shape.masks().contains(mask)) {
            kinds.put(mask, Kind.MASK);
            additive = builder.input(mask, TensorDesc.of(DataType.F32, queries, keys));
        }
        if (shape.masks().contains(padding)) {
            kinds.put(padding, Kind.PADDING);
            hidden = builder.input(padding, TensorDesc.of(DataType.U8, (long) shape.batch() * keys));
        }
        return new Masks(false, additive, additive == null ? MaskKind.NONE : MaskKind.QUERY_KEY, hidden);
    }

    private void fillConstants() {
        fillSequences(SRC_SEQUENCES, shape.srcLen(), shape.srcLen() > 0);
        fillSequences(TGT_SEQUENCES, shape.tgtLen(), model.parts().decoder() != null);
        if (model.parts().srcEmbedding() != null) {
            fillPositions("src_positions", shape.srcLen());
            fillPositions("tgt_positions", shape.tgtLen());
        }
    }

    private void fillSequences(String name, int length, boolean exists) {
        if (exists) {
            Tensor sequences = plan.input(name);
            sequences.setInt(0, shape.batch());
            for (int i = 0; i <= shape.batch(); i++) {
                sequences.setInt(i + 1L, i * length);
            }
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
        copyRows(dst, plan.output(OUT), "result", false);
    }

    /** Between the caller's order of dimensions and rows [batch * len, width]. */
    private void copyRows(Tensor outside, Tensor rows, String name, boolean in) {
        long length = rows.shape().dim(0) / shape.batch();
        long width = rows.shape().dim(1);
        require(name, outside, DataType.F32, shape.batchFirst() ? shape.batch() : length, shape.batchFirst() ? length : shape.batch(), width);
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
        return context.nativeByteSize();
    }

    /** Frees the activations and what was compiled. Closing twice is harmless. */
    @Override
    public void close() {
        context.close();
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }
}
