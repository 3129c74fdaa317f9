package dev.gatun.models.onnx;

import java.util.Arrays;
import java.util.List;

/** What changes only how memory is seen, or makes tensors from shapes. */
final class ShapeOps {
    private ShapeOps() {
    }

    /** The kernel of this family, or null. */
    static Kernel find(String op) {
        return switch (op) {
            case "Identity" -> Operators.one(c -> c.value(0));
            case "Dropout" -> Operators.many(ShapeOps::dropout);
            case "Reshape" -> Operators.one(ShapeOps::reshape);
            case "Flatten" -> Operators.one(ShapeOps::flatten);
            case "Squeeze" -> Operators.one(ShapeOps::squeeze);
            case "Unsqueeze" -> Operators.one(ShapeOps::unsqueeze);
            case "Shape" -> Operators.one(ShapeOps::shape);
            case "Size" -> Operators.one(c -> c.ofLongs(new long[] {c.in(0).size()}).view());
            case "Constant" -> Operators.one(ShapeOps::constant);
            case "ConstantOfShape" -> Operators.one(ShapeOps::constantOfShape);
            case "Range" -> Operators.one(ShapeOps::range);
            case "EyeLike" -> Operators.one(ShapeOps::eyeLike);
            case "Expand" -> Operators.one(c -> {
                OnnxTensor x = c.in(0);
                return expand(c, x, Walk.broadcast(x.dims(), c.in(1).longs()));
            });
            default -> null;
        };
    }

    static OnnxTensor expand(Call c, OnnxTensor x, long[] dims) {
        if (Arrays.equals(dims, x.dims())) {
            return x;
        }
        return MoveOps.gathered(c, x, dims, 0, Walk.strides(x.dims(), dims));
    }

    private static OnnxValue[] dropout(Call c) {
        OnnxTensor x = c.in(0);
        if (c.has(2) && c.in(2).whole(0) != 0) {
            c.require(c.has(1) && c.in(1).real(0) == 0, "Dropout in training mode is not computed: it is for training");
        }
        OnnxTensor mask = null;
        if (c.wants(1)) {
            mask = c.make(OnnxType.BOOL, x.dims());
            mask.segment().fill((byte) 1);
        }
        return new OnnxValue[] {x, mask};
    }

    private static OnnxTensor reshape(Call c) {
        OnnxTensor x = c.in(0);
        long[] wanted = c.ints("shape", 1);
        boolean allowZero = c.flag("allowzero");
        long[] dims = wanted.clone();
        int open = -1;
        long known = 1;
        for (int i = 0; i < dims.length; i++) {
            if (dims[i] == 0 && !allowZero) {
                c.require(i < x.rank(), "0 at " + i + " of " + Arrays.toString(wanted) + " copies a dimension that there is not");
                dims[i] = x.dim(i);
            }
            if (dims[i] == -1) {
                c.require(open < 0, "two dimensions of -1 in " + Arrays.toString(wanted));
                open = i;
            } else {
                known = Math.multiplyExact(known, dims[i]);
            }
        }
        if (open >= 0) {
            c.require(known > 0 && x.size() % known == 0, "cannot be reshaped to " + Arrays.toString(wanted));
            dims[open] = x.size() / known;
        }
        return x.view(dims);
    }

    private static OnnxTensor flatten(Call c) {
        OnnxTensor x = c.in(0);
        long wanted = c.i("axis", 1);
        c.require(wanted >= -x.rank() && wanted <= x.rank(), "axis " + wanted + " is out of range");
        int axis = (int) (wanted < 0 ? wanted + x.rank() : wanted);
        long[] dims = x.dims();
        return x.view(Call.product(dims, 0, axis), Call.product(dims, axis, dims.length));
    }

    private static OnnxTensor squeeze(Call c) {
        OnnxTensor x = c.in(0);
        long[] axes = c.ints("axes", 1);
        boolean[] gone = new boolean[x.rank()];
        for (int i = 0; i < gone.length; i++) {
            gone[i] = axes == null && x.dim(i) == 1;
        }
        for (long axis : axes == null ? new long[0] : axes) {
            int at = Call.axis(axis, x.rank());
            c.require(x.dim(at) == 1, "axis " + axis + " has not one element");
            gone[at] = true;
        }
        return x.view(ReduceOps.pick(x.dims(), gone, false));
    }

