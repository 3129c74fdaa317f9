package dev.gatun.models.onnx;

import dev.gatun.bindings.kernels.BytesKernels;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.graph.ByteConv;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.BinaryOp;
import dev.gatun.tensor.op.ByteConvOp;
import dev.gatun.tensor.op.ByteMapOp;
import dev.gatun.tensor.op.ByteMeanOp;
import dev.gatun.tensor.op.BytePairOp;
import dev.gatun.tensor.op.ByteResult;
import dev.gatun.tensor.op.ByteScaleOp;
import dev.gatun.tensor.op.ConcatOp;
import dev.gatun.tensor.op.Window;
import dev.gatun.tensor.weights.ByteFilters;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleUnaryOperator;

/**
 * How values between DequantizeLinear and QuantizeLinear are described: each is {@link Val.Late late}, until it is known whether somebody
 * wants floats of it or bytes.
 */
final class QuantRules {
    private QuantRules() {
    }

    /** What a byte is worth: (byte - zero) * by. */
    record Scale(float by, DataType type, int zero) {
        ByteResult result() {
            return ByteResult.of(type, zero);
        }

        /** Operands i and i + 1, the latter of this type if it is missing; null if they are not one number and one byte. */
        static Scale of(Site s, int i, DataType missing) {
            float by = s.number(i);
            OnnxTensor zero = s.has(i + 1) ? s.fixed(i + 1) : null;
            boolean isByte = zero == null ? !s.has(i + 1) : zero.size() == 1 && (zero.type() == OnnxType.UINT8 || zero.type()
                    == OnnxType.INT8);
            return !isByte || !(by > 0) || !Float.isFinite(1 / by) ? null : zero == null ? new Scale(by, missing, 0)
                    : new Scale(by, zero.type() == OnnxType.UINT8 ? DataType.U8 : DataType.S8, (int) zero.whole(0));
        }
    }

    static Val quantize(Site s) {
        Scale scale = Scale.of(s, 1, DataType.U8);
        return scale == null || !ByteRules.isPlain(s.call().step()) || s.fixed(0) != null ? null : quantized(s.region(), s.any(0), scale);
    }

    static Val quantized(Region r, Val x, Scale to) {
        if (x == null) {
            return null;
        }
        Port port = x.late == null ? r.add("quantize", new ByteScaleOp(to.by, 0, to.result()), r.few(r.anyPort(x)))
                : x.late.maker().make(to.by, within(x.late, to));
        return Val.dense(port, x.dims);
    }

    private static ByteResult within(Val.Late late, Scale to) {
        ByteResult all = to.result();
        return new ByteResult(to.type, to.zero, bound(late.low(), to, all), bound(late.high(), to, all));
    }

    private static int bound(float value, Scale to, ByteResult all) {
        return (int) Math.max(all.low(), Math.min(all.high(), Math.rint(value / to.by) + to.zero));
    }

    static Val dequantize(Site s) {
        Scale scale = Scale.of(s, 1, DataType.U8);
        if (scale == null || !ByteRules.isPlain(s.call().step()) || s.fixed(0) != null) {
            return null;
        }
        Val bytes = s.quantized(0);
        return s.region().type(bytes) != scale.type && s.has(2) ? null
                : worth(s.region(), bytes, new Scale(scale.by, s.region().type(bytes), scale.zero));
    }

    /** What bytes are worth. */
    static Val worth(Region r, Val bytes, Scale of) {
        return late((by, result) -> by == of.by && result.equals(of.result()) ? r.anyPort(bytes)
                : r.add(result.type() == DataType.F32 ? "dequantize" : "rescale", new ByteScaleOp(of.by / by, of.zero, result),
                        r.few(r.anyPort(bytes))), new Val.Worth(bytes, of.type, of.by, of.zero), bytes.dims);
    }

    private static Val late(Val.Maker maker, Val.Worth worth, long... dims) {
        return Val.late(new Val.Late(maker, Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY, worth), dims);
    }

    /** Bytes of operand i, their scale and zero point behind it, as FLOAT; null if these are not known. */
    private static Val worth(Site s, int i) {
        Val bytes = s.fixed(i) != null && s.fixed(i).rank() == 0 ? null : s.quantized(i);
        Scale scale = bytes == null ? null : Scale.of(s, i + 1, s.region().type(bytes));
        return scale == null || scale.type != s.region().type(bytes) ? null : worth(s.region(), bytes, scale);
    }

    /** A result whose scale is operand i. */
    private static Val result(Site s, int i, Val x) {
        Scale scale = Scale.of(s, i, DataType.U8);
        return scale == null || !s.has(i + 1) ? null : quantized(s.region(), x, scale);
    }

