package dev.gatun.models.family.bart;

import dev.gatun.bindings.kernels.NativeBuffer;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.Weight;
import java.lang.foreign.Arena;
import java.util.function.DoubleBinaryOperator;

/** Tables of sinusoidal positions whose sines stand before their cosines. */
final class SinePositions {
    private SinePositions() {
    }

    /** Angles p / 10000^(2i / d): Marian's and Pegasus's; of an odd d the last sine has no cosine. */
    static Weight halves(Arena arena, int count, int d) {
        return table(arena, 0, count, d, (d + 1) / 2, (p, i) -> p / Math.pow(10000, 2 * i / d));
    }

    /**
     * Angles p * 10000^(-i / (d / 2 - 1)) in F32, as M2M100's: F32 [count, d]; of an odd d the last column is 0.
     *
     * @param first position of the first row, the padding's, which is zeros
     */
    static Weight floatHalves(Arena arena, int first, int count, int d) {
        double step = -(Math.log(10000) / (d / 2 - 1));
        Weight table = table(arena, first, count, d, d / 2, (p, i) -> (float) p * (float) Math.exp((float) i * (float) step));
        table.tensor().segment().asSlice(0, (long) d * Float.BYTES).fill((byte) 0);
        return table;
    }

    private static Weight table(Arena arena, int first, int count, int d, int sines, DoubleBinaryOperator angle) {
        TensorDesc desc = TensorDesc.of(DataType.F32, count, d);
        Tensor table = Tensor.of(desc, NativeBuffer.allocate(arena, desc.byteSize()).segment());
        for (int p = 0; p < count; p++) {
            for (int i = 0; i < sines; i++) {
                double a = angle.applyAsDouble(first + p, i);
                table.setFloat((long) p * d + i, (float) Math.sin(a));
                if (sines + i < d) {
                    table.setFloat((long) p * d + sines + i, (float) Math.cos(a));
                }
            }
        }
        return new Weight("sinusoidal positions", table);
    }
}
