package dev.gatun.models.onnx;

import java.lang.foreign.MemorySegment;
import java.util.function.DoubleBinaryOperator;
import java.util.function.LongBinaryOperator;

/** What follows indices. Each is checked before it is followed; negative ones count from the end. */
final class GatherOps {
    private GatherOps() {
    }

    /** The kernel of this family, or null. */
    static Kernel find(String op) {
        return switch (op) {
            case "Gather" -> Operators.one(GatherOps::gather);
            case "GatherElements" -> Operators.one(c -> elements(c, false));
            case "GatherND" -> Operators.one(GatherOps::gatherNd);
            case "ScatterElements" -> Operators.one(c -> elements(c, true));
            case "Scatter" -> Operators.one(c -> elements(c, true));
            case "ScatterND" -> Operators.one(GatherOps::scatterNd);
            case "TensorScatter" -> Operators.one(GatherOps::tensorScatter);
            case "ai.onnx.ml:ArrayFeatureExtractor" -> Operators.one(c -> {
                OnnxTensor x = c.in(0);
                long[] index = c.in(1).longs();
                OnnxTensor y = gather(c, x, x.rank() - 1, index, index.length);
                return x.rank() == 1 ? y.view(1, index.length) : y;
            });
            default -> null;
        };
    }

    static long index(long at, long size) {
        if (at < -size || at >= size) {
            throw new IllegalArgumentException("index " + at + " is out of range for " + size + " elements");
        }
        return at < 0 ? at + size : at;
    }

    private static OnnxTensor gather(Call c) {
        OnnxTensor x = c.in(0);
        OnnxTensor indices = c.in(1);
        int axis = c.axis("axis", 0, x.rank());
        return gather(c, x, axis, indices.longs(), indices.dims());
    }

    static OnnxTensor gather(Call c, OnnxTensor x, int axis, long[] indices, long... shape) {
        long[] dims = new long[x.rank() - 1 + shape.length];
        for (int i = 0; i < dims.length; i++) {
            dims[i] = i < axis ? x.dim(i) : i < axis + shape.length ? shape[i - axis] : x.dim(i - shape.length + 1);
        }
        long outer = Call.product(x.dims(), 0, axis);
        long inner = Call.product(x.dims(), axis + 1, x.rank()) * x.type().byteSize();
        OnnxTensor y = c.make(x.type(), dims).withStrings(x.strings());
        for (long o = 0; o < outer; o++) {
            for (int i = 0; i < indices.length; i++) {
                long from = index(indices[i], x.dim(axis));
                MemorySegment.copy(x.segment(), (o * x.dim(axis) + from) * inner, y.segment(), (o * indices.length + i) * inner, inner);
            }
        }
        return y;
    }

    private static void requireInside(Call c, OnnxTensor x, OnnxTensor indices, int axis) {
        c.require(indices.rank() == x.rank(), "indices must have as many dimensions as data");
        for (int i = 0; i < x.rank(); i++) {
            c.require(i == axis || indices.dim(i) <= x.dim(i), "indices are larger than data in dimension " + i);
        }
    }

    private static OnnxTensor elements(Call c, boolean scatter) {
        OnnxTensor x = c.in(0);
        OnnxTensor indices = c.in(1);
        int axis = c.axis("axis", 0, x.rank());
        requireInside(c, x, indices, axis);
        OnnxTensor updates = scatter ? c.in(2) : null;
        c.require(!scatter || updates.size() == indices.size() && updates.type() == x.type(), "updates must fit the indices");
        OnnxTensor y = c.make(x.type(), scatter ? x.dims() : indices.dims()).withStrings(x.strings());
        if (scatter) {
            y.segment().copyFrom(x.segment());
        }
        String reduction = c.s("reduction", "none");
        long[] strides = Walk.dense(x.dims());
        long[] dims = indices.dims();
        long[] at = new long[dims.length];
        int size = x.type().byteSize();
        for (long i = 0; i < indices.size(); i++) {
            Walk.unravel(i, dims, at);
            long place = index(indices.whole(i), x.dim(axis)) * strides[axis];
            for (int d = 0; d < dims.length; d++) {
                place += d == axis ? 0 : at[d] * strides[d];
            }
            if (scatter) {
                combine(y, place, updates, i, reduction);
            } else {
                MemorySegment.copy(x.segment(), place * size, y.segment(), i * size, size);
            }
        }
        return y;
    }

