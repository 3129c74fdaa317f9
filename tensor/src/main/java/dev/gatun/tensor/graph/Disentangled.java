package dev.gatun.tensor.graph;

import dev.gatun.bindings.kernels.MatrixKernels;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.AttentionOp;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * What disentangled attention multiplies queries and keys with (He et al. 2021): projected embeddings of relative positions.
 *
 * @param keys    [count, numHeads * headDim], by queries; or null
 * @param queries [count, numHeads * headDim], by keys; or null
 * @param rows    the row for the distance from query to key, from -reach to reach; see {@link #rows}
 */
public record Disentangled(Weight keys, Weight queries, List<Integer> rows) {

    /** Copies the list. */
    public Disentangled {
        rows = List.copyOf(rows);
        if (keys == null && queries == null) {
            throw new IllegalArgumentException("Disentangled: neither keys nor queries");
        }
    }

    Stream<Weight> tables() {
        return Stream.of(keys, queries).filter(Objects::nonNull);
    }

    AttentionOp.Positions pack(WeightPack pack) {
        return new AttentionOp.Positions(keys == null ? null : pack.table(keys), queries == null ? null : pack.table(queries),
                pack.ints(rows));
    }

    /**
     * Which row of 2 * span there is for each distance from query to key, -reach to reach: span + (query - key), or its bucket, within
     * bounds.
     *
     * @param span    buckets, or the largest relative position where there are none
     * @param buckets whether positions from span / 2 on share ever wider buckets
     * @param longest relative position at which the last bucket begins; unused without buckets
     * @param reach   the largest distance there is
     */
    public static List<Integer> rows(int span, boolean buckets, int longest, int reach) {
        if (span < 1 || span > Integer.MAX_VALUE / 2 || reach < 0 || reach > Integer.MAX_VALUE / 4) {
            throw new IllegalArgumentException("Disentangled: span " + span + ", reach " + reach + ": expected 1 or more, 0 or more");
        }
        Integer[] rows = new Integer[2 * reach + 1];
        for (int i = 0; i < rows.length; i++) {
            int relative = reach - i;
            rows[i] = Math.clamp(span + (buckets ? bucket(relative, span, longest) : relative), 0, 2 * span - 1);
        }
        return List.of(rows);
    }

    private static int bucket(int relative, int buckets, int longest) {
        int middle = buckets / 2;
        int far = Math.abs(relative);
        if (far <= middle) {
            return relative;
        }
        // In float, as checkpoints were trained: a boundary that is met exactly must not fall to the other side.
        float share = (float) Math.log((float) far / middle) / (float) Math.log((float) ((longest - 1.0) / middle));
        return Integer.signum(relative) * ((int) Math.ceil(share * (middle - 1)) + middle);
    }

    /**
     * embeddings W^T + bias: what a layer makes of the model's relative positions, once.
     *
     * @param arena      owns the result until the program is loaded
     * @param embeddings [count, in]
     * @param weight     [out, in]
     * @param bias       [out], or null
     */
    public static Weight project(Arena arena, Weight embeddings, Weight weight, Weight bias) {
        long count = embeddings.shape().dim(0);
        long in = embeddings.shape().dim(-1);
        long out = weight.shape().dim(0);
        if (embeddings.shape().rank() != 2 || weight.shape().rank() != 2 || weight.shape().dim(1) != in
                || bias != null && bias.shape().elementCount() != out) {
            throw new ShapeException("Disentangled", "embeddings " + embeddings + ", weight " + weight + ", bias " + bias
                    + ": expected [count, in], [out, in] and [out]", embeddings.shape(), weight.shape());
        }
        Tensor result = Tensor.allocate(arena, TensorDesc.of(DataType.F32, count, out));
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment packed = temporary.allocate(MatrixKernels.panelFloats(in, out) * Float.BYTES, Tensor.ALIGNMENT);
            MatrixKernels.gemm(temporary, embeddings.floats(temporary).segment(),
                    MatrixKernels.packPanels(weight.floats(temporary).segment(), in, out,
                    1, in, packed), bias == null ? null : bias.floats(temporary).segment(), null, result.segment(), count, out, in, 0)
                            .run();
        }
        return new Weight(weight.name() + " of relative positions", result);
    }
}
