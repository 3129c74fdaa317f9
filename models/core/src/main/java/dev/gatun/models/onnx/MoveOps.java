package dev.gatun.models.onnx;

import java.util.Arrays;

/** What moves elements without computing: transposes, slices, joins, padding, of every type. */
final class MoveOps {
    private MoveOps() {
    }

    /** The kernel of this family, or null. */
    static Kernel find(String op) {
        return switch (op) {
            case "Transpose" -> Operators.one(MoveOps::transpose);
            case "Concat" -> Operators.one(c -> {
                OnnxTensor[] parts = new OnnxTensor[c.inputCount()];
                for (int i = 0; i < parts.length; i++) {
                    parts[i] = c.in(i);
                }
                return concat(c, c.axis("axis", 1, parts[0].rank()), parts);
            });
            case "Split" -> Operators.many(MoveOps::split);
            case "Slice" -> Operators.one(MoveOps::slice);
            case "Tile" -> Operators.one(MoveOps::tile);
            case "Pad" -> Operators.one(MoveOps::pad);
            case "Trilu" -> Operators.one(MoveOps::trilu);
            case "DepthToSpace" -> Operators.one(MoveOps::depthToSpace);
            case "SpaceToDepth" -> Operators.one(MoveOps::spaceToDepth);
            case "ReverseSequence" -> Operators.one(MoveOps::reverseSequence);
            case "CenterCropPad" -> Operators.one(MoveOps::centerCropPad);
            default -> null;
        };
    }

    private static OnnxTensor transpose(Call c) {
        OnnxTensor x = c.in(0);
        long[] perm = c.ints("perm");
        int[] order = new int[x.rank()];
        for (int i = 0; i < order.length; i++) {
            order[i] = perm == null ? order.length - 1 - i : Call.axis(perm[i], order.length);
        }
        c.require(perm == null || perm.length == order.length && Arrays.stream(order).distinct().count() == order.length,
                "perm is no permutation");
        return transpose(c, x, order);
    }

    static OnnxTensor transpose(Call c, OnnxTensor x, int... order) {
        long[] dims = new long[order.length];
        long[] strides = new long[order.length];
        long[] own = Walk.dense(x.dims());
        for (int i = 0; i < order.length; i++) {
            dims[i] = x.dim(order[i]);
            strides[i] = own[order[i]];
        }
        return gathered(c, x, dims, 0, strides);
    }

    /** A dense copy of what these strides show of x. */
    static OnnxTensor gathered(Call c, OnnxTensor x, long[] dims, long start, long[] strides) {
        if (c.region() != null) {
            return c.region().standIn(c.region().meant(x).strided(dims, start, strides));
        }
        OnnxTensor y = c.make(x.type(), dims).withStrings(x.strings());
        Walk.copy(y, 0, Walk.dense(dims), x, start, strides, dims);
        return y;
    }

