package dev.gatun.models.onnx;

import java.util.function.DoubleUnaryOperator;

/** Activations, of the default domain and of com.microsoft; also those that recurrent cells name. */
final class ActivationOps {
    private static final double SQRT_HALF = Math.sqrt(0.5);
    private static final double SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);

    private ActivationOps() {
    }

    static void register() {
        simple("Relu", x -> Double.isNaN(x) ? x : Math.max(x, 0));
        simple("Sigmoid", ActivationOps::sigmoid);
        simple("Softplus", ActivationOps::softplus);
        simple("Softsign", x -> x / (1 + Math.abs(x)));
        simple("Mish", x -> x * Math.tanh(softplus(x)));
        simple("HardSwish", x -> x * Math.max(0, Math.min(1, x / 6 + 0.5)));
        with("LeakyRelu", c -> leaky(c.f("alpha", 0.01)));
        with("Elu", c -> elu(c.f("alpha", 1)));
        with("ThresholdedRelu", c -> thresholded(c.f("alpha", 1)));
        with("HardSigmoid", c -> hardSigmoid(c.f("alpha", 0.2), c.f("beta", 0.5)));
        with("Celu", c -> {
            double a = c.f("alpha", 1);
            return x -> Math.max(0, x) + Math.min(0, a * Math.expm1(x / a));
        });
        with("Selu", c -> {
            double alpha = c.f("alpha", 1.67326319217681884765625);
            double gamma = c.f("gamma", 1.05070102214813232421875);
            return x -> gamma * (x > 0 ? x : alpha * Math.expm1(x));
        });
        with("Swish", c -> {
            double alpha = c.f("alpha", 1);
            return x -> x * sigmoid(alpha * x);
        });
        with("Gelu", c -> c.s("approximate", "none").equals("tanh") ? ActivationOps::geluTanh : ActivationOps::gelu);
        Operators.one("PRelu", c -> BinaryOps.real(c, c.in(0), c.in(1), (x, s) -> x < 0 ? x * s : x));
        Operators.one("SwiGLU", ActivationOps::swiGlu);
        Operators.microsoft("Gelu", c -> ElementOps.real(c, c.in(0), ActivationOps::gelu));
        Operators.microsoft("FastGelu", c -> biased(c, ActivationOps::geluTanh));
        Operators.microsoft("BiasGelu", c -> biased(c, ActivationOps::gelu));
        Operators.microsoft("QuickGelu", c -> {
            double alpha = c.f("alpha", 1.702);
            return ElementOps.real(c, c.in(0), x -> x * sigmoid(alpha * x));
        });
    }

    private static void simple(String op, DoubleUnaryOperator f) {
        with(op, c -> f);
    }

    @FunctionalInterface
    private interface Choice {
        DoubleUnaryOperator of(Call c);
    }

    private static void with(String op, Choice choice) {
        Operators.one(op, c -> {
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
