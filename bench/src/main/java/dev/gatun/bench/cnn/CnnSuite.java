package dev.gatun.bench.cnn;

import dev.gatun.bench.harness.Contender;
import dev.gatun.bench.harness.Suite;
import dev.gatun.bench.harness.Workload;
import dev.gatun.bench.purejava.JavaKernels;
import dev.gatun.bench.purejava.PlainJava;
import dev.gatun.bench.purejava.VectorJava;
import dev.gatun.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The textbook CNN and ResNet-50 in F32, and what a second core brings. */
public final class CnnSuite implements Suite {

    @Override
    public String name() {
        return "cnn";
    }

    @Override
    public List<Workload> workloads(boolean quick) {
        List<Workload> workloads = new ArrayList<>();
        for (int threads : new int[] {1, 2}) {
            for (int batch : quick ? threads == 1 ? new int[] {1} : new int[] {1, 32} : new int[] {1, 4, 32}) {
                workloads.add(workload(Network.TEXTBOOK, batch, threads, quick));
            }
            for (int batch : quick ? new int[] {1, 8} : new int[] {1, 2, 8, 32}) {
                workloads.add(workload(Network.RESNET50, batch, threads, quick));
            }
        }
        return workloads;
    }

    private static Workload workload(Network network, int batch, int threads, boolean quick) {
        return new Workload(network.architecture + " batch " + batch + ", threads " + threads,
                Map.of("network", network.ordinal(), "batch", batch, "threads", threads, "quick", quick ? 1 : 0), batch, "pictures");
    }

    @Override
    public List<String> contenders() {
        return List.of("gatun", "gatun-1-core", "onnxruntime", "djl-pytorch", "vector-api", "plain-java");
    }

    @Override
    public void prepare(Workload workload) throws IOException {
        Checkpoints.floats(Network.values()[workload.get("network")]);
    }

    /**
     * Plain loops know one thread only, and take seconds for a ResNet; one core is compared with two where a batch is divided between
     * them. Quickly, Java's kernels, which take long to prepare a ResNet, do one picture of the textbook network, and PyTorch a ResNet's.
     */
    @Override
    public List<String> contenders(Workload workload) {
        boolean quick = workload.get("quick") == 1;
        boolean resNet = workload.get("network") == Network.RESNET50.ordinal();
        int batch = workload.get("batch");
        int threads = workload.get("threads");
        boolean single = batch == 1 && threads == 1;
        return contenders().stream().filter(name -> switch (name) {
            case "gatun-1-core" -> resNet && batch == 8 && threads == 2;
            case "djl-pytorch" -> !quick || !resNet || batch == 1 && threads == 2;
            case "vector-api" -> !quick || !resNet && single;
            case "plain-java" -> single && !(quick && resNet);
            default -> true;
        }).toList();
    }

    @Override
    public Contender create(String contender, Workload workload) throws Exception {
        Network network = Network.values()[workload.get("network")];
        int batch = workload.get("batch");
        int threads = workload.get("threads");
        float[] pictures = Checkpoints.pictures(network, batch);
        return switch (contender) {
            case "gatun" -> new GatunCnn(Checkpoints.floats(network), network, pictures, threads);
            case "gatun-1-core" -> new GatunCnn(Checkpoints.floats(network), network, pictures, 1);
            case "onnxruntime" ->
                    new OnnxRuntimeCnn(Checkpoints.floats(network).resolve("model.onnx"), network, pictures, threads);
            case "djl-pytorch" -> new DjlCnn(Checkpoints.floats(network), network, pictures, threads);
            case "vector-api" -> java("Vector API", new VectorJava(threads), network, pictures, batch);
            case "plain-java" -> java("Plain loops", new PlainJava(), network, pictures, batch);
            default -> throw new IllegalArgumentException(contender);
        };
    }

    private static Contender java(String name, JavaKernels kernels, Network network, float[] pictures, int batch) {
        try (Arena arena = Arena.ofShared()) {
            Map<String, Tensor> weights = GeneratedWeights.of(network, arena);
            return new JavaCnn(name, kernels, network, tensor -> weights.get(tensor).toFloats(), pictures, batch);
        }
    }

    @Override
    public double tolerance() {
        return 1e-4;
    }
}
