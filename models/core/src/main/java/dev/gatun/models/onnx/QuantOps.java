package dev.gatun.models.onnx;

import dev.gatun.bindings.kernels.BytesKernels;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.op.ByteProductOp;
import dev.gatun.tensor.weights.LinearWeights;
import java.util.Arrays;
import java.util.List;

/** Quantized arithmetic, in integers. */
final class QuantOps {
    private QuantOps() {
    }

    /** The kernel of this family, or null. */
    static Kernel find(String op) {
        return switch (op) {
            case "QuantizeLinear" -> Operators.one(c -> {
                OnnxTensor zero = c.opt(2);
                OnnxType type = zero != null ? zero.type() : c.i("output_dtype", 0) != 0 ? OnnxType.ofCode(c.i("output_dtype", 0))
                        : OnnxType.UINT8;
                return quantize(c, c.in(0), c.in(1), zero, type);
            });
            case "DequantizeLinear" -> Operators.one(c -> dequantize(c, c.in(0), c.in(1), c.opt(2),
                    c.i("output_dtype", 0) != 0 ? OnnxType.ofCode(c.i("output_dtype", 0)) : c.in(1).type()));
            case "DynamicQuantizeLinear" -> Operators.many(c -> dynamic(c, c.in(0)));
            case "MatMulInteger" -> Operators.one(c -> matMulInteger(c, c.in(0), c.in(1), c.opt(2), c.opt(3)));
            case "ConvInteger" -> Operators.one(c -> integerConv(c, c.in(0), c.in(1), c.opt(2), c.opt(3)));
            case "QLinearMatMul" -> Operators.one(QuantOps::qLinearMatMul);
            case "QLinearConv" -> Operators.one(c -> qLinearConv(c, c.in(0)));
            default -> null;
        };
    }

    /** Which element of a scale or zero point belongs to an element of x. */
    @FunctionalInterface
    private interface Place {
        long of(long i);
    }

    private static Place place(Call c, OnnxTensor x, OnnxTensor scale) {
        if (scale.size() == 1) {
            return i -> 0;
        }
        int axis = c.axis("axis", 1, x.rank());
        long inner = Call.product(x.dims(), axis + 1, x.rank());
        long block = c.i("block_size", 0);
        if (scale.rank() == 1 && block == 0) {
            c.require(scale.size() == x.dim(axis), "the scale must have an element for each of dimension " + axis);
            return i -> i / inner % scale.size();
        }
        long blocks = scale.rank() == x.rank() ? scale.dim(axis) : 0;
        long size = block > 0 ? block : Math.ceilDiv(x.dim(axis), Math.max(1, blocks));
        c.require(blocks == Math.ceilDiv(x.dim(axis), size) && scale.size() == x.size() / x.dim(axis) * blocks,
                "the scale does not fit blocks of " + size);
        return i -> (i / inner / x.dim(axis) * blocks + i / inner % x.dim(axis) / size) * inner + i % inner;
    }

    static OnnxTensor quantize(Call c, OnnxTensor x, OnnxTensor scale, OnnxTensor zero, OnnxType type) {
        OnnxTensor y = c.make(type, x.dims());
        Place place = place(c, x, scale);
        boolean saturate = c.i("saturate", 1) != 0;
        boolean half = scale.type() == OnnxType.FLOAT16;
        for (long i = 0; i < x.size(); i++) {
            long p = place.of(i);
            float ratio = (float) x.real(i) / (float) scale.real(p);
            double v = half ? Float.float16ToFloat(Float.floatToFloat16(ratio)) : ratio;
            if (type.isReal()) {
                y.segment().set(java.lang.foreign.ValueLayout.JAVA_BYTE, i, SmallFloats.write(type, v, saturate));
            } else {
                y.putWhole(i, saturated(Math.rint(v) + (zero == null ? 0 : zero.whole(p)), type));
            }
        }
        return y;
    }

    static long saturated(double value, OnnxType type) {
        return (long) Math.max(type.min(), Math.min(type.max(), value));
    }

    static OnnxTensor dequantize(Call c, OnnxTensor x, OnnxTensor scale, OnnxTensor zero, OnnxType type) {
        OnnxTensor y = c.make(type, x.dims());
        Place place = place(c, x, scale);
        boolean real = x.type().isReal();
        for (long i = 0; i < x.size(); i++) {
            long p = place.of(i);
            double v = real ? x.real(i) : x.whole(i) - (zero == null ? 0 : zero.whole(p));
            y.put(i, (float) v * (float) scale.real(p));
        }
        return y;
    }

