package dev.gatun.tensor.op;

import dev.gatun.tensor.TensorDesc;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * An operation: its parameters and weights, not yet bound to the shapes of its operands. Immutable; weights belong to the program. How it
 * is computed is the kernels' affair.
 */
public sealed interface Op permits AdaptivePoolOp, AttentionOp, BatchNormOp, BinaryOp, ByteConvOp, ByteMapOp, ByteMeanOp, BytePairOp,
        ByteProductOp, ByteScaleOp, ConcatOp, ConvOp, ConvPoolOp, ConvTransposeOp, EltwiseOp, EmbeddingOp, FlattenOp, FunctionOp, GatedOp,
        Int8ConvOp, Int8LinearOp, KvStoreOp, LayerNormOp,
        LinearOp, LrnOp, MatMulOp, NormalizeOp, PagedAttentionOp, PatchTokensOp, PoolOp, RecurrentOp, ReorderOp, ResampleOp, ReshapeOp,
        RotaryOp, ScaledReorderOp, SequencePoolOp, SoftmaxOp, StridedOp {

    /**
     * Types and shapes of the results for such operands; their layouts are chosen when the operation is compiled.
     *
     * @throws dev.gatun.tensor.ShapeException if the operands do not fit
     * @throws IllegalArgumentException        if there are too few or too many
     */
    List<TensorDesc> results(List<TensorDesc> operands);

    /** Owners of the weights that it reads, which must be alive whenever a plan runs it; empty of an operation without weights. */
    default List<MemorySegment.Scope> owners() {
        return List.of();
    }

    /** The operand that holds addresses, which a kernel follows, and so must be a state that nothing computes; -1 if none does. */
    default int addresses() {
        return -1;
    }

    /** Whether it computes little for each byte, so that few bytes are not worth more than one thread. */
    default boolean movesData() {
        return false;
    }
}
