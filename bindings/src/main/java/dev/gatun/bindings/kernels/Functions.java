package dev.gatun.bindings.kernels;

import dev.gatun.bindings.kernels.gen.GatunC;

/** Functions that our kernels can end with, and what becomes of a sequence's rows: the {@code GATUN_} constants of {@code gatun.h}. */
public final class Functions {
    public static final int NONE = GatunC.GATUN_NONE();
    public static final int RELU = GatunC.GATUN_RELU();
    public static final int GELU_ERF = GatunC.GATUN_GELU_ERF();
    public static final int GELU_TANH = GatunC.GATUN_GELU_TANH();
    public static final int SILU = GatunC.GATUN_SILU();
    public static final int RELU6 = GatunC.GATUN_RELU6();
    public static final int HARDSWISH = GatunC.GATUN_HARDSWISH();
    public static final int TANH = GatunC.GATUN_TANH();
    public static final int SIGMOID = GatunC.GATUN_SIGMOID();
    public static final int RELU2 = GatunC.GATUN_RELU2();
    public static final int QUICK_GELU = GatunC.GATUN_QUICK_GELU();
    public static final int MISH = GatunC.GATUN_MISH();

    public static final int POOL_MEAN = GatunC.GATUN_POOL_MEAN();
    public static final int POOL_FIRST = GatunC.GATUN_POOL_FIRST();
    public static final int POOL_MAX = GatunC.GATUN_POOL_MAX();
    public static final int POOL_MEAN_SQRT = GatunC.GATUN_POOL_MEAN_SQRT();
    public static final int POOL_WEIGHTED = GatunC.GATUN_POOL_WEIGHTED();
    public static final int POOL_LAST = GatunC.GATUN_POOL_LAST();

    private Functions() {
    }
}