    /** To UINT8 over the range of x, in which 0 always is: y, scale, zero point. */
    static OnnxTensor[] dynamic(Call c, OnnxTensor x) {
        float min = 0;
        float max = 0;
        for (long i = 0; i < x.size(); i++) {
            float v = (float) x.real(i);
            min = Math.min(min, v);
            max = Math.max(max, v);
        }
        float scale = max == min ? 1 : (max - min) / 255;
        long zero = saturated(Math.rint(-min / scale), OnnxType.UINT8);
        OnnxTensor scales = c.scalar(OnnxType.FLOAT, scale);
        OnnxTensor zeros = c.make(OnnxType.UINT8);
        zeros.putWhole(0, zero);
        OnnxTensor y = c.make(OnnxType.UINT8, x.dims());
        for (long i = 0; i < x.size(); i++) {
            y.putWhole(i, saturated(Math.rint((float) x.real(i) / scale) + zero, OnnxType.UINT8));
        }
        return new OnnxTensor[] {y, scales, zeros};
    }

    /** Zero point of a row or column; 0 where there is none. */
    private static int[] zeros(OnnxTensor zero, long count) {
        int[] values = new int[Math.toIntExact(count)];
        for (int i = 0; i < values.length && zero != null; i++) {
            values[i] = (int) zero.whole(i % Math.max(1, zero.size()));
        }
        return values;
    }

    /** INT32 of the products of what is left after the zero points. */
    static OnnxTensor matMulInteger(Call c, OnnxTensor a, OnnxTensor b, OnnxTensor aZero, OnnxTensor bZero) {
        if (a.rank() == 1 || b.rank() == 1) {
            OnnxTensor y = matMulInteger(c, a.rank() == 1 ? a.view(1, a.dim(0)) : a, b.rank() == 1 ? b.view(b.dim(0), 1) : b, aZero, bZero);
            boolean[] gone = new boolean[y.rank()];
            gone[y.rank() - 1] = b.rank() == 1;
            gone[y.rank() - 2] = a.rank() == 1;
            return y.view(ReduceOps.pick(y.dims(), gone, false));
        }
        long[] batch = Walk.broadcast(Arrays.copyOf(a.dims(), a.rank() - 2), Arrays.copyOf(b.dims(), b.rank() - 2));
        int m = Math.toIntExact(a.dim(-2));
        int k = Math.toIntExact(a.dim(-1));
        int n = Math.toIntExact(b.dim(-1));
        c.require(k == b.dim(-2), "K " + k + " != " + b.dim(-2));
        long[] dims = Arrays.copyOf(batch, batch.length + 2);
        dims[batch.length] = m;
        dims[batch.length + 1] = n;
        OnnxTensor fast = natively(c, a, b, aZero, bZero, dims);
        if (fast != null) {
            return fast;
        }
        OnnxTensor y = c.make(OnnxType.INT32, dims);
        long count = Call.product(batch, 0, batch.length);
        OnnxTensor left = ShapeOps.expand(c, a, with(batch, m, k));
        OnnxTensor right = ShapeOps.expand(c, b, with(batch, k, n));
        int[] sums = new int[n];
        for (long t = 0; t < count * m; t++) {
            long page = t / m;
            int az = zeroOf(aZero, a, t, page, m, true);
            Arrays.fill(sums, 0);
            for (int p = 0; p < k; p++) {
                int av = (int) left.whole(t * k + p) - az;
                for (int j = 0; j < n; j++) {
                    sums[j] += av * ((int) right.whole((page * k + p) * n + j)
                            - (bZero == null ? 0 : zeroOf(bZero, b, page * n + j, page, n, false)));
                }
            }
            for (int j = 0; j < n; j++) {
                y.putWhole(t * n + j, sums[j]);
            }
        }
        return y;
    }

    /** [.., K] by a constant [K, N] with a zero point for all or for each column; null if this is not for it. */
    private static OnnxTensor natively(Call c, OnnxTensor a, OnnxTensor b, OnnxTensor aZero, OnnxTensor bZero, long... dims) {
        long k = a.dim(-1);
        long rows = k == 0 ? 0 : a.size() / k;
        Packed packed = c.natives().packed();
        if (b.rank() != 2 || aZero != null && (aZero.size() != 1 || aZero.type() != a.type()) || rows == 0 || b.size() == 0
                || k > BytesKernels.DEPTH || rows * b.size() < ProductOps.SMALL || !c.natives().ready() || !packed.isConstant(b)
                || bZero != null && (!packed.isConstant(bZero) || bZero.size() != 1 && bZero.size() != b.dim(1)
                        || bZero.type() != b.type())) {
            return null;
        }
        LinearWeights weights = packed.get(b, "bytes " + (bZero == null ? 0 : bZero.segment().address()), arena ->
                LinearWeights.packBytes(arena, List.of(new LinearWeights.ByteSource(b.tensor(b.dims()), true, null,
                        bZero == null ? null : bZero.tensor(bZero.size()), null))));
        Tensor[] operands = aZero == null ? new Tensor[] {a.tensor(rows, k)} : new Tensor[] {a.tensor(rows, k), aZero.tensor(1)};
        return c.natives().run(c, OnnxType.INT32, List.of(c.step(), weights, rows, operands.length, a.type()), operands,
                (p, in) -> p.add(new ByteProductOp(weights), in), dims);
    }

    private static long[] with(long[] batch, long rows, long columns) {
        long[] dims = Arrays.copyOf(batch, batch.length + 2);
        dims[batch.length] = rows;
        dims[batch.length + 1] = columns;
        return dims;
    }

