package dev.gatun.bench.kernels;

import dev.gatun.bench.harness.Contender;
import dev.gatun.bench.harness.Suite;
import dev.gatun.bench.harness.Workload;
import dev.gatun.bench.kernels.JavaKernel.Way;
import dev.gatun.bench.kernels.KernelData.Kind;
import dev.gatun.bench.purejava.PlainJava;
import dev.gatun.bench.purejava.VectorJava;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Convolutions of ResNet-50, the rows and the attention of an encoder, a pooling: one kernel, one thread. */
public final class KernelsSuite implements Suite {
    /** Plain loops beyond this number take too long. */
    private static final long PLAIN_LIMIT = 250_000_000L;
    private static final List<String> CONTENDERS = List.of("gatun", "vector-api", "vector-im2col", "vector-direct", "plain-java");

    @Override
    public String name() {
        return "kernels";
    }

    @Override
    public List<Workload> workloads(boolean quick) {
        List<Workload> all = new ArrayList<>();
        all.add(conv("conv 3x3 64->64, 56x56", 64, 64, 56, 3, 1, 1));
        all.add(rows("softmax 1024x128", Kind.SOFTMAX, 1024, 128));
        all.add(attention(128));
        if (!quick) {
            all.add(rows("LayerNorm 1024x384", Kind.LAYER_NORM, 1024, 384));
            all.add(conv("conv 1x1 256->64, 56x56", 256, 64, 56, 1, 1, 0));
            all.add(rows("GELU 1024x1536", Kind.GELU, 1024, 1536));
            all.add(rows("softmax 64x4096", Kind.SOFTMAX, 64, 4096));
            all.add(attention(512));
            all.addAll(layers());
            all.add(new Workload("max pool 3x3 stride 2, 64x112x112", Map.of("kind", Kind.MAX_POOL.ordinal(), "rows", 64, "cols", 112,
                    "channels", 64, "size", 3, "stride", 2, "pad", 1, "threads", 1), 64L * 112 * 112, "elements"));
        }
        return all;
    }

    /** Every kind of convolution that a ResNet-50 has, each beside the better of the Java ones. */
    private static List<Workload> layers() {
        List<Workload> layers = new ArrayList<>();
        layers.add(layer(3, 64, 224, 7, 2));
        layers.add(layer(64, 64, 56, 1, 1));
        for (int width = 56, inner = 64; width >= 7; width /= 2, inner *= 2) {
            int outer = 4 * inner;
            if (width < 56) {
                layers.add(layer(outer / 2, inner, 2 * width, 1, 1));
                layers.add(layer(inner, inner, 2 * width, 3, 2));
                layers.add(layer(outer / 2, outer, 2 * width, 1, 2));
            }
            layers.add(layer(inner, inner, width, 3, 1));
            layers.add(layer(inner, outer, width, 1, 1));
            layers.add(layer(outer, inner, width, 1, 1));
        }
        return layers;
    }

    private static Workload layer(int channels, int outChannels, int width, int size, int stride) {
        String name = "resnet50 %dx%d %d->%d, %dx%d%s".formatted(size, size, channels, outChannels, width, width, stride == 1 ? ""
                : " stride " + stride);
        Workload conv = conv(name, channels, outChannels, width, size, stride, size / 2);
        Map<String, Integer> parameters = new HashMap<>(conv.parameters());
        parameters.put("layer", 1);
        return new Workload(name, Map.copyOf(parameters), conv.items(), conv.unit());
    }

    private static Workload conv(String name, int channels, int outChannels, int width, int size, int stride, int pad) {
        long out = (width + 2L * pad - size) / stride + 1;
        return new Workload(name, Map.of("kind", Kind.CONV.ordinal(), "rows", outChannels, "cols", width, "channels", channels,
                "size", size, "stride", stride, "pad", pad, "threads", 1), 2 * out * out * outChannels * channels * size * size, "FLOP");
    }

    private static Workload rows(String name, Kind kind, int rows, int cols) {
        return new Workload(name, Map.of("kind", kind.ordinal(), "rows", rows, "cols", cols, "threads", 1), (long) rows * cols,
                "elements");
    }

    /** Two products of tokens x tokens x headDim for each head. */
    private static Workload attention(int tokens) {
        int d = KernelData.HEADS * KernelData.HEAD_DIM;
        return new Workload("attention of " + tokens + " tokens, 12 heads of 32", Map.of("kind", Kind.ATTENTION.ordinal(),
                "rows", tokens, "cols", 3 * d, "threads", 1), 4L * tokens * tokens * d, "FLOP");
    }

    @Override
    public List<String> contenders() {
        return CONTENDERS;
    }

    @Override
    public List<String> contenders(Workload workload) {
        if (workload.parameters().containsKey("layer")) {
            return List.of("gatun", "vector-im2col");
        }
        boolean conv = workload.get("kind") == Kind.CONV.ordinal();
        return CONTENDERS.stream()
                .filter(name -> conv ? !name.equals("vector-api") : !name.equals("vector-im2col") && !name.equals("vector-direct"))
                .filter(name -> workload.items() <= PLAIN_LIMIT || !name.equals("plain-java")).toList();
    }

    @Override
    public Contender create(String contender, Workload workload) {
        KernelData data = KernelData.of(workload);
        return switch (contender) {
            case "gatun" -> new GatunKernel(data);
            case "vector-api" -> new JavaKernel("Vector API", new VectorJava(1), data, Way.FASTEST);
            case "vector-im2col" -> new JavaKernel("Vector API", new VectorJava(1), data, Way.PATCHES);
            case "vector-direct" -> new JavaKernel("Vector API", new VectorJava(1), data, Way.DIRECT);
            case "plain-java" -> new JavaKernel("Plain loops", new PlainJava(), data, Way.FASTEST);
            default -> throw new IllegalArgumentException(contender);
        };
    }

    @Override
    public double tolerance() {
        return 1e-5;
    }
}
