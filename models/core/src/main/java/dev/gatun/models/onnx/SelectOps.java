package dev.gatun.models.onnx;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Map;
import java.util.TreeMap;

/** What chooses elements by their values: results whose sizes depend on data. */
final class SelectOps {
    private SelectOps() {
    }

    /** The kernel of this family, or null. */
    static Kernel find(String op) {
        return switch (op) {
            case "TopK" -> Operators.many(SelectOps::topK);
            case "NonZero" -> Operators.one(SelectOps::nonZero);
            case "Compress" -> Operators.one(SelectOps::compress);
            case "Unique" -> Operators.many(SelectOps::unique);
            case "OneHot" -> Operators.one(SelectOps::oneHot);
            default -> null;
        };
    }

    /** NaN counts as the largest, as numpy sorts. */
    private static int compare(OnnxTensor x, long i, long j) {
        return x.type().isReal() ? Double.compare(x.real(i), x.real(j)) : x.type() == OnnxType.STRING ? x.text(i).compareTo(x.text(j))
                : BinaryOps.compare(x.whole(i), x.whole(j), x.type() == OnnxType.UINT64);
    }

    private static OnnxValue[] topK(Call c) {
        OnnxTensor x = c.in(0);
        int axis = c.axis("axis", -1, x.rank());
        long k = c.has(1) ? c.in(1).whole(0) : c.i("k", 0);
        c.require(k >= 0 && k <= x.dim(axis), "k " + k + " is out of range for dimension " + axis);
        boolean largest = c.i("largest", 1) != 0;
        long[] dims = x.dims();
        dims[axis] = k;
        OnnxTensor values = c.make(x.type(), dims);
        OnnxTensor places = c.make(OnnxType.INT64, dims);
        long stride = Walk.dense(x.dims())[axis];
        Integer[] order = new Integer[Math.toIntExact(x.dim(axis))];
        int size = x.type().byteSize();
        boolean[] axes = new boolean[x.rank()];
        axes[axis] = true;
        ReduceOps.groups(x.dims(), axes, (group, start) -> {
            Arrays.setAll(order, i -> i);
            Comparator<Integer> by = (i, j) -> compare(x, start + i * stride, start + j * stride);
            Arrays.sort(order, largest ? by.reversed().thenComparing(Comparator.naturalOrder()) : by);
            long to = group / stride * stride * k + group % stride;
            for (int i = 0; i < k; i++) {
                places.putWhole(to + i * stride, order[i]);
                MemorySegment.copy(x.segment(), (start + order[i] * stride) * size, values.segment(), (to + i * stride) * size, size);
            }
        });
        return new OnnxValue[] {values, places};
    }

    private static boolean isZero(OnnxTensor x, long i) {
        return x.type().isReal() ? x.real(i) == 0 : x.type() == OnnxType.STRING ? x.text(i).isEmpty() : x.whole(i) == 0;
    }

    private static OnnxTensor nonZero(Call c) {
        OnnxTensor x = c.in(0);
        Wire.Numbers found = new Wire.Numbers();
        for (long i = 0; i < x.size(); i++) {
            if (!isZero(x, i)) {
                found.add(i);
            }
        }
        int rank = Math.max(1, x.rank());
        OnnxTensor y = c.make(OnnxType.INT64, rank, found.count());
        long[] at = new long[x.rank()];
        for (int i = 0; i < found.count(); i++) {
            Walk.unravel(found.get(i), x.dims(), at);
            for (int d = 0; d < rank; d++) {
                y.putWhole((long) d * found.count() + i, x.rank() == 0 ? 0 : at[d]);
            }
        }
        return y;
    }

    private static OnnxTensor compress(Call c) {
        OnnxTensor x = c.in(0);
        OnnxTensor condition = c.in(1);
        boolean flat = !c.hasAttribute("axis");
        OnnxTensor data = flat ? x.view(x.size()) : x;
        int axis = flat ? 0 : c.axis("axis", 0, x.rank());
        Wire.Numbers chosen = new Wire.Numbers();
        for (long i = 0; i < condition.size(); i++) {
            if (condition.whole(i) != 0) {
                chosen.add(i);
            }
        }
        return GatherOps.gather(c, data, axis, chosen.toArray(), chosen.count());
    }

