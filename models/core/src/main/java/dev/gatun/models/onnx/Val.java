package dev.gatun.models.onnx;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.op.ByteResult;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A FLOAT value of a {@link Region}: elements of a port, row-major, seen with strides and times a number; or a product that may become
 * attention. Nothing is moved, multiplied or computed before somebody wants the value dense.
 */
final class Val {
    /** Whose elements are seen; null of a product. */
    final Port port;
    final long offset;
    final long[] dims;
    final long[] strides;
    final float scale;
    final Scores scores;
    /** What comes from bytes; null of others. */
    final Late late;
    /** The dense value, once somebody wanted it. */
    Port made;
    /** What this was reshaped from, though strides cannot say so; the last two dimensions may have changed places since. */
    private Val origin;

    /**
     * softmax(scale * a b + mask), as far as it was met.
     *
     * @param mask    or null
     * @param softmax whether it is taken over the last dimension
     */
    record Scores(Val a, Val b, float scale, Val mask, boolean softmax) {
    }

    /**
     * Computed of bytes, in the form that somebody wants: FLOAT, or bytes of some scale.
     *
     * @param low   least value
     * @param high  largest value
     * @param worth what it is, if nothing else: bytes and their scale; null of others
     */
    record Late(Maker maker, float low, float high, Worth worth) {
        Late within(float least, float most) {
            return new Late(maker, Math.max(low, least), Math.min(high, most), null);
        }

        boolean isBounded() {
            return low > Float.NEGATIVE_INFINITY || high < Float.POSITIVE_INFINITY;
        }
    }

    /** Makes a value over a scale, which is 1 of FLOAT. */
    @FunctionalInterface
    interface Maker {
        Port make(float scale, ByteResult result);
    }

    /** (bytes - zero) * scale. */
    record Worth(Val bytes, DataType type, float scale, int zero) {
    }

    private Val(Port port, long offset, long[] dims, long[] strides, float scale, Scores scores) {
        this(port, offset, dims, strides, scale, scores, null);
    }

    private Val(Port port, long offset, long[] dims, long[] strides, float scale, Scores scores, Late late) {
        this.port = port;
        this.offset = offset;
        this.dims = dims;
        this.strides = strides;
        this.scale = scale;
        this.scores = scores;
        this.late = late;
    }

    static Val late(Late late, long... dims) {
        return new Val(null, 0, dims, Walk.dense(dims), 1, null, late);
    }

    static Val dense(Port port, long... dims) {
        return new Val(port, 0, dims, Walk.dense(dims), 1, null);
    }

    /** A dense value that is another, reshaped. */
    static Val reshaped(Port port, Val origin, long... dims) {
        Val v = dense(port, dims);
        v.origin = origin.scores == null ? origin : null;
        return v;
    }

    static Val product(Scores scores, long... dims) {
        return new Val(null, 0, dims, Walk.dense(dims), 1, scores);
    }

    long size() {
        return Call.product(dims, 0, dims.length);
    }

    long dim(int i) {
        return dims[i < 0 ? i + dims.length : i];
    }

    Val times(float by) {
        if (scores != null && scores.mask == null && !scores.softmax) {
            return product(new Scores(scores.a, scores.b, scores.scale * by, null, false), dims);
        }
        return scores != null ? null : new Val(port, offset, dims, strides, scale * by, null);
    }

    /** Without its number. */
    Val unscaled() {
        return scale == 1 ? this : new Val(port, offset, dims, strides, 1, null);
    }

    /** Whether all elements of a port of so many are seen in their order. */
    boolean isDense(long count) {
        return scores == null && offset == 0 && size() == count && Arrays.equals(positive(), positive(dims, Walk.dense(dims)));
    }

    /** Strides without those that do not matter. */
    private long[] positive() {
        return positive(dims, strides);
    }

    private static long[] positive(long[] dims, long[] strides) {
        long[] result = strides.clone();
        for (int i = 0; i < result.length; i++) {
            result[i] = dims[i] == 1 ? 1 : result[i];
        }
        return result;
    }

