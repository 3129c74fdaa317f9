package dev.gatun.bindings.onednn;

import dev.gatun.bindings.onednn.gen.OneDnnC;

/** {@code dnnl_alg_kind_t} values, with the formulas of oneDNN's documentation. */
public final class Algorithms {
    public static final int BINARY_ADD = OneDnnC.dnnl_binary_add();
    public static final int BINARY_SUB = OneDnnC.dnnl_binary_sub();
    public static final int BINARY_MUL = OneDnnC.dnnl_binary_mul();
    public static final int BINARY_DIV = OneDnnC.dnnl_binary_div();
    public static final int BINARY_MAX = OneDnnC.dnnl_binary_max();
    public static final int BINARY_MIN = OneDnnC.dnnl_binary_min();

    public static final int CONVOLUTION_DIRECT = OneDnnC.dnnl_convolution_direct();
    public static final int CONVOLUTION_AUTO = OneDnnC.dnnl_convolution_auto();
    public static final int DECONVOLUTION_DIRECT = OneDnnC.dnnl_deconvolution_direct();

    public static final int ELTWISE_ABS = OneDnnC.dnnl_eltwise_abs();
    /** min(max(x, alpha), beta). */
    public static final int ELTWISE_CLIP = OneDnnC.dnnl_eltwise_clip();
    public static final int ELTWISE_ELU = OneDnnC.dnnl_eltwise_elu();
    public static final int ELTWISE_EXP = OneDnnC.dnnl_eltwise_exp();
    public static final int ELTWISE_GELU_ERF = OneDnnC.dnnl_eltwise_gelu_erf();
    public static final int ELTWISE_GELU_TANH = OneDnnC.dnnl_eltwise_gelu_tanh();
    /** x * min(max(alpha * x + beta, 0), 1): alpha 1/6 and beta 1/2 for the usual one. */
    public static final int ELTWISE_HARDSWISH = OneDnnC.dnnl_eltwise_hardswish();
    /** alpha * x + beta. */
    public static final int ELTWISE_LINEAR = OneDnnC.dnnl_eltwise_linear();
    public static final int ELTWISE_LOG = OneDnnC.dnnl_eltwise_log();
    public static final int ELTWISE_LOGISTIC = OneDnnC.dnnl_eltwise_logistic();
    public static final int ELTWISE_MISH = OneDnnC.dnnl_eltwise_mish();
    /** x if x > 0, else alpha * x. */
    public static final int ELTWISE_RELU = OneDnnC.dnnl_eltwise_relu();
    public static final int ELTWISE_SQRT = OneDnnC.dnnl_eltwise_sqrt();
    public static final int ELTWISE_SQUARE = OneDnnC.dnnl_eltwise_square();
    /** x * sigmoid(alpha * x). */
    public static final int ELTWISE_SWISH = OneDnnC.dnnl_eltwise_swish();
    public static final int ELTWISE_TANH = OneDnnC.dnnl_eltwise_tanh();

    public static final int LRN_ACROSS_CHANNELS = OneDnnC.dnnl_lrn_across_channels();
    public static final int LRN_WITHIN_CHANNEL = OneDnnC.dnnl_lrn_within_channel();

    public static final int POOLING_MAX = OneDnnC.dnnl_pooling_max();
    public static final int POOLING_AVG_INCLUDE_PADDING = OneDnnC.dnnl_pooling_avg_include_padding();
    public static final int POOLING_AVG_EXCLUDE_PADDING = OneDnnC.dnnl_pooling_avg_exclude_padding();

    public static final int RESAMPLING_NEAREST = OneDnnC.dnnl_resampling_nearest();
    public static final int RESAMPLING_LINEAR = OneDnnC.dnnl_resampling_linear();

    public static final int SOFTMAX = OneDnnC.dnnl_softmax_accurate();
    public static final int LOG_SOFTMAX = OneDnnC.dnnl_softmax_log();

    private Algorithms() {
    }
}
