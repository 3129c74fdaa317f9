package dev.gatun.bench.kernels;

import dev.gatun.bench.harness.Contender;
import dev.gatun.bench.purejava.JavaKernels;
import dev.gatun.bench.purejava.VectorJava;

/** One kernel in Java alone; pictures as [n, c, h, w]. */
final class JavaKernel implements Contender {
    private final String name;
    private final JavaKernels kernels;
    private final float[] dst;
    private final Runnable work;

    /** Which way a convolution goes. */
    enum Way { FASTEST, PATCHES, DIRECT }

    JavaKernel(String name, JavaKernels kernels, KernelData data, Way way) {
        this.name = name;
        this.kernels = kernels;
        this.dst = new float[data.results()];
        this.work = work(data, way);
    }

    private Runnable work(KernelData data, Way way) {
        float[] src = data.src();
        return switch (data.kind()) {
            case CONV -> {
                JavaKernels.Conv conv = convolution(data, way);
                yield () -> conv.apply(src, null, dst);
            }
            case SOFTMAX -> () -> kernels.softmaxTo(src, dst, data.rows(), data.cols());
            case LAYER_NORM -> () -> kernels.layerNormTo(src, dst, data.first(), data.second(), data.rows(), KernelData.EPS);
            case GELU -> () -> kernels.geluTo(src, dst, dst.length);
            case ATTENTION -> () -> kernels.attention(src, dst, 0, data.rows(), KernelData.HEADS, KernelData.HEAD_DIM);
            case MAX_POOL -> () -> kernels.maxPool(data.window(), src, dst);
        };
    }

    private JavaKernels.Conv convolution(KernelData d, Way way) {
        return switch (way) {
            case FASTEST -> kernels.convolution(d.window(), d.rows(), d.first(), d.second(), false);
            case PATCHES -> ((VectorJava) kernels).patchConvolution(d.window(), d.rows(), d.first(), d.second(), false);
            case DIRECT -> ((VectorJava) kernels).directConvolution(d.window(), d.rows(), d.first(), d.second(), false);
        };
    }

    @Override
    public String version() {
        return name + ", Java " + Runtime.version().feature();
    }

    @Override
    public void run() {
        work.run();
    }

    @Override
    public float[] output() {
        return dst.clone();
    }

    @Override
    public void close() {
        kernels.close();
    }
}
