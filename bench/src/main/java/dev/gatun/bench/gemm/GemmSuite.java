package dev.gatun.bench.gemm;

import dev.gatun.bench.harness.Contender;
import dev.gatun.bench.harness.Suite;
import dev.gatun.bench.harness.Workload;
import dev.gatun.bench.purejava.BlockedGemm;
import dev.gatun.bench.purejava.PlainJava;
import dev.gatun.bench.purejava.VectorGemm;
import dev.gatun.bench.purejava.Workers;
import dev.gatun.tensor.weights.LinearTuner;
import dev.gatun.tensor.weights.LinearWeights.Kernel;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** dst[m, n] = src[m, k] x weights[k, n]: weights may be packed before the clock starts, as in every model. */
public final class GemmSuite implements Suite {
    private static final int[][] SHAPES = {{256, 256, 256}, {1024, 1024, 1024}, {128, 1536, 384}, {240, 256, 384}, {1, 4096, 1024}};

    @Override
    public String name() {
        return "gemm";
    }

    @Override
    public List<Workload> workloads(boolean quick) {
        List<Workload> workloads = new ArrayList<>();
        for (int threads : quick ? new int[] {1} : new int[] {1, 2}) {
            for (int[] s : SHAPES) {
                if (!quick || s[0] == 1024 || s[0] == 240 || s[0] == 1) {
                    workloads.add(new Workload(s[0] + "x" + s[1] + "x" + s[2] + ", threads " + threads,
                            Map.of("m", s[0], "n", s[1], "k", s[2], "threads", threads, "quick", quick ? 1 : 0), 2L * s[0] * s[1] * s[2],
                                    "FLOP"));
                }
            }
        }
        return workloads;
    }

    @Override
    public List<String> contenders() {
        return List.of("gatun", "gatun-product", "openblas", "vector-api", "blocked-java", "plain-java");
    }

    /** Plain loops know one thread only, and take seconds for the large one. Quickly, each is there once. */
    @Override
    public List<String> contenders(Workload workload) {
        boolean quick = workload.get("quick") == 1;
        return contenders().stream().filter(name -> switch (name) {
            case "gatun-product" -> !quick;
            case "blocked-java" -> !quick || workload.get("m") == 1024;
            case "plain-java" -> quick ? workload.get("m") == 240 : workload.get("threads") == 1;
            default -> true;
        }).toList();
    }

    @Override
    public Contender create(String contender, Workload workload) {
        Random random = new Random(3);
        int m = workload.get("m");
        int n = workload.get("n");
        int k = workload.get("k");
        int threads = workload.get("threads");
        float[] a = floats(random, m * k);
        float[] b = floats(random, k * n);
        float[] c = new float[m * n];
        Workers workers = new Workers(threads);
        return switch (contender) {
            case "gatun" -> new GatunGemm(new LinearTuner(m).choose(k, n), a, b, workload);
            case "gatun-product" -> new GatunGemm(Kernel.GATUN, a, b, workload);
            case "openblas" -> new GatunGemm(Kernel.OPENBLAS, a, b, workload);
            case "vector-api" -> {
                VectorGemm gemm = VectorGemm.pack(b, k, n);
                yield new JavaGemm("Vector API", c, workers, () -> gemm.multiply(workers, a, c, null, m));
            }
            case "blocked-java" -> new JavaGemm("Blocked loops", c, workers, () -> BlockedGemm.multiply(workers, a, b, c, m, n, k));
            case "plain-java" -> new JavaGemm("Plain loops", c, workers, () -> PlainJava.multiply(a, b, c, m, n, k));
            default -> throw new IllegalArgumentException(contender);
        };
    }

    private static float[] floats(Random random, int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = random.nextFloat(-1f, 1f);
        }
        return values;
    }

    @Override
    public double tolerance() {
        return 1e-5;
    }

    private record JavaGemm(String name, float[] c, Workers workers, Runnable product) implements Contender {
        @Override
        public String version() {
            return name + ", Java " + Runtime.version().feature();
        }

        @Override
        public void run() {
            product.run();
        }

        @Override
        public float[] output() {
            return c.clone();
        }

        @Override
        public void close() {
            workers.close();
        }
    }
}