    /** Rows of the axis, or single elements, each once; the places say where the first of each is, and which each became. */
    private static OnnxValue[] unique(Call c) {
        OnnxTensor x = c.in(0);
        boolean flat = !c.hasAttribute("axis");
        int axis = flat ? 0 : c.axis("axis", 0, x.rank());
        OnnxTensor data = flat ? x.view(x.size()) : x;
        long n = data.dim(axis);
        boolean sorted = c.i("sorted", 1) != 0;
        long stride = Walk.dense(data.dims())[axis];
        boolean[] axes = new boolean[data.rank()];
        axes[axis] = true;
        Wire.Numbers starts = new Wire.Numbers();
        ReduceOps.groups(data.dims(), axes, (group, start) -> starts.add(start));
        Comparator<Long> order = (a, b) -> {
            for (int i = 0; i < starts.count(); i++) {
                int by = compare(data, starts.get(i) + a * stride, starts.get(i) + b * stride);
                if (by != 0) {
                    return by;
                }
            }
            return 0;
        };
        Map<Long, Integer> seen = new TreeMap<>(order);
        Wire.Numbers first = new Wire.Numbers();
        int[] which = new int[Math.toIntExact(n)];
        for (long i = 0; i < n; i++) {
            Integer known = seen.putIfAbsent(i, first.count());
            which[(int) i] = known == null ? first.count() : known;
            if (known == null) {
                first.add(i);
            }
        }
        Integer[] rank = new Integer[first.count()];
        Arrays.setAll(rank, i -> i);
        if (sorted) {
            Arrays.sort(rank, (a, b) -> order.compare(first.get(a), first.get(b)));
        }
        return numbered(c, data, axis, first, which, rank);
    }

    private static OnnxValue[] numbered(Call c, OnnxTensor data, int axis, Wire.Numbers first, int[] which, Integer[] rank) {
        long[] indices = new long[rank.length];
        long[] place = new long[rank.length];
        for (int i = 0; i < rank.length; i++) {
            indices[i] = first.get(rank[i]);
            place[rank[i]] = i;
        }
        long[] inverse = new long[which.length];
        long[] counts = new long[rank.length];
        for (int i = 0; i < which.length; i++) {
            inverse[i] = place[which[i]];
            counts[(int) inverse[i]]++;
        }
        return new OnnxValue[] {GatherOps.gather(c, data, axis, indices, indices.length), c.ofLongs(indices), c.ofLongs(inverse),
                c.ofLongs(counts)};
    }

    private static OnnxTensor oneHot(Call c) {
        OnnxTensor indices = c.in(0);
        long depth = (long) c.in(1).real(0);
        OnnxTensor values = c.in(2);
        c.require(depth > 0 && values.size() == 2, "depth must be positive, values two");
        int rank = indices.rank() + 1;
        int axis = c.axis("axis", -1, rank);
        long[] dims = new long[rank];
        for (int i = 0; i < rank; i++) {
            dims[i] = i == axis ? depth : indices.dim(i < axis ? i : i - 1);
        }
        OnnxTensor y = ShapeOps.expand(c, values.rows(0, 1).view(), dims);
        OnnxTensor out = c.like(y);
        out.segment().copyFrom(y.segment());
        long inner = Call.product(dims, axis + 1, rank);
        int size = values.type().byteSize();
        for (long i = 0; i < indices.size(); i++) {
            long at = (long) indices.real(i);
            if (at >= -depth && at < depth) {
                long to = i / inner * depth * inner + (at < 0 ? at + depth : at) * inner + i % inner;
                MemorySegment.copy(values.segment(), ValueLayout.JAVA_BYTE, size, out.segment(), ValueLayout.JAVA_BYTE, to * size, size);
            }
        }
        return out;
    }
}