    /**
     * Strides of 1 or more, or null where elements are repeated, go backwards, or reach across the next row of theirs: every second one of
     * seven takes eight places.
     */
    long[] forward() {
        long[] result = positive();
        Integer[] order = IntStream.range(0, dims.length).boxed().filter(i -> dims[i] > 1).sorted(Comparator.comparing(i -> result[i]))
                .toArray(Integer[]::new);
        for (int i = 1; i < order.length; i++) {
            if (result[order[i]] < result[order[i - 1]] * dims[order[i - 1]]) {
                return null;
            }
        }
        return Arrays.stream(result).allMatch(s -> s > 0) ? result : null;
    }

    /** What strides over this value, were it dense, show of it. */
    Val strided(long[] shown, long start, long[] by) {
        long[] own = new long[shown.length];
        for (int i = 0; i < shown.length; i++) {
            own[i] = shown[i] <= 1 ? 0 : by[i] < 0 ? -place(-by[i]) : place(by[i]);
        }
        Val v = new Val(port, offset + place(start), shown, own, scale, null);
        // Exporters let heads be batches, transpose those, and make heads of them again.
        boolean swaps = origin != null && origin.dims.length == 4 && dims.length == 3 && shown.length == 3 && start == 0
                && dims[0] == origin.dims[0] * origin.dims[1] && dims[1] == origin.dims[2] && scale == 1
                && Arrays.equals(shown, new long[] {dims[0], dims[2], dims[1]})
                && Arrays.equals(by, new long[] {dims[1] * dims[2], 1, dims[2]});
        v.origin = swaps ? origin.swapped() : null;
        return v;
    }

    private long place(long flat) {
        long[] index = new long[dims.length];
        Walk.unravel(flat, dims, index);
        long place = 0;
        for (int i = 0; i < index.length; i++) {
            place += index[i] * strides[i];
        }
        return place;
    }

    /** The same elements with other dimensions, if strides can say so; null otherwise. */
    Val reshaped(long... other) {
        if (Arrays.equals(other, dims)) {
            return this;
        }
        if (scores != null || size() == 0) {
            return null;
        }
        if (origin != null && scale == 1 && Arrays.equals(other, origin.dims)) {
            return origin;
        }
        List<long[]> runs = runs();
        long[] by = new long[other.length];
        int run = 0;
        long left = runs.isEmpty() ? 1 : runs.getFirst()[0];
        for (int i = 0; i < other.length; i++) {
            if (other[i] == 1) {
                continue;
            }
            if (left == 1) {
                left = runs.get(++run)[0];
            }
            if (left % other[i] != 0) {
                return null;
            }
            left /= other[i];
            by[i] = left * runs.get(run)[1];
        }
        return new Val(port, offset, other, by, scale, null);
    }

    /** Dimensions joined where they lie side by side: size and stride. */
    private List<long[]> runs() {
        List<long[]> runs = new ArrayList<>();
        for (int i = 0; i < dims.length; i++) {
            if (dims[i] == 1) {
                continue;
            }
            long[] last = runs.isEmpty() ? null : runs.getLast();
            if (last != null && last[1] == dims[i] * strides[i]) {
                last[0] *= dims[i];
                last[1] = strides[i];
            } else {
                runs.add(new long[] {dims[i], strides[i]});
            }
        }
        return runs;
    }

    /** The last two dimensions change places. */
    Val swapped() {
        int[] order = new int[dims.length];
        Arrays.setAll(order, i -> i);
        order[dims.length - 1]--;
        order[dims.length - 2]++;
        return ordered(order);
    }

    Val ordered(int... order) {
        long[] shown = new long[order.length];
        long[] by = new long[order.length];
        for (int i = 0; i < order.length; i++) {
            shown[i] = dims[order[i]];
            by[i] = strides[order[i]];
        }
        return scores != null ? null : new Val(port, offset, shown, by, scale, null);
    }
}
