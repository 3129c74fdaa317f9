package dev.gatun.tensor.kernel;

import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Rounding that oneDNN does not have: a gather over row-major data. */
record Nearest(int[] rows, int[] columns, long planes, long height, long width, TensorDesc dst) implements CompiledOp {

    static Nearest of(boolean exact, TensorDesc src, TensorDesc dst) {
        Shape s = src.shape();
        if (!src.isRowMajor()) {
            throw new ShapeException("Resample", "src " + src + " must be row-major for this factor", s);
        }
        long height = s.rank() == 3 ? 1 : s.dim(2);
        return new Nearest(indices(exact, height, s.rank() == 3 ? 1 : dst.shape().dim(2)),
                indices(exact, s.dim(-1), dst.shape().dim(-1)), s.dim(0) * s.dim(1), height, s.dim(-1), dst);
    }

    private static int[] indices(boolean exact, long input, long output) {
        int[] result = new int[(int) output];
        for (int i = 0; i < result.length; i++) {
            result[i] = (int) (exact ? (2L * i + 1) * input / (2 * output) : i * input / output);
        }
        return result;
    }

    @Override
    public String implementation() {
        return "java:plain";
    }

    @Override
    public Step bind(Binding binding) {
        MemorySegment src = binding.inputs().get(0).segment();
        MemorySegment out = binding.dst().segment();
        return () -> run(src, out);
    }

    private void run(MemorySegment src, MemorySegment out) {
        long index = 0;
        for (long plane = 0; plane < planes; plane++) {
            for (int row : rows) {
                long offset = (plane * height + row) * width;
                for (int column : columns) {
                    out.setAtIndex(ValueLayout.JAVA_FLOAT, index++, src.getAtIndex(ValueLayout.JAVA_FLOAT, offset + column));
                }
            }
        }
    }
}
