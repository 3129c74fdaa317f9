package dev.gatun.models.family.transformer;

import dev.gatun.bindings.kernels.NativeBuffer;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import java.lang.foreign.Arena;

/**
 * pos[p][2i] = sin(p / 10000^(2i / dModel)), pos[p][2i + 1] = cos(p / 10000^(2i / dModel)), p from 0 (Vaswani et al. 2017,
 * section 3.5). It takes positions, nothing else: a widely copied listing passes its positional encoding a mask, which has
 * no meaning there.
 */
public final class SinusoidalPositions {
    private static final long MOST = 1L << 28;

    private SinusoidalPositions() {
    }

    /**
     * A table F32 [count, dModel] of the arena.
     *
     * @throws IllegalArgumentException if it has more than 2^28 numbers
     */
    public static Tensor table(Arena arena, int count, int dModel) {
        if ((long) count * dModel > MOST) {
            throw new IllegalArgumentException(count + " positions of " + dModel + " numbers, expected at most " + MOST + " together");
        }
        TensorDesc desc = TensorDesc.of(DataType.F32, count, dModel);
        Tensor table = Tensor.of(desc, NativeBuffer.allocate(arena, desc.byteSize()).segment());
        for (int p = 0; p < count; p++) {
            for (int j = 0; j < dModel; j++) {
                // PyTorch's listings compute the frequency in F32 from the even index; at these sizes both agree to an ulp.
                double angle = p * Math.exp((j - j % 2) * (-Math.log(10000.0) / dModel));
                table.setFloat((long) p * dModel + j, (float) (j % 2 == 0 ? Math.sin(angle) : Math.cos(angle)));
            }
        }
        return table;
    }
}