    private static OnnxTensor unsqueeze(Call c) {
        OnnxTensor x = c.in(0);
        return x.view(unsqueezed(x.dims(), c.ints("axes", 1)));
    }

    static long[] unsqueezed(long[] old, long[] axes) {
        long[] dims = new long[old.length + axes.length];
        for (long axis : axes) {
            int at = Call.axis(axis, dims.length);
            if (dims[at] == 1) {
                throw new IllegalArgumentException("axis " + axis + " is named twice");
            }
            dims[at] = 1;
        }
        int next = 0;
        for (int i = 0; i < dims.length; i++) {
            dims[i] = dims[i] == 1 ? 1 : old[next++];
        }
        return dims;
    }

    private static OnnxTensor shape(Call c) {
        long[] dims = c.in(0).dims();
        int start = clamp(c.i("start", 0), dims.length);
        int end = clamp(c.i("end", dims.length), dims.length);
        return c.ofLongs(start < end ? Arrays.copyOfRange(dims, start, end) : new long[0]);
    }

    private static int clamp(long at, int rank) {
        return (int) Math.max(0, Math.min(rank, at < 0 ? at + rank : at));
    }

    private static OnnxTensor constant(Call c) {
        if (c.hasAttribute("value")) {
            return c.tensor("value");
        }
        if (c.hasAttribute("sparse_value")) {
            return c.tensor("sparse_value");
        }
        if (c.hasAttribute("value_int")) {
            return c.ofLongs(new long[] {c.i("value_int", 0)}).view();
        }
        if (c.hasAttribute("value_ints")) {
            return c.ofLongs(c.ints("value_ints"));
        }
        if (c.hasAttribute("value_float")) {
            return c.scalar(OnnxType.FLOAT, c.f("value_float", 0));
        }
        if (c.hasAttribute("value_floats")) {
            float[] values = c.floats("value_floats");
            OnnxTensor t = c.make(OnnxType.FLOAT, values.length);
            for (int i = 0; i < values.length; i++) {
                t.put(i, values[i]);
            }
            return t;
        }
        if (c.hasAttribute("value_string")) {
            return c.texts(new String[] {c.s("value_string", "")});
        }
        List<?> texts = c.list("value_strings");
        c.require(texts != null, "a Constant without a value");
        return c.texts(texts.stream().map(String.class::cast).toArray(String[]::new), texts.size());
    }

    private static OnnxTensor constantOfShape(Call c) {
        OnnxTensor value = c.tensor("value");
        long[] dims = c.in(0).longs();
        if (value == null) {
            return c.zeros(OnnxType.FLOAT, dims);
        }
        c.require(value.size() == 1, "the value must be one element");
        return expand(c, value.view(), dims);
    }

    private static OnnxTensor range(Call c) {
        OnnxTensor start = c.in(0);
        OnnxTensor limit = c.in(1);
        OnnxTensor delta = c.in(2);
        if (start.type().isReal()) {
            double by = delta.real(0);
            double count = Math.ceil((limit.real(0) - start.real(0)) / by);
            c.require(count < Long.MAX_VALUE, "the range does not end");
            OnnxTensor y = c.make(start.type(), (long) Math.max(0, count));
            for (long i = 0; i < y.size(); i++) {
                y.put(i, start.real(0) + i * by);
            }
            return y;
        }
        long by = delta.whole(0);
        c.require(by != 0, "the step is 0");
        long span = Math.subtractExact(limit.whole(0), start.whole(0));
        OnnxTensor y = c.make(start.type(), span == 0 || span < 0 != by < 0 ? 0 : Math.ceilDiv(span, by));
        for (long i = 0; i < y.size(); i++) {
            y.putWhole(i, start.whole(0) + i * by);
        }
        return y;
    }

    private static OnnxTensor eyeLike(Call c) {
        OnnxTensor x = c.in(0);
        c.require(x.rank() == 2, "expected two dimensions");
        OnnxType type = c.hasAttribute("dtype") ? OnnxType.ofCode(c.i("dtype", 1)) : x.type();
        OnnxTensor y = c.zeros(type, x.dims());
        long k = c.i("k", 0);
        for (long row = 0; row < x.dim(0); row++) {
            if (row + k >= 0 && row + k < x.dim(1)) {
                y.putWhole(row * x.dim(1) + row + k, 1);
            }
        }
        return y;
    }
}