    /** One for all, one for each row (or column), or one for each of each matrix. */
    private static int zeroOf(OnnxTensor zero, OnnxTensor x, long line, long page, long lines, boolean rows) {
        if (zero == null) {
            return 0;
        }
        return (int) zero.whole(zero.size() == 1 ? 0 : zero.size() == lines ? line % lines : line);
    }

    private static OnnxTensor integerConv(Call c, OnnxTensor x, OnnxTensor w, OnnxTensor xZero, OnnxTensor wZero) {
        OnnxTensor xs = c.make(OnnxType.DOUBLE, x.dims());
        OnnxTensor ws = c.make(OnnxType.DOUBLE, w.dims());
        long each = w.size() / Math.max(1, w.dim(0));
        long xz = xZero == null ? 0 : xZero.whole(0);
        for (long i = 0; i < x.size(); i++) {
            xs.put(i, x.whole(i) - xz);
        }
        int[] wz = zeros(wZero, w.dim(0));
        for (long i = 0; i < w.size(); i++) {
            ws.put(i, w.whole(i) - wz[(int) (i / each)]);
        }
        // Products of bytes and their sums are exact in double.
        return CastOps.cast(c, ConvOps.conv(c, xs, ws, null, dev.gatun.tensor.op.Activation.NONE, null), OnnxType.INT32);
    }

    private static OnnxTensor qLinearMatMul(Call c) {
        OnnxTensor a = c.in(0);
        OnnxTensor b = c.in(3);
        OnnxTensor sums = matMulInteger(c, a, b, c.opt(2), c.opt(5));
        OnnxTensor left = c.in(1);
        OnnxTensor right = c.in(4);
        OnnxTensor last = c.in(6);
        long n = b.rank() == 1 ? 1 : b.dim(-1);
        long m = a.rank() == 1 ? 1 : a.dim(-2);
        OnnxTensor y = c.make(c.in(7).type(), sums.dims());
        for (long i = 0; i < sums.size(); i++) {
            float by = (float) left.real(left.size() == 1 ? 0 : i / n % left.size()) * (float) right.real(right.size() == 1 ? 0 : i % n
                    % right.size()) / (float) last.real(last.size() == 1 ? 0 : i / n % m);
            y.putWhole(i, saturated(Math.rint(sums.whole(i) * by) + c.in(7).whole(0), y.type()));
        }
        return y;
    }

    /** @param x of the first operand's type; channels are its second dimension */
    static OnnxTensor qLinearConv(Call c, OnnxTensor x) {
        OnnxTensor sums = integerConv(c, x, c.in(3), c.opt(2), c.opt(5));
        long channels = sums.dim(1);
        if (c.has(8)) {
            long[] dims = new long[sums.rank() - 1];
            Arrays.fill(dims, 1);
            dims[0] = channels;
            sums = BinaryOps.whole(c, sums, c.in(8).view(dims), Long::sum);
        }
        float[] by = new float[Math.toIntExact(channels)];
        for (int i = 0; i < by.length; i++) {
            by[i] = (float) c.in(1).real(0) * (float) c.in(4).real(i % c.in(4).size());
        }
        return requantized(c, sums, Call.product(sums.dims(), 2, sums.rank()), by, (float) c.in(6).real(0), c.in(7));
    }

    /** Bytes of the type of the zero point: sums by a factor of their column, over the scale; columns are {@code inner} apart. */
    static OnnxTensor requantized(Call c, OnnxTensor sums, long inner, float[] by, float scale, OnnxTensor zero) {
        OnnxTensor y = c.make(zero.type(), sums.dims());
        long point = zero.whole(0);
        for (long i = 0; i < sums.size(); i++) {
            float factor = by[(int) (i / inner % by.length)] / scale;
            y.putWhole(i, saturated(Math.rint(sums.whole(i) * factor) + point, y.type()));
        }
        return y;
    }

    /** FLOAT: sums times a factor of their column, + bias. */
    static OnnxTensor scaled(Call c, OnnxTensor sums, float[] by, OnnxTensor bias) {
        OnnxTensor y = c.make(OnnxType.FLOAT, sums.dims());
        for (long i = 0; i < sums.size(); i++) {
            int column = (int) (i % by.length);
            y.put(i, sums.whole(i) * by[column] + (bias == null ? 0f : (float) bias.real(column)));
        }
        return y;
    }

    /** The same, by the scales of the left and of the right: one for all or for each column. */
    static OnnxTensor scaled(Call c, OnnxTensor sums, OnnxTensor left, OnnxTensor right, OnnxTensor bias) {
        c.require(left.size() == 1 && (right.size() == 1 || right.size() == sums.dim(-1)), "scales do not fit");
        float[] by = new float[Math.toIntExact(sums.dim(-1))];
        for (int j = 0; j < by.length; j++) {
            by[j] = (float) left.real(0) * (float) right.real(right.size() == 1 ? 0 : j);
        }
        return scaled(c, sums, by, bias);
    }
}
