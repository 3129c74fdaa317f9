package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.util.List;

/**
 * dst = rows with the patches of pictures added, over whose memory it is written: the patch at [n, :, h, w] to row
 * {@code n * (H * W + rest) + h * W + w} (Dosovitskiy et al. 2021). Operands: rows F32 [N * (H * W + rest), C], patches F32 [N, C, H, W] in
 * any layout.
 *
 * @param rest rows of each picture after those of its patches, which stay as they are
 */
public record PatchTokensOp(int rest) implements Op {

    /** Checks the number. */
    public PatchTokensOp {
        if (rest < 0) {
            throw new IllegalArgumentException("PatchTokens: rest " + rest + " must be 0 or more");
        }
    }

    @Override
    public boolean movesData() {
        return true;
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        Operands.count("PatchTokens", operands, 2);
        Shape rows = operands.get(0).shape();
        Shape patches = operands.get(1).shape();
        boolean fits = operands.stream().allMatch(operand -> operand.type() == DataType.F32) && operands.get(0).isRowMajor()
                && rows.rank() == 2 && patches.rank() == 4 && patches.elementCount() > 0 && rows.dim(1) == patches.dim(1)
                && rows.dim(0) == patches.dim(0) * (patches.dim(2) * patches.dim(3) + rest);
        if (!fits) {
            throw new ShapeException("PatchTokens", "rows " + operands.get(0) + ", patches " + operands.get(1)
                    + ": must be row-major F32 [N * (H * W + " + rest + "), C] and F32 [N, C, H, W], none empty", rows, patches);
        }
        return List.of(TensorDesc.of(DataType.F32, rows.dims()));
    }
}