    private static void combine(OnnxTensor y, long at, OnnxTensor updates, long from, String reduction) {
        int size = y.type().byteSize();
        if (reduction.equals("none")) {
            MemorySegment.copy(updates.segment(), from * size, y.segment(), at * size, size);
            return;
        }
        DoubleBinaryOperator f = switch (reduction) {
            case "add" -> Double::sum;
            case "mul" -> (a, b) -> a * b;
            case "max" -> Math::max;
            case "min" -> Math::min;
            default -> throw new IllegalArgumentException("the reduction " + reduction + " is not known");
        };
        if (y.type().isReal()) {
            y.put(at, f.applyAsDouble(y.real(at), updates.real(from)));
            return;
        }
        LongBinaryOperator g = switch (reduction) {
            case "add" -> Long::sum;
            case "mul" -> (a, b) -> a * b;
            case "max" -> Math::max;
            default -> Math::min;
        };
        y.putWhole(at, g.applyAsLong(y.whole(at), updates.whole(from)));
    }

    /** Offset in x, in elements, of the tuple that begins at element i of the indices. */
    private static long tuple(OnnxTensor x, OnnxTensor indices, long i, long count, int firstDim, long[] strides) {
        long at = 0;
        for (int d = 0; d < count; d++) {
            at += index(indices.whole(i + d), x.dim(firstDim + d)) * strides[firstDim + d];
        }
        return at;
    }

    private static OnnxTensor gatherNd(Call c) {
        OnnxTensor x = c.in(0);
        OnnxTensor indices = c.in(1);
        int batch = (int) c.i("batch_dims", 0);
        long count = indices.dim(-1);
        c.require(batch >= 0 && batch < Math.min(x.rank(), indices.rank()) && count >= 1 && batch + count <= x.rank(),
                "indices are too long for data");
        int last = batch + (int) count;
        long[] dims = new long[indices.rank() - 1 + x.rank() - last];
        for (int i = 0; i < dims.length; i++) {
            dims[i] = i < indices.rank() - 1 ? indices.dim(i) : x.dim(last + i - indices.rank() + 1);
        }
        long[] strides = Walk.dense(x.dims());
        long inner = Call.product(x.dims(), last, x.rank()) * x.type().byteSize();
        long batches = Call.product(indices.dims(), 0, batch);
        c.require(batches == Call.product(x.dims(), 0, batch), "batch dimensions differ");
        long tuples = Call.product(indices.dims(), batch, indices.rank() - 1);
        long perBatch = Call.product(x.dims(), batch, x.rank());
        OnnxTensor y = c.make(x.type(), dims).withStrings(x.strings());
        for (long b = 0; b < batches; b++) {
            for (long t = 0; t < tuples; t++) {
                long from = b * perBatch + tuple(x, indices, (b * tuples + t) * count, count, batch, strides);
                MemorySegment.copy(x.segment(), from * x.type().byteSize(), y.segment(), (b * tuples + t) * inner, inner);
            }
        }
        return y;
    }

    private static OnnxTensor scatterNd(Call c) {
        OnnxTensor x = c.in(0);
        OnnxTensor indices = c.in(1);
        OnnxTensor updates = c.in(2);
        c.require(indices.rank() >= 1 && indices.dim(-1) <= x.rank() && updates.type() == x.type(), "indices are too long for data");
        long count = indices.dim(-1);
        long[] strides = Walk.dense(x.dims());
        long inner = Call.product(x.dims(), (int) count, x.rank());
        long tuples = Call.product(indices.dims(), 0, indices.rank() - 1);
        c.require(updates.size() == tuples * inner, "updates do not fit the indices");
        OnnxTensor y = c.like(x);
        y.segment().copyFrom(x.segment());
        String reduction = c.s("reduction", "none");
        for (long t = 0; t < tuples; t++) {
            long at = tuple(x, indices, t * count, count, 0, strides);
            for (long i = 0; i < inner; i++) {
                combine(y, at + i, updates, t * inner + i, reduction);
            }
        }
        return y;
    }

    /** Writes a stretch of an axis of each batch, as a cache of keys and values wants it; circular mode goes on at the start. */
    private static OnnxTensor tensorScatter(Call c) {
        OnnxTensor past = c.in(0);
        OnnxTensor update = c.in(1);
        int axis = c.axis("axis", -2, past.rank());
        boolean circular = c.s("mode", "linear").equals("circular");
        OnnxTensor y = c.like(past);
        y.segment().copyFrom(past.segment());
        long outer = Call.product(past.dims(), 1, axis);
        long inner = Call.product(past.dims(), axis + 1, past.rank()) * past.type().byteSize();
        for (long b = 0; b < past.dim(0); b++) {
            long start = c.has(2) ? c.in(2).whole(b) : 0;
            for (long o = 0; o < outer; o++) {
                for (long i = 0; i < update.dim(axis); i++) {
                    long at = circular ? Math.floorMod(start + i, past.dim(axis)) : index(start + i, past.dim(axis));
                    long block = b * outer + o;
                    MemorySegment.copy(update.segment(), (block * update.dim(axis) + i) * inner, y.segment(),
                            (block * past.dim(axis) + at) * inner, inner);
                }
            }
        }
        return y;
    }
}
