package dev.gatun.tensor.op;

import dev.gatun.bindings.kernels.Functions;
import dev.gatun.bindings.onednn.Algorithms;
import dev.gatun.bindings.onednn.Attributes;

/** Element-wise functions that a product, a convolution or an element-wise operation can end with. */
public enum Activation {
    /** x. */
    NONE,
    /** max(x, 0). */
    RELU,
    /** x * Phi(x), with the exact normal distribution (Hendrycks and Gimpel 2016). */
    GELU_ERF,
    /** The tanh approximation of GELU. */
    GELU_TANH,
    /** x * sigmoid(x), also called swish. */
    SILU,
    /** min(max(x, 0), 6). */
    RELU6,
    /** x * min(max(x + 3, 0), 6) / 6. */
    HARDSWISH,
    /** Hyperbolic tangent. */
    TANH,
    /** 1 / (1 + exp(-x)). */
    SIGMOID,
    /** max(x, 0)^2. */
    RELU2,
    /** x * sigmoid(1.702 x). */
    QUICK_GELU,
    /** x * tanh(log(1 + exp(x))) (Misra 2019). */
    MISH;

    /** The {@code dnnl_alg_kind_t} value; NONE has none. RELU2 is followed by a square. */
    public int oneDnnAlgorithm() {
        return switch (this) {
            case NONE -> throw new IllegalStateException("no activation has no algorithm");
            case RELU, RELU2 -> Algorithms.ELTWISE_RELU;
            case GELU_ERF -> Algorithms.ELTWISE_GELU_ERF;
            case GELU_TANH -> Algorithms.ELTWISE_GELU_TANH;
            case SILU, QUICK_GELU -> Algorithms.ELTWISE_SWISH;
            case RELU6 -> Algorithms.ELTWISE_CLIP;
            case HARDSWISH -> Algorithms.ELTWISE_HARDSWISH;
            case TANH -> Algorithms.ELTWISE_TANH;
            case SIGMOID -> Algorithms.ELTWISE_LOGISTIC;
            case MISH -> Algorithms.ELTWISE_MISH;
        };
    }

    /** oneDNN's first parameter of the function. */
    public float alpha() {
        return switch (this) {
            case SILU -> 1f;
            case HARDSWISH -> 1f / 6f;
            case QUICK_GELU -> 1.702f;
            case NONE, RELU, GELU_ERF, GELU_TANH, RELU6, TANH, SIGMOID, RELU2, MISH -> 0f;
        };
    }

    /** oneDNN's second parameter of the function. */
    public float beta() {
        return switch (this) {
            case RELU6 -> 6f;
            case HARDSWISH -> 0.5f;
            case NONE, RELU, GELU_ERF, GELU_TANH, SILU, TANH, SIGMOID, RELU2, QUICK_GELU, MISH -> 0f;
        };
    }

    /** The number that our own kernels know this function by. */
    public int kernelCode() {
        return switch (this) {
            case NONE -> Functions.NONE;
            case RELU -> Functions.RELU;
            case GELU_ERF -> Functions.GELU_ERF;
            case GELU_TANH -> Functions.GELU_TANH;
            case SILU -> Functions.SILU;
            case RELU6 -> Functions.RELU6;
            case HARDSWISH -> Functions.HARDSWISH;
            case TANH -> Functions.TANH;
            case SIGMOID -> Functions.SIGMOID;
            case RELU2 -> Functions.RELU2;
            case QUICK_GELU -> Functions.QUICK_GELU;
            case MISH -> Functions.MISH;
        };
    }

    /** Appends this function as a post-op, unless it is NONE. */
    public void appendTo(Attributes attributes) {
        if (this != NONE) {
            attributes.appendEltwise(oneDnnAlgorithm(), alpha(), beta());
        }
        if (this == RELU2) {
            attributes.appendEltwise(Algorithms.ELTWISE_SQUARE, 0f, 0f);
        }
    }
}
