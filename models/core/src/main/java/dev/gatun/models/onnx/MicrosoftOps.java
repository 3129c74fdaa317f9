package dev.gatun.models.onnx;

import dev.gatun.tensor.op.Activation;

/** Operators of com.microsoft that ONNX Runtime's optimizer writes into files. */
final class MicrosoftOps {
    private MicrosoftOps() {
    }

    /** The kernel of this family, or null. */
    static Kernel find(String op) {
        return switch (op) {
            case Operators.MICROSOFT + ":SkipLayerNormalization" -> Operators.many(c -> skipNorm(c, false));
            case Operators.MICROSOFT + ":SkipSimplifiedLayerNormalization" -> Operators.many(c -> skipNorm(c, true));
            case "SimplifiedLayerNormalization" -> Operators.one(MicrosoftOps::simplified);
            case Operators.MICROSOFT + ":FusedConv" -> Operators.one(MicrosoftOps::fusedConv);
            case Operators.MICROSOFT + ":FusedGemm" -> Operators.one(c -> {
                OnnxTensor y = ProductOps.gemm(c);
                double alpha = c.hasAttribute("activation_alpha") ? c.f("activation_alpha", 0) : Double.NaN;
                double beta = c.hasAttribute("activation_beta") ? c.f("activation_beta", 0) : Double.NaN;
                return ElementOps.real(c, y, ActivationOps.named(c.s("activation", ""), alpha, beta));
            });
            case Operators.MICROSOFT + ":MatMulIntegerToFloat" ->
                Operators.one(c -> QuantOps.scaled(c, QuantOps.matMulInteger(c, c.in(0), c.in(1), c.opt(4), c.opt(5)),
                    c.in(2), c.in(3), c.opt(6)));
            case Operators.MICROSOFT + ":DynamicQuantizeMatMul" -> Operators.one(ByteRules::dynamic);
            default -> null;
        };
    }

    /** x + skip (+ bias), normalized over the last dimension; the sum is the fourth result. */
    private static OnnxValue[] skipNorm(Call c, boolean rms) {
        OnnxTensor sum = BinaryOps.real(c, c.in(0), c.in(1), Double::sum);
        int biasAt = rms ? 3 : 4;
        sum = c.has(biasAt) ? BinaryOps.real(c, sum, c.in(biasAt), Double::sum) : sum;
        c.require(!c.wants(1) && !c.wants(2), "mean and deviation are not given");
        double epsilon = c.f("epsilon", 1e-12);
        OnnxTensor y = rms ? NormOps.rms(c, sum, c.in(2), sum.rank() - 1, epsilon, null)
                : (OnnxTensor) NormOps.layer(c, sum, c.in(2), c.opt(3), sum.rank() - 1, epsilon)[0];
        return new OnnxValue[] {y, null, null, sum};
    }

    private static OnnxTensor simplified(Call c) {
        OnnxTensor x = c.in(0);
        return NormOps.rms(c, x, c.in(1), c.axis("axis", -1, x.rank()), c.f("epsilon", 1e-5), null);
    }

    /** activation(convolution + z). */
    private static OnnxTensor fusedConv(Call c) {
        OnnxTensor z = c.opt(3);
        String name = c.s("activation", "");
        float[] params = c.floats("activation_params");
        Activation activation = switch (name) {
            case "" -> Activation.NONE;
            case "Relu" -> Activation.RELU;
            case "Tanh" -> Activation.TANH;
            case "Sigmoid" -> Activation.SIGMOID;
            default -> null;
        };
        if (activation != null) {
            return ConvOps.conv(c, c.in(0), c.in(1), c.opt(2), activation, z);
        }
        OnnxTensor y = ConvOps.conv(c, c.in(0), c.in(1), c.opt(2), Activation.NONE, z);
        if (name.equals("Clip")) {
            c.require(params != null && params.length == 2, "Clip needs two parameters");
            return ElementOps.real(c, y, v -> Math.max(params[0], Math.min(params[1], v)));
        }
        double alpha = params != null && params.length > 0 ? params[0] : Double.NaN;
        return ElementOps.real(c, y, ActivationOps.named(name, alpha, params != null && params.length > 1 ? params[1] : Double.NaN));
    }
}
