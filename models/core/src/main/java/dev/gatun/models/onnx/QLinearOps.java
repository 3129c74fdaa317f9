package dev.gatun.models.onnx;

import dev.gatun.tensor.op.Activation;
import java.util.Arrays;
import java.util.function.DoubleUnaryOperator;

/** Operators of com.microsoft whose operands and results are bytes: what the bytes are worth is computed with, and rounded once. */
final class QLinearOps {
    private QLinearOps() {
    }

    /** The kernel of this family, or null. */
    static Kernel find(String op) {
        return switch (op) {
            case Operators.MICROSOFT + ":QLinearAdd" ->
                Operators.one(c -> quantized(c, BinaryOps.real(c, worth(c, 0), worth(c, 3), Double::sum), 6));
            case Operators.MICROSOFT + ":QLinearMul" ->
                Operators.one(c -> quantized(c, BinaryOps.real(c, worth(c, 0), worth(c, 3), (a, b) -> a * b), 6));
            case Operators.MICROSOFT + ":QLinearSigmoid" -> Operators.one(c -> function(c, ActivationOps::sigmoid));
            case Operators.MICROSOFT + ":QLinearLeakyRelu" -> Operators.one(c -> function(c, ActivationOps.leaky(c.f("alpha", 0.01))));
            case Operators.MICROSOFT + ":QLinearSoftmax" -> Operators.one(QLinearOps::softmax);
            case Operators.MICROSOFT + ":QLinearAveragePool" ->
                Operators.one(c -> quantized(c, nhwc(c, worth(c, 0), x -> PoolOps.average(c.with(x))), 3));
            case Operators.MICROSOFT + ":QLinearGlobalAveragePool" ->
                Operators.one(c -> quantized(c, nhwc(c, worth(c, 0), x -> PoolOps.globalAverage(c.with(x))), 3));
            case Operators.MICROSOFT + ":QLinearConcat" -> Operators.one(QLinearOps::concat);
            case Operators.MICROSOFT + ":QLinearWhere" ->
                Operators.one(c -> quantized(c, BinaryOps.where(c.with(c.in(0), worth(c, 1), worth(c, 4))), 7));
            case Operators.MICROSOFT + ":QLinearConv" -> Operators.one(c -> nhwc(c, c.in(0), x -> QuantOps.qLinearConv(c, x)));
            case Operators.MICROSOFT + ":QGemm" -> Operators.one(QLinearOps::gemm);
            case Operators.MICROSOFT + ":NhwcConv" -> Operators.one(QLinearOps::conv);
            default -> null;
        };
    }

    /** The bytes of operand i as FLOAT, by the scale and the zero point that follow it. */
    private static OnnxTensor worth(Call c, int i) {
        return QuantOps.dequantize(c, c.in(i), one(c, i + 1), c.opt(i + 2), OnnxType.FLOAT);
    }

    private static OnnxTensor one(Call c, int i) {
        c.require(c.in(i).size() == 1, "operand " + i + " must be one number");
        return c.in(i);
    }

    /** By the scale that is operand i, and the zero point after it; of the first operand's type without one. */
    private static OnnxTensor quantized(Call c, OnnxTensor x, int i) {
        return QuantOps.quantize(c, x, one(c, i), c.opt(i + 1), c.has(i + 1) ? c.in(i + 1).type() : c.in(0).type());
    }

    private static OnnxTensor function(Call c, DoubleUnaryOperator f) {
        return quantized(c, ElementOps.real(c, worth(c, 0), f), 3);
    }

    private static OnnxTensor softmax(Call c) {
        OnnxTensor x = worth(c, 0);
        c.require(c.hasAttribute("opset"), "the attribute opset is missing");
        OnnxTensor y = c.like(x);
        SoftmaxOps.each(c, x, c.i("opset", 0) < 13, (start, n, stride) -> SoftmaxOps.row(c.elements(), x, y, start, n, stride, false));
        return quantized(c, y, 3);
    }

    private static OnnxTensor concat(Call c) {
        c.require(c.inputCount() >= 5 && (c.inputCount() - 2) % 3 == 0, "expected a scale, a zero point and threes of operands");
        OnnxTensor[] parts = new OnnxTensor[(c.inputCount() - 2) / 3];
        Arrays.setAll(parts, i -> worth(c, 2 + 3 * i));
        OnnxTensor all = MoveOps.concat(c, c.axis("axis", 0, parts[0].rank()), parts);
        return QuantOps.quantize(c, all, one(c, 0), c.in(1), c.in(1).type());
    }

    /** alpha * (A B + C): FLOAT, or bytes by the scale of the result where there is one. */
    private static OnnxTensor gemm(Call c) {
        OnnxTensor a = c.flag("transA") ? ProductOps.swapped(c, c.in(0)) : c.in(0);
        OnnxTensor b = c.flag("transB") ? ProductOps.swapped(c, c.in(3)) : c.in(3);
        OnnxTensor sums = QuantOps.matMulInteger(c, a, b, c.opt(2), c.opt(5));
        sums = c.has(6) ? BinaryOps.whole(c, sums, c.in(6), Long::sum) : sums;
        long n = sums.dim(-1);
        OnnxTensor scales = c.in(4);
        c.require(c.in(1).size() == 1 && (scales.size() == 1 || scales.size() == n), "scales do not fit");
        float[] by = new float[Math.toIntExact(n)];
        for (int j = 0; j < by.length; j++) {
            by[j] = c.f("alpha", 1) * (float) c.in(1).real(0) * (float) scales.real(scales.size() == 1 ? 0 : j);
        }
        return c.has(7) ? QuantOps.requantized(c, sums, 1, by, (float) one(c, 7).real(0), c.in(8)) : QuantOps.scaled(c, sums, by, null);
    }

    /** Pictures [N, H, W, C] by weights [M, KH, KW, C / group]. */
    private static OnnxTensor conv(Call c) {
        OnnxTensor x = c.in(0);
        OnnxTensor w = c.in(1);
        c.require(x.rank() >= 3 && w.rank() == x.rank() && w.dim(-1) * c.i("group", 1) == x.dim(-1),
                "expected pictures [N, ..., C] and weights [M, ..., C / group]");
        return last(c, ConvOps.conv(c, first(c, x), first(c, w), c.opt(2), Activation.NONE, null));
    }

    private interface OfPictures {
        OnnxTensor apply(OnnxTensor channelsFirst);
    }

    /** Channels come first for a kernel if they are last. */
    private static OnnxTensor nhwc(Call c, OnnxTensor x, OfPictures kernel) {
        return c.flag("channels_last") ? last(c, kernel.apply(first(c, x))) : kernel.apply(x);
    }

    private static OnnxTensor first(Call c, OnnxTensor x) {
        int[] order = new int[x.rank()];
        Arrays.setAll(order, i -> i < 2 ? i * (x.rank() - 1) : i - 1);
        return MoveOps.transpose(c, x, order);
    }

    private static OnnxTensor last(Call c, OnnxTensor x) {
        int[] order = new int[x.rank()];
        Arrays.setAll(order, i -> i == 0 ? 0 : i == order.length - 1 ? 1 : i + 1);
        return MoveOps.transpose(c, x, order);
    }
}
