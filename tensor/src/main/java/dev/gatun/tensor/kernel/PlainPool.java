package dev.gatun.tensor.kernel;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.PoolOp;
import dev.gatun.tensor.op.Window;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Pooling over windows of unequal size, which oneDNN does not have: rare, small, and therefore a plain loop over
 * row-major data. A one-dimensional input is a picture of height 1.
 *
 * @param maximum or the mean
 * @param rows    windows of the height
 * @param columns windows of the width
 * @param planes  N * C
 * @param height  of src
 * @param width   of src
 * @param dst     result
 */
record PlainPool(boolean maximum, Spans rows, Spans columns, long planes, long height, long width, TensorDesc dst)
        implements CompiledOp {

    /**
     * The windows of one dimension.
     *
     * @param begin first element inside the input
     * @param end   behind the last element inside the input
     * @param count elements that a mean divides by
     */
    record Spans(long[] begin, long[] end, long[] count) {

        /** Window i of O is floor(i * I / O) .. ceil((i + 1) * I / O). */
        static Spans adaptive(long input, long output) {
            Spans spans = new Spans(new long[(int) output], new long[(int) output], new long[(int) output]);
            for (int i = 0; i < output; i++) {
                spans.begin[i] = i * input / output;
                spans.end[i] = ((i + 1) * input + output - 1) / output;
                spans.count[i] = spans.end[i] - spans.begin[i];
            }
            return spans;
        }

        /** A mean's windows that count padding, but not what lies beyond it. */
        static Spans windows(PoolOp op, int axis, long input, long output) {
            Spans spans = new Spans(new long[(int) output], new long[(int) output], new long[(int) output]);
            Window window = op.window();
            long padded = input + window.paddingEnd()[axis];
            for (int i = 0; i < output; i++) {
                long begin = i * window.strides()[axis] - window.paddingBegin()[axis];
                long end = begin + op.kernel()[axis];
                spans.begin[i] = Math.max(0, begin);
                spans.end[i] = Math.min(end, input);
                spans.count[i] = Math.min(end, padded) - begin;
            }
            return spans;
        }
    }

    private static final Spans ONE = Spans.adaptive(1, 1);

    static PlainPool ofWindows(PoolOp op, TensorDesc src, Shape dst) {
        boolean flat = src.shape().rank() == 3;
        return of(false, flat ? ONE : Spans.windows(op, 0, src.shape().dim(2), dst.dim(2)),
                Spans.windows(op, flat ? 0 : 1, src.shape().dim(-1), dst.dim(-1)), src, dst);
    }

    static PlainPool ofAdaptive(boolean maximum, TensorDesc src, Shape dst) {
        return of(maximum, src.shape().rank() == 3 ? ONE : Spans.adaptive(src.shape().dim(2), dst.dim(2)),
                Spans.adaptive(src.shape().dim(-1), dst.dim(-1)), src, dst);
    }

    private static PlainPool of(boolean maximum, Spans rows, Spans columns, TensorDesc src, Shape dst) {
        Shape s = src.shape();
        if (!src.isRowMajor() || src.type() != DataType.F32) {
            throw new ShapeException("Pool", "src " + src + " must be row-major F32 for windows of unequal size", s);
        }
        return new PlainPool(maximum, rows, columns, s.dim(0) * s.dim(1), s.rank() == 3 ? 1 : s.dim(2), s.dim(-1),
                TensorDesc.of(DataType.F32, dst.dims()));
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
            for (int y = 0; y < rows.begin.length; y++) {
                for (int x = 0; x < columns.begin.length; x++) {
                    out.setAtIndex(ValueLayout.JAVA_FLOAT, index++, (float) window(src, plane * height * width, y, x));
                }
            }
        }
    }

    private double window(MemorySegment src, long offset, int y, int x) {
        double sum = 0;
        double max = Double.NEGATIVE_INFINITY;
        for (long i = rows.begin[y]; i < rows.end[y]; i++) {
            for (long j = columns.begin[x]; j < columns.end[x]; j++) {
                float value = src.getAtIndex(ValueLayout.JAVA_FLOAT, offset + i * width + j);
                sum += value;
                max = Math.max(max, value);
            }
        }
        return maximum ? max : sum / (rows.count[y] * columns.count[x]);
    }
}
