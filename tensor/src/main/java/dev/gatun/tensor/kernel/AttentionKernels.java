package dev.gatun.tensor.kernel;

import dev.gatun.bindings.kernels.Attention;
import dev.gatun.bindings.kernels.PagedAttention;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.AttentionOp;
import dev.gatun.tensor.op.KvStoreOp;
import dev.gatun.tensor.op.PagedAttentionOp;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** Attention, by our own kernels. */
final class AttentionKernels {
    private AttentionKernels() {
    }

    static CompiledOp attention(AttentionOp op, CompileContext context, List<TensorDesc> inputs, TensorDesc dst) {
        AttentionOp.At at = AttentionOp.At.of(op, inputs);
        long keyRows = inputs.get(at.key()).shape().dim(0);
        return new KernelOp("attention", dst, Attention.scratchByteSize(keyRows, op.headDim(),
                op.positions() == null ? 0 : op.positions().count(), context.threads()), CompiledOp.Sharing.NONE,
                binding -> bind(op, at, inputs, binding));
    }

    private static Runnable bind(AttentionOp op, AttentionOp.At at, List<TensorDesc> inputs, Binding binding) {
        long dKv = (long) op.numKvHeads() * op.headDim();
        long dModel = (long) op.numHeads() * op.headDim();
        long kColumn = op.source() == AttentionOp.Source.PACKED ? dModel : 0;
        long vColumn = switch (op.source()) {
            case PACKED -> dModel + dKv;
            case KEY_VALUE -> dKv;
            case SEPARATE -> 0;
        };
        Indices querySequences = new Indices(binding, binding.inputs().get(at.querySequences()));
        Indices keySequences = at.keySequences() == at.querySequences() ? querySequences
                : new Indices(binding, binding.inputs().get(at.keySequences()));
        Attention kernel = new Attention(binding.arena(),
                new Attention.Heads(op.numHeads(), op.numKvHeads(), op.headDim()), scores(op), positions(op.positions()),
                new Attention.Operand(segment(binding, 0), inputs.get(0).shape().dim(1)),
                new Attention.Operand(column(segment(binding, at.key()), kColumn), inputs.get(at.key()).shape().dim(1)),
                new Attention.Operand(column(segment(binding, at.value()), vColumn), inputs.get(at.value()).shape().dim(1)),
                new Attention.Operand(binding.dst().segment(), dModel),
                querySequences.copy(), keySequences.copy(), mask(op, at, inputs, binding),
                at.padding() < 0 ? null : segment(binding, at.padding()), binding.scratchpad());
        long rows = inputs.get(0).shape().dim(0);
        long keyRows = inputs.get(at.key()).shape().dim(0);
        TensorDesc mask = at.mask() < 0 ? null : inputs.get(at.mask());
        return () -> {
            int count = querySequences.takeSequences(rows);
            if (keySequences != querySequences && keySequences.takeSequences(keyRows) != count) {
                throw new IllegalArgumentException("Attention: " + count + " sequences of queries, another number of sequences of keys");
            }
            if (mask != null) {
                requireMask(mask, count, querySequences.longest(count), keySequences.longest(count));
            }
            kernel.run();
        };
    }

    private static Attention.Scores scores(AttentionOp op) {
        AttentionOp.Scores scores = op.scores();
        long columns = op.distances() == null ? 1 : op.distances().shape().dim(1);
        boolean shared = op.distances() == null || op.distances().shape().dim(0) == 1;
        return new Attention.Scores(scores.scale(), scores.softcap(), op.causal(), scores.undefined().ordinal(), scores.window(),
                op.distances() == null ? null : op.distances().segment(), shared ? 0 : columns, columns / 2);
    }

    private static Attention.Positions positions(AttentionOp.Positions positions) {
        return positions == null ? Attention.Positions.NONE
                : new Attention.Positions(segment(positions.keys()), segment(positions.queries()),
                positions.rows().segment(), positions.count(), positions.rows().shape().dim(0) / 2);
    }

    private static MemorySegment segment(Tensor tensor) {
        return tensor == null ? null : tensor.segment();
    }

    private static void requireMask(TensorDesc mask, int sequences, int queries, int keys) {
        Shape shape = mask.shape();
        boolean fits = shape.dim(-2) >= queries && shape.dim(-1) >= keys
                && (shape.rank() == 2 || shape.dim(0) == 1 || shape.dim(0) >= sequences);
        if (!fits) {
            throw new ShapeException("Attention", "mask " + mask + " is too small for " + sequences + " sequences of up to " + queries
                    + " queries and " + keys + " keys", shape);
        }
    }

    private static MemorySegment column(MemorySegment rows, long column) {
        return rows.byteSize() == 0 ? rows : rows.asSlice(column * Float.BYTES);
    }