    /** Between bounds; null if the operand does not come from bytes. */
    static Val within(Site s, float low, float high) {
        Val.Late late = s.late(0);
        return late == null || !(low <= high) ? null : Val.late(late.within(low, high), s.any(0).dims);
    }

    /** A function of one byte is a table; null if the operand is none. */
    static Val function(Site s, Activation activation) {
        if (activation == Activation.RELU || activation == Activation.RELU6) {
            return within(s, 0, activation == Activation.RELU ? Float.POSITIVE_INFINITY : 6);
        }
        Val.Worth worth = s.worth(0);
        return worth == null || activation == Activation.NONE ? null : table(s.region(), worth, Fusions.function(activation),
                floats -> Rules.function(s.region(), floats, activation));
    }

    private interface OfFloats {
        Val apply(Val x);
    }

    private static Val table(Region r, Val.Worth x, DoubleUnaryOperator f, OfFloats floats) {
        return late((by, result) -> {
            if (result.type() == DataType.F32) {
                return r.anyPort(floats.apply(Val.dense(r.anyPort(worth(r, x.bytes(), new Scale(x.scale(), x.type(), x.zero()))),
                        x.bytes().dims)));
            }
            List<Byte> table = new ArrayList<>();
            for (int i = 0; i < 256; i++) {
                float v = ((x.type() == DataType.S8 ? (byte) i : i) - x.zero()) * x.scale();
                double y = Math.rint((float) f.applyAsDouble(v) / by) + result.zero();
                table.add((byte) Math.max(result.low(), Math.min(result.high(), y)));
            }
            return r.add("table", new ByteMapOp(table, result.type()), r.few(r.anyPort(x.bytes())));
        }, null, x.bytes().dims);
    }

    /** a + b or a * b of what both come from bytes; null otherwise. */
    static Val binary(Site s, BinaryOp.Operator op) {
        boolean known = op == BinaryOp.Operator.ADD || op == BinaryOp.Operator.MUL;
        return known && s.worth(0) != null && s.worth(1) != null ? pair(s.region(), op, s.any(0), s.any(1)) : null;
    }

    private static Val pair(Region r, BinaryOp.Operator op, Val a, Val b) {
        boolean product = op == BinaryOp.Operator.MUL;
        if (product && b.size() > a.size()) {
            return pair(r, op, b, a);
        }
        int rank = a.dims.length;
        boolean gates = product && rank > 2 && b.dims.length == rank && b.dim(0) == a.dim(0) && b.dim(1) == a.dim(1) && b.size() == a.dim(0)
                * a.dim(1);
        if (rank > 4 || !gates && !Arrays.equals(a.dims, b.dims)) {
            return null;
        }
        Val.Worth x = a.late.worth();
        Val.Worth y = b.late.worth();
        return late((by, result) -> r.add(op.name(), new BytePairOp(product, x.scale() * (product ? y.scale() : 1) / by, x.zero(), y.scale()
                / by, y.zero(), result), r.port(x.bytes()), r.port(y.bytes())), null, a.dims);
    }

    /** The same, or of floats that are repeated. */
    private static Val binary(Site s, BinaryOp.Operator op, Val a, Val b) {
        if (a == null || b == null) {
            return null;
        }
        Val of = pair(s.region(), op, a, b);
        boolean first = Arrays.equals(Walk.broadcast(a.dims, b.dims), a.dims);
        boolean second = Arrays.equals(Walk.broadcast(a.dims, b.dims), b.dims);
        return of != null ? of : first || second ? Rules.binary(s.region(), op, dense(s, first ? a : b), dense(s, first ? b : a)) : null;
    }

    private static Val dense(Site s, Val x) {
        return Val.dense(s.region().port(x), x.dims);
    }

    /** The mean of each channel of pictures; null of floats. */
    static Val mean(Site s, Val x) {
        if (x == null || x.late == null || x.late.worth() == null || x.dims.length < 3 || x.dims.length > 4) {
            return null;
        }
        Val.Worth w = x.late.worth();
        long[] dims = x.dims.clone();
        Arrays.fill(dims, 2, dims.length, 1);
        return late((by, result) -> s.region().add("mean", new ByteMeanOp(w.scale() / by, w.zero(), result), s.region().port(w.bytes())),
                null, dims);
    }

    /** Side by side, each in the result's scale; null if not all are bytes. */
    static Val concat(Region r, int axis, List<Val> parts) {
        boolean all = parts.size() > 1 && parts.stream().allMatch(p -> p != null && p.late != null && p.late.worth() != null
                && p.dims.length <= 4 && p.dims.length == parts.getFirst().dims.length);
        if (!all) {
            return null;
        }
        long[] dims = parts.getFirst().dims.clone();
        dims[axis] = parts.stream().mapToLong(p -> p.dim(axis)).sum();
        return late((by, result) -> r.add("concat", new ConcatOp(axis), parts.stream().map(p -> r.port(Val.dense(p.late.maker().make(by,
                result), p.dims))).toArray(Port[]::new)), null, dims);
    }

