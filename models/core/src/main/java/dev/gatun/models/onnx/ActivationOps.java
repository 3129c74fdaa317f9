package dev.gatun.models.onnx;

import java.util.function.DoubleUnaryOperator;

/** Activations, of the default domain and of com.microsoft; also those that recurrent cells name. */
final class ActivationOps {
    private static final double SQRT_HALF = Math.sqrt(0.5);
    private static final double SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);

    private ActivationOps() {
    }

    /** The kernel of this family, or null. */
    static Kernel find(String op) {
        return switch (op) {
            case "Relu" -> simple(x -> Double.isNaN(x) ? x : Math.max(x, 0));
            case "Sigmoid" -> simple(ActivationOps::sigmoid);
            case "Softplus" -> simple(ActivationOps::softplus);
            case "Softsign" -> simple(x -> x / (1 + Math.abs(x)));
            case "Mish" -> simple(x -> x * Math.tanh(softplus(x)));
            case "HardSwish" -> simple(x -> x * Math.max(0, Math.min(1, x / 6 + 0.5)));
            case "LeakyRelu" -> with(c -> leaky(c.f("alpha", 0.01)));
            case "Elu" -> with(c -> elu(c.f("alpha", 1)));
            case "ThresholdedRelu" -> with(c -> thresholded(c.f("alpha", 1)));
            case "HardSigmoid" -> with(c -> hardSigmoid(c.f("alpha", 0.2), c.f("beta", 0.5)));
            case "Celu" -> with(c -> {
                double a = c.f("alpha", 1);
                return x -> Math.max(0, x) + Math.min(0, a * Math.expm1(x / a));
            });
            case "Selu" -> with(c -> {
                double alpha = c.f("alpha", 1.67326319217681884765625);
                double gamma = c.f("gamma", 1.05070102214813232421875);
                return x -> gamma * (x > 0 ? x : alpha * Math.expm1(x));
            });
            case "Swish" -> with(c -> {
                double alpha = c.f("alpha", 1);
                return x -> x * sigmoid(alpha * x);
            });
            case "Gelu" -> with(c -> c.s("approximate", "none").equals("tanh") ? ActivationOps::geluTanh : ActivationOps::gelu);
            case "PRelu" -> Operators.one(c -> BinaryOps.real(c, c.in(0), c.in(1), (x, s) -> x < 0 ? x * s : x));
            case "SwiGLU" -> Operators.one(ActivationOps::swiGlu);
            case Operators.MICROSOFT + ":Gelu" -> Operators.one(c -> ElementOps.real(c, c.in(0), ActivationOps::gelu));
            case Operators.MICROSOFT + ":FastGelu" -> Operators.one(c -> biased(c, ActivationOps::geluTanh));
            case Operators.MICROSOFT + ":BiasGelu" -> Operators.one(c -> biased(c, ActivationOps::gelu));
            case Operators.MICROSOFT + ":QuickGelu" -> Operators.one(c -> {
                double alpha = c.f("alpha", 1.702);
                return ElementOps.real(c, c.in(0), x -> x * sigmoid(alpha * x));
            });
            default -> null;
        };
    }

    private static Kernel simple(DoubleUnaryOperator f) {
        return with(c -> f);
    }

    @FunctionalInterface
    private interface Choice {
        DoubleUnaryOperator of(Call c);
    }

    private static Kernel with(Choice choice) {
        return Operators.one(c -> {
            OnnxTensor x = c.in(0);
            return x.type().isReal() ? ElementOps.real(c, x, choice.of(c))
                    : ElementOps.whole(c, x, v -> (long) choice.of(c).applyAsDouble(v));
        });
    }

    /** [.., 2d] to [.., d]: the first half gates, or the second, by what the operator's attributes say. */
    private static OnnxTensor swiGlu(Call c) {
        OnnxTensor a = c.in(0);
        OnnxTensor b = c.in(1);
        double alpha = c.f("alpha", 1);
        return BinaryOps.real(c, a, b, (x, y) -> x * sigmoid(alpha * x) * y);
    }

    private static OnnxTensor biased(Call c, DoubleUnaryOperator f) {
        return c.has(1) ? BinaryOps.real(c, c.in(0), c.in(1), (x, b) -> f.applyAsDouble(x + b)) : ElementOps.real(c, c.in(0), f);
    }

    static double sigmoid(double x) {
        return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
    }

    static double softplus(double x) {
        return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
    }

    static double gelu(double x) {
        return 0.5 * x * (1 + ElementOps.erf(x * SQRT_HALF));
    }

    static double geluTanh(double x) {
        return 0.5 * x * (1 + Math.tanh(SQRT_2_OVER_PI * (x + 0.044715 * x * x * x)));
    }

    static DoubleUnaryOperator leaky(double alpha) {
        return x -> x < 0 ? alpha * x : x;
    }

    private static DoubleUnaryOperator elu(double alpha) {
        return x -> x < 0 ? alpha * Math.expm1(x) : x;
    }

    private static DoubleUnaryOperator thresholded(double alpha) {
        return x -> x > alpha ? x : 0;
    }

    private static DoubleUnaryOperator hardSigmoid(double alpha, double beta) {
        return x -> Math.max(0, Math.min(1, alpha * x + beta));
    }

    /** An activation of a recurrent cell; NaN parameters mean defaults. */
    static DoubleUnaryOperator named(String name, double alpha, double beta) {
        double a = alpha;
        return switch (name.toLowerCase(java.util.Locale.ROOT)) {
            case "relu" -> x -> Math.max(x, 0);
            case "tanh" -> Math::tanh;
            case "sigmoid" -> ActivationOps::sigmoid;
            case "softsign" -> x -> x / (1 + Math.abs(x));
            case "softplus" -> ActivationOps::softplus;
            case "affine" -> x -> (Double.isNaN(a) ? 1 : a) * x + (Double.isNaN(beta) ? 0 : beta);
            case "leakyrelu" -> leaky(Double.isNaN(a) ? 0.01 : a);
            case "thresholdedrelu" -> thresholded(Double.isNaN(a) ? 1 : a);
            case "scaledtanh" -> x -> a * Math.tanh(beta * x);
            case "hardsigmoid" -> hardSigmoid(Double.isNaN(a) ? 0.2 : a, Double.isNaN(beta) ? 0.5 : beta);
            case "elu" -> elu(Double.isNaN(a) ? 1 : a);
            default -> throw new IllegalArgumentException("the activation " + name + " is not known");
        };
    }
}