    static String[] join(String[] a, String[] b) {
        String[] all = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, all, a.length, b.length);
        return all;
    }

    static OnnxTensor concat(Call c, int axis, OnnxTensor... parts) {
        long[] dims = parts[0].dims();
        dims[axis] = 0;
        String[] table = new String[0];
        for (int i = 0; i < parts.length; i++) {
            OnnxTensor part = parts[i];
            c.require(part.rank() == dims.length && part.type() == parts[0].type(), "part " + i + " has another type or rank");
            for (int d = 0; d < dims.length; d++) {
                c.require(d == axis || part.dim(d) == parts[0].dim(d), "part " + i + " has another size of dimension " + d);
            }
            dims[axis] += part.dim(axis);
            if (part.type() == OnnxType.STRING) {
                int before = table.length;
                table = join(table, part.strings());
                parts[i] = ElementOps.whole(c, part, v -> v + before);
            }
        }
        OnnxTensor y = c.make(parts[0].type(), dims).withStrings(parts[0].type() == OnnxType.STRING ? table : null);
        long[] strides = Walk.dense(dims);
        long at = 0;
        for (OnnxTensor part : parts) {
            Walk.copy(y, at * strides[axis], strides, part, 0, Walk.dense(part.dims()), part.dims());
            at += part.dim(axis);
        }
        return y;
    }

    private static OnnxValue[] split(Call c) {
        OnnxTensor x = c.in(0);
        int axis = c.axis("axis", 0, x.rank());
        long[] sizes = c.ints("split", 1);
        if (sizes == null) {
            int count = (int) c.i("num_outputs", c.outputCount());
            sizes = new long[count];
            long chunk = Math.ceilDiv(x.dim(axis), count);
            for (int i = 0; i < count; i++) {
                sizes[i] = Math.max(0, Math.min(chunk, x.dim(axis) - i * chunk));
            }
        }
        c.require(Arrays.stream(sizes).allMatch(s -> s >= 0) && Arrays.stream(sizes).sum() == x.dim(axis),
                "parts " + Arrays.toString(sizes) + " do not add up to dimension " + axis);
        OnnxValue[] parts = new OnnxValue[sizes.length];
        long[] strides = Walk.dense(x.dims());
        long at = 0;
        for (int i = 0; i < sizes.length; i++) {
            long[] dims = x.dims();
            dims[axis] = sizes[i];
            parts[i] = gathered(c, x, dims, at * strides[axis], strides);
            at += sizes[i];
        }
        return parts;
    }

    private static OnnxTensor slice(Call c) {
        OnnxTensor x = c.in(0);
        long[] starts = c.ints("starts", 1);
        long[] ends = c.ints("ends", 2);
        long[] axes = c.ints("axes", 3);
        long[] steps = c.ints("steps", 4);
        c.require(starts != null && ends != null && starts.length == ends.length && (axes == null || axes.length == starts.length)
                && (steps == null || steps.length == starts.length), "starts, ends, axes and steps do not fit each other");
        long[] dims = x.dims();
        long[] strides = Walk.dense(dims);
        long start = 0;
        for (int i = 0; i < starts.length; i++) {
            int axis = Call.axis(axes == null ? i : axes[i], dims.length);
            long step = steps == null ? 1 : steps[i];
            c.require(step != 0, "a step of 0");
            long size = x.dim(axis);
            long from = clamp(starts[i], size, step > 0 ? 0 : 0, step > 0 ? size : size - 1);
            long to = clamp(ends[i], size, step > 0 ? 0 : -1, step > 0 ? size : size - 1);
            dims[axis] = size == 0 ? 0 : Math.max(0, step > 0 ? Math.ceilDiv(to - from, step) : step == Long.MIN_VALUE ? to < from ? 1 : 0
                    : Math.ceilDiv(from - to, -step));
            start += from * strides[axis];
            strides[axis] = dims[axis] <= 1 ? 0 : strides[axis] * step;
        }
        return gathered(c, x, dims, start, strides);
    }

    private static long clamp(long at, long size, long low, long high) {
        long from = at < 0 ? at + size : at;
        return Math.max(low, Math.min(high, from));
    }

    private static OnnxTensor tile(Call c) {
        OnnxTensor x = c.in(0);
        long[] repeats = c.in(1).longs();
        int rank = x.rank();
        c.require(repeats.length == rank, "as many repeats as dimensions");
        long[] dims = new long[2 * rank];
        long[] strides = new long[2 * rank];
        long[] result = new long[rank];
        long[] own = Walk.dense(x.dims());
        for (int i = 0; i < rank; i++) {
            dims[2 * i] = repeats[i];
            dims[2 * i + 1] = x.dim(i);
            strides[2 * i + 1] = own[i];
            result[i] = Math.multiplyExact(repeats[i], x.dim(i));
        }
        return gathered(c, x, dims, 0, strides).view(result);
    }

    private static OnnxTensor pad(Call c) {
        OnnxTensor x = c.in(0);
        long[][] pads = pads(c, x.rank());
        long[] before = pads[0];
        long[] after = pads[1];
        String mode = c.s("mode", "constant");
        if (!mode.equals("constant")) {
            return reflected(c, x, before, after, mode);
        }
        OnnxTensor fill = c.opt(2);
        return padded(c, x, before, after, fill == null ? c.f("value", 0) : fill.type().isReal() ? fill.real(0) : 0,
                fill == null || fill.type().isReal() ? 0 : fill.whole(0));
    }

    /** Before and after each of {@code rank} dimensions. */
    static long[][] pads(Call c, int rank) {
        long[] pads = c.ints("pads", 1);
        long[][] all = new long[2][rank];
        long[] axes = c.has(3) ? c.in(3).longs() : null;
        int count = axes == null ? rank : axes.length;
        c.require(pads != null && pads.length == 2 * count, "pads must have two numbers for each axis");
        for (int i = 0; i < count; i++) {
            int axis = axes == null ? i : Call.axis(axes[i], rank);
            all[0][axis] = pads[i];
            all[1][axis] = pads[count + i];
        }
        return all;
    }

    /** Negative padding cuts. */
    static OnnxTensor padded(Call c, OnnxTensor x, long[] before, long[] after, double fill, long wholeFill) {
        long[] dims = x.dims();
        long[] inner = x.dims();
        long toStart = 0;
        long fromStart = 0;
        long[] own = Walk.dense(x.dims());
        for (int i = 0; i < dims.length; i++) {
            dims[i] = Math.addExact(Math.addExact(dims[i], before[i]), after[i]);
            c.require(dims[i] >= 0, "padding leaves less than nothing of dimension " + i);
            inner[i] = Math.max(0, x.dim(i) + Math.min(0, before[i]) + Math.min(0, after[i]));
        }
        OnnxTensor y = c.make(x.type(), dims).withStrings(x.strings());
        long[] strides = Walk.dense(dims);
        for (int i = 0; i < dims.length; i++) {
            toStart += Math.max(0, before[i]) * strides[i];
            fromStart += Math.max(0, -before[i]) * own[i];
        }
        if (fill == 0 && wholeFill == 0) {
            y.segment().fill((byte) 0);
        } else {
            for (long i = 0; i < y.size(); i++) {
                if (x.type().isReal()) {
                    y.put(i, fill);
                } else {
                    y.putWhole(i, wholeFill);
                }
            }
        }
        Walk.copy(y, toStart, strides, x, fromStart, own, inner);
        return y;
    }

    /** One axis after another: each is a gather. */
    private static OnnxTensor reflected(Call c, OnnxTensor x, long[] before, long[] after, String mode) {
        OnnxTensor y = x;
        for (int axis = 0; axis < x.rank(); axis++) {
            if (before[axis] == 0 && after[axis] == 0) {
                continue;
            }
            long size = y.dim(axis);
            long total = before[axis] + size + after[axis];
            c.require(size > 0 && total >= 0, "an empty dimension cannot be padded");
            long[] index = new long[Math.toIntExact(total)];
            for (int i = 0; i < index.length; i++) {
                long at = i - before[axis];
                index[i] = switch (mode) {
                    case "edge" -> Math.max(0, Math.min(size - 1, at));
                    case "wrap" -> Math.floorMod(at, size);
                    case "reflect" -> {
                        long period = Math.max(1, 2 * (size - 1));
                        long p = Math.floorMod(at, period);
                        yield p < size ? p : period - p;
                    }
                    default -> throw new IllegalArgumentException("the mode " + mode + " is not known");
                };
            }
            y = GatherOps.gather(c, y, axis, index, index.length);
        }
        return y;
    }

    private static OnnxTensor trilu(Call c) {
        OnnxTensor x = c.in(0);
        boolean upper = c.i("upper", 1) != 0;
        long k = c.has(1) ? c.in(1).whole(0) : 0;
        c.require(x.rank() >= 2, "expected two dimensions or more");
        OnnxTensor y = c.like(x);
        y.segment().copyFrom(x.segment());
        long columns = x.dim(-1);
        long size = x.type().byteSize();
        for (long row = 0; row < (columns == 0 ? 0 : x.size() / columns); row++) {
            long diagonal = Math.max(0, Math.min(columns, row % x.dim(-2) + k + (upper ? 0 : 1)));
            long from = upper ? 0 : diagonal;
            long to = upper ? diagonal : columns;
            y.segment().asSlice((row * columns + from) * size, (to - from) * size).fill((byte) 0);
        }
        return y;
    }

    private static OnnxTensor depthToSpace(Call c) {
        OnnxTensor x = c.in(0);
        long b = c.i("blocksize", 1);
        c.require(x.rank() == 4 && b > 0 && x.dim(1) % (b * b) == 0, "channels must be a multiple of the block's size");
        long n = x.dim(0);
        long d = x.dim(1) / (b * b);
        long h = x.dim(2);
        long w = x.dim(3);
        OnnxTensor y = c.s("mode", "DCR").equals("CRD") ? transpose(c, x.view(n, d, b, b, h, w), 0, 1, 4, 2, 5, 3)
                : transpose(c, x.view(n, b, b, d, h, w), 0, 3, 4, 1, 5, 2);
        return y.view(n, d, h * b, w * b);
    }

    private static OnnxTensor spaceToDepth(Call c) {
        OnnxTensor x = c.in(0);
        long b = c.i("blocksize", 1);
        c.require(x.rank() == 4 && b > 0 && x.dim(2) % b == 0 && x.dim(3) % b == 0,
                "height and width must be multiples of the block's size");
        long h = x.dim(2) / b;
        long w = x.dim(3) / b;
        boolean crd = c.s("mode", "DCR").equals("CRD");
        return transpose(c, x.view(x.dim(0), x.dim(1), h, b, w, b), crd ? new int[] {0, 1, 3, 5, 2, 4} : new int[] {0, 3, 5, 1, 2, 4})
                .view(x.dim(0), x.dim(1) * b * b, h, w);
    }

    private static OnnxTensor reverseSequence(Call c) {
        OnnxTensor x = c.in(0);
        OnnxTensor lengths = c.in(1);
        int batch = c.axis("batch_axis", 1, x.rank());
        int time = c.axis("time_axis", 0, x.rank());
        OnnxTensor y = c.like(x);
        y.segment().copyFrom(x.segment());
        long[] strides = Walk.dense(x.dims());
        long[] dims = x.dims();
        dims[batch] = 1;
        for (long b = 0; b < x.dim(batch); b++) {
            long length = lengths.whole(b);
            c.require(length >= 0 && length <= x.dim(time), "length " + length + " of sequence " + b + " is out of range");
            dims[time] = length;
            long[] reversed = strides.clone();
            reversed[time] = -strides[time];
            Walk.copy(y, b * strides[batch], strides, x, b * strides[batch] + Math.max(0, length - 1) * strides[time], reversed, dims);
        }
        return y;
    }

    private static OnnxTensor centerCropPad(Call c) {
        OnnxTensor x = c.in(0);
        long[] wanted = c.in(1).longs();
        long[] axes = c.ints("axes");
        long[] before = new long[x.rank()];
        long[] after = new long[x.rank()];
        for (int i = 0; i < wanted.length; i++) {
            int axis = Call.axis(axes == null ? i : axes[i], x.rank());
            long more = wanted[i] - x.dim(axis);
            before[axis] = more >= 0 ? more / 2 : -(-more / 2);
            after[axis] = more - before[axis];
        }
        return padded(c, x, before, after, 0, 0);
    }
}