    /** Weights of a layer, what they and its result are worth. */
    record Filters(OnnxTensor weight, OnnxTensor scales, OnnxTensor zeros, OnnxTensor wholeBias, OnnxTensor bias, long groups,
            boolean inOut) {
        long outputs() {
            return weight.dim(inOut ? 1 : 0);
        }

        /** Null if these are not constants of the model that fit each other. */
        static Filters of(Site s, int i, long groups, boolean inOut) {
            OnnxTensor w = s.bytes(i);
            OnnxTensor zeros = s.bytes(i + 2);
            long n = w == null || w.rank() < 2 ? 0 : w.dim(inOut ? 1 : 0);
            boolean fits = n > 0 && groups > 0 && n % groups == 0 && w.size() / n <= BytesKernels.DEPTH && isOneOrAll(s.constant(i + 1), n)
                    && (!s.has(i + 2) || zeros != null && zeros.type() == w.type() && isOneOrAll(zeros, n));
            return fits ? new Filters(w, s.constant(i + 1), zeros, null, null, groups, inOut) : null;
        }

        private static boolean isOneOrAll(OnnxTensor t, long n) {
            return t != null && t.rank() <= 1 && (t.size() == 1 || t.size() == n);
        }

        Filters with(OnnxTensor whole, OnnxTensor floats) {
            return new Filters(weight, scales, zeros, whole, floats, groups, inOut);
        }

        /** @param by what a result's unit is worth, times one over what a source's is */
        ByteFilters packed(Packed packed, float source, float by) {
            long address = wholeBias != null ? wholeBias.segment().address() : bias != null ? bias.segment().address() : 0;
            long zero = zeros == null ? 0 : zeros.segment().address();
            Object key = List.of("filters", groups, inOut, source, by, address, zero, scales.segment().address());
            return packed.get(weight, key, arena -> {
                int n = Math.toIntExact(outputs());
                float[] factors = new float[n];
                float[] add = bias == null ? null : new float[n];
                int[] whole = wholeBias == null ? null : new int[n];
                int[] points = zeros == null ? null : new int[n];
                for (int j = 0; j < n; j++) {
                    factors[j] = source * (float) scales.real(j % scales.size()) / by;
                    if (add != null) {
                        add[j] = (float) bias.real(j) / by;
                    }
                    if (whole != null) {
                        whole[j] = (int) wholeBias.whole(j);
                    }
                    if (points != null) {
                        points[j] = (int) zeros.whole(j % zeros.size());
                    }
                }
                try (java.lang.foreign.Arena turned = java.lang.foreign.Arena.ofConfined()) {
                    return ByteFilters.of(arena, new ByteFilters.Source(rows(turned), groups, points, whole, factors, add));
                }
            });
        }

        /** Outputs first. */
        private Tensor rows(java.lang.foreign.Arena arena) {
            if (!inOut) {
                return weight.tensor(weight.dims());
            }
            Tensor turned = Tensor.allocate(arena, dev.gatun.tensor.TensorDesc.of(weight.tensor(1).type(), weight.dim(1), weight.dim(0)));
            for (long i = 0; i < weight.size(); i++) {
                turned.segment().set(java.lang.foreign.ValueLayout.JAVA_BYTE, i % weight.dim(1) * weight.dim(0) + i / weight.dim(1),
                        weight.segment().get(java.lang.foreign.ValueLayout.JAVA_BYTE, i));
            }
            return turned;
        }
    }

    /** A convolution of what bytes are worth; null if it is not one. */
    static Val conv(Site s, Val x, Filters f) {
        if (f == null || x == null || x.late == null || x.late.worth() == null || x.dims.length < 3 || x.dims.length > 4
                || f.weight.rank() != x.dims.length) {
            return null;
        }
        Spatial spatial = Spatial.of(s.call(), x.dims, Arrays.copyOfRange(f.weight.dims(), 2, f.weight.rank()));
        long[] out = spatial.output(x.dims, false);
        if (!spatial.isNative() || x.dim(1) != f.weight.dim(1) * f.groups || Arrays.stream(out).anyMatch(o -> o < 1)) {
            return null;
        }
        long[] dims = x.dims.clone();
        dims[1] = f.outputs();
        System.arraycopy(out, 0, dims, 2, out.length);
        return layer(s.region(), x.late.worth(), f, spatial.window(), dims, x.dims);
    }

    private static Val layer(Region r, Val.Worth x, Filters f, Window window, long[] dims, long... src) {
        long work = Call.product(dims, 0, dims.length) * (f.weight.size() / f.outputs());
        return late((by, result) -> r.add("bytes", new ByteConv(new ByteConvOp(f.packed(r.packed(), x.scale(), by), window, x.zero(),
                result)), work, r.port(x.bytes(), src)), null, dims);
    }

