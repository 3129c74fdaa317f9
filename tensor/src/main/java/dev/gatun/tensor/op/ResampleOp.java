package dev.gatun.tensor.op;

import dev.gatun.bindings.onednn.Algorithms;
import dev.gatun.bindings.onednn.Args;
import dev.gatun.bindings.onednn.Attributes;
import dev.gatun.bindings.onednn.MemoryDesc;
import dev.gatun.bindings.onednn.PrimitiveDesc;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.Binding;
import dev.gatun.tensor.exec.CompileContext;
import dev.gatun.tensor.exec.CompiledOp;
import dev.gatun.tensor.exec.Op;
import dev.gatun.tensor.exec.Step;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;

/**
 * dst = src at another size, as PyTorch's {@code interpolate} without corner alignment and antialiasing. src F32 [N, C, H, W] or
 * [N, C, W] in any layout, row-major for NEAREST by factors that are not whole; dst likewise.
 *
 * @param mode       how values between pixels come about
 * @param outputSize one number for each spatial dimension
 */
public record ResampleOp(Mode mode, long[] outputSize) implements Op {

    /**
     * NEAREST reads floor(o * I / O), NEAREST_EXACT floor((o + 0.5) * I / O); LINEAR weighs the neighbours, pixel centres at
     * half-integers.
     */
    public enum Mode { NEAREST, NEAREST_EXACT, LINEAR }

    /** Checks and copies. */
    public ResampleOp {
        if (outputSize.length < 1 || outputSize.length > 2 || Arrays.stream(outputSize).anyMatch(o -> o < 1)) {
            throw new IllegalArgumentException("Resample: output size " + Arrays.toString(outputSize)
                    + " must have one or two sizes of 1 or more");
        }
        outputSize = outputSize.clone();
    }

    @Override
    public CompiledOp compile(CompileContext context, List<TensorDesc> inputs) {
        TensorDesc src = inputs.get(0);
        Shape s = src.shape();
        if (src.type() != DataType.F32 || s.rank() != outputSize.length + 2 || s.elementCount() == 0) {
            throw new ShapeException("Resample", "src " + src + " must be F32 of " + (outputSize.length + 2)
                    + " dimensions, none empty", s);
        }
        long[] dims = s.dims();
        boolean whole = true;
        for (int i = 0; i < outputSize.length; i++) {
            whole &= outputSize[i] % dims[2 + i] == 0;
            dims[2 + i] = outputSize[i];
        }
        if (mode != Mode.LINEAR && !whole) {
            return Nearest.of(mode == Mode.NEAREST_EXACT, src, TensorDesc.of(DataType.F32, dims));
        }
        Shape dst = Shape.of(dims);
        MemoryDesc wanted = OneDnnOp.wanted(context, dst, src.type(), src.isRowMajor() ? MemoryFormat.ROW_MAJOR : MemoryFormat.ANY);
        PrimitiveDesc desc = PrimitiveDesc.resampling(context.arena(),
                mode == Mode.LINEAR ? Algorithms.RESAMPLING_LINEAR : Algorithms.RESAMPLING_NEAREST,
                src.memoryDesc(context.arena()), wanted, Attributes.create(context.arena()));
        return OneDnnOp.of(context, desc).input(0, Args.SRC, src)
                .build(TensorDesc.chosen(DataType.F32, dst, desc.dst(context.arena(), dst.dims())));
    }

    /** Rounding that oneDNN does not have: a gather over row-major data. */
    private record Nearest(int[] rows, int[] columns, long planes, long height, long width, TensorDesc dst) implements CompiledOp {

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
}