    private static Attention.Mask mask(AttentionOp op, AttentionOp.At at, List<TensorDesc> inputs, Binding binding) {
        return switch (op.mask()) {
            case NONE -> Attention.Mask.NONE;
            case QUERY_KEY -> new Attention.Mask(segment(binding, at.mask()), 0, 0, inputs.get(at.mask()).shape().dim(1));
            case SEQUENCE_HEAD_QUERY_KEY -> {
                TensorDesc desc = inputs.get(at.mask());
                long row = desc.shape().dim(3);
                long head = row * desc.shape().dim(2);
                yield new Attention.Mask(segment(binding, at.mask()),
                        desc.shape().dim(0) == 1 ? 0 : head * desc.shape().dim(1), desc.shape().dim(1) == 1 ? 0 : head, row);
            }
        };
    }

    /** The addresses are a state, which is zero until the owner of the cache fills it. */
    private static void requireTable(MemorySegment tables, long row, int tokens) {
        if (tokens > 0 && tables.getAtIndex(ValueLayout.JAVA_LONG_UNALIGNED, row) == 0) {
            throw new IllegalStateException("row " + row + " has " + tokens + " tokens and no table of a cache");
        }
    }

    private static MemorySegment segment(Binding binding, int operand) {
        return binding.inputs().get(operand).segment();
    }

    static CompiledOp paged(PagedAttentionOp op, CompileContext context, List<TensorDesc> inputs, TensorDesc dst) {
        long rows = dst.shape().dim(0);
        PagedAttention.Part part = op.layout().part(op.layer());
        PagedAttention.Scores scores = scores(op);
        long scratch = PagedAttention.scratchByteSize(op.maxKeys(), op.numHeads(), context.threads());
        return new KernelOp("paged_attention", dst, scratch, CompiledOp.Sharing.NONE, binding -> {
            boolean separate = op.append() == PagedAttentionOp.Append.SEPARATE;
            MemorySegment q = segment(binding, 0);
            Indices lengths = new Indices(binding, binding.inputs().get(separate ? 3 : 1));
            MemorySegment tables = segment(binding, op.addresses());
            MemorySegment k = switch (op.append()) {
                case NONE -> null;
                case SEPARATE -> segment(binding, 1);
                case JOINED -> column(q, op.queryColumns());
            };
            MemorySegment v = switch (op.append()) {
                case NONE -> null;
                case SEPARATE -> segment(binding, 2);
                case JOINED -> column(q, op.queryColumns() + op.keyColumns());
            };
            long columns = inputs.get(0).shape().dim(1);
            PagedAttention.Operands operands = new PagedAttention.Operands(q, columns, k, v, separate ? op.keyColumns() : columns,
                    binding.dst().segment(), lengths.copy(), tables);
            Runnable kernel = PagedAttention.attend(binding.arena(), part, op.numHeads(), scores, rows, op.maxKeys(), operands,
                    binding.scratchpad());
            return () -> {
                lengths.take("lengths", op.maxKeys() + 1L);
                for (long row = 0; row < rows; row++) {
                    requireTable(tables, row, lengths.copy().getAtIndex(ValueLayout.JAVA_INT, row));
                }
                kernel.run();
            };
        });
    }

    private static PagedAttention.Scores scores(PagedAttentionOp op) {
        if (op.distances() == null) {
            return new PagedAttention.Scores(op.scale(), null, 0, 0);
        }
        Shape shape = op.distances().shape();
        return new PagedAttention.Scores(op.scale(), op.distances().segment(), shape.dim(0) == 1 ? 0 : shape.dim(1), shape.dim(1) / 2);
    }

    static CompiledOp store(KvStoreOp op, List<TensorDesc> inputs, TensorDesc dst) {
        PagedAttention.Part part = op.layout().part(op.layer());
        long width = (long) op.layout().numKvHeads() * op.layout().headDim();
        int first = op.joined() ? 1 : 2;
        long rows = inputs.get(0).shape().dim(0);
        return new KernelOp("kv_store", dst, CompiledOp.Sharing.view(0), binding -> {
            MemorySegment k = segment(binding, 0);
            Indices sequences = new Indices(binding, binding.inputs().get(first));
            MemorySegment tables = segment(binding, op.addresses());
            Runnable kernel = PagedAttention.store(binding.arena(), part, k, op.joined() ? column(k, width) : segment(binding, 1),
                    op.joined() ? 2 * width : width, sequences.copy(), tables);
            return () -> {
                int count = sequences.takeSequences(rows);
                for (int i = 0; i < count; i++) {
                    requireTable(tables, i, sequences.length(i));
                }
                kernel.run();
            };
        });
    }
}