    /** A product of rows of what bytes are worth; null if it is not one. */
    static Val linear(Site s, Val x, Filters f) {
        if (f == null || x == null || x.late == null || x.late.worth() == null || x.dims.length == 0 || f.weight.rank() != 2
                || x.dim(-1) != f.weight.dim(f.inOut ? 0 : 1)) {
            return null;
        }
        long[] dims = x.dims.clone();
        dims[dims.length - 1] = f.outputs();
        s.region().countRows(x.size() / x.dim(-1));
        return layer(s.region(), x.late.worth(), f, null, dims, x.size() / x.dim(-1), x.dim(-1));
    }

    static void register() {
        Rules.one("QuantizeLinear", QuantRules::quantize);
        Rules.one("DequantizeLinear", QuantRules::dequantize);
        Rules.one(ByteLayers.CONV, s -> biased(s, Filters.of(s, 1, s.call().i("group", 1), false), f -> conv(s, s.any(0), f)));
        Rules.one(ByteLayers.LINEAR, s -> biased(s, Filters.of(s, 1, 1, !s.call().flag("transB")), f -> linear(s, s.any(0), f)));
        for (String domain : new String[] {"", Operators.MICROSOFT}) {
            Rules.one(domain, "QLinearConv", s -> s.call().flag("channels_last") ? null : qLinearConv(s));
        }
        Rules.one("QLinearMatMul", s -> result(s, 6, linear(s, worth(s, 0), Filters.of(s, 3, 1, true))));
        Rules.one(Operators.MICROSOFT, "QLinearAdd", s -> result(s, 6, binary(s, BinaryOp.Operator.ADD, worth(s, 0), worth(s, 3))));
        Rules.one(Operators.MICROSOFT, "QLinearMul", s -> result(s, 6, binary(s, BinaryOp.Operator.MUL, worth(s, 0), worth(s, 3))));
        Rules.one(Operators.MICROSOFT, "QLinearSigmoid", s -> result(s, 3, table(s, ActivationOps::sigmoid)));
        Rules.one(Operators.MICROSOFT, "QLinearLeakyRelu", s -> result(s, 3, table(s, ActivationOps.leaky(s.call().f("alpha", 0.01)))));
        Rules.one(Operators.MICROSOFT, "QLinearGlobalAveragePool", s -> s.call().flag("channels_last") ? null
                : result(s, 3, mean(s, worth(s, 0))));
        Rules.one(Operators.MICROSOFT, "QLinearConcat", QuantRules::qLinearConcat);
        Rules.one(Operators.MICROSOFT, "QGemm", QuantRules::qGemm);
    }

    private static Val table(Site s, DoubleUnaryOperator f) {
        Val x = worth(s, 0);
        return x == null ? null : table(s.region(), x.late.worth(), f, floats -> {
            throw new IllegalStateException("the result is bytes");
        });
    }

    private interface OfFilters {
        Val apply(Filters f);
    }

    /** With FLOAT bias, operand 4. */
    private static Val biased(Site s, Filters f, OfFilters layer) {
        OnnxTensor bias = f == null || !s.has(4) ? null : s.constant(4);
        return f == null || s.has(4) && (bias == null || bias.size() != f.outputs()) ? null : layer.apply(f.with(null, bias));
    }

    /** With INT32 bias, operand i. */
    private static Filters summed(Site s, int i, Filters f) {
        OnnxTensor bias = s.has(i) ? s.fixed(i) : null;
        boolean fits = !s.has(i) || f != null && bias != null && bias.type() == OnnxType.INT32 && bias.size() == f.outputs()
                && s.region().packed().isConstant(bias);
        return f == null || !fits ? null : f.with(bias, null);
    }

    private static Val qLinearConv(Site s) {
        return result(s, 6, conv(s, worth(s, 0), summed(s, 8, Filters.of(s, 3, s.call().i("group", 1), false))));
    }

    private static Val qGemm(Site s) {
        if (s.call().flag("transA") || s.call().f("alpha", 1) != 1) {
            return null;
        }
        Val sums = linear(s, worth(s, 0), summed(s, 6, Filters.of(s, 3, 1, !s.call().flag("transB"))));
        return s.has(7) ? result(s, 7, sums) : sums;
    }

    private static Val qLinearConcat(Site s) {
        List<Val> parts = new ArrayList<>();
        for (int i = 2; i + 2 < s.call().inputCount(); i += 3) {
            parts.add(worth(s, i));
        }
        if (parts.isEmpty() || parts.getFirst() == null) {
            return null;
        }
        Val all = concat(s.region(), s.call().axis("axis", 0, parts.getFirst().dims.length), parts);
        return result(s, 0, all);
    }
}
