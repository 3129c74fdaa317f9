package dev.gatun.bench.cnn;

import dev.gatun.bench.harness.Contender;
import dev.gatun.bench.harness.Suite;
import dev.gatun.bench.harness.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The textbook CNN and ResNet-50 in F32, and what a second worker brings. */
public final class CnnSuite implements Suite {

    @Override
    public String name() {
        return "cnn";
    }

    @Override
    public List<Workload> workloads(boolean quick) {
        List<Workload> workloads = new ArrayList<>();
        for (int threads : new int[] {1, 2}) {
            for (int batch : quick ? new int[] {1, 32} : new int[] {1, 4, 32}) {
                workloads.add(workload(Network.TEXTBOOK, batch, threads));
            }
            for (int batch : quick ? new int[] {1, 8} : new int[] {1, 2, 8, 32}) {
                workloads.add(workload(Network.RESNET50, batch, threads));
            }
        }
        workloads.add(new Workload("resnet50 8 pictures, 2 workers", Map.of("network", Network.RESNET50.ordinal(), "batch", 8,
                "threads", 2, "workers", 1), 8, "pictures"));
        return workloads;
    }

    private static Workload workload(Network network, int batch, int threads) {
        return new Workload(network.architecture + " batch " + batch + ", threads " + threads,
                Map.of("network", network.ordinal(), "batch", batch, "threads", threads, "workers", 0), batch, "pictures");
    }

    @Override
    public List<String> contenders() {
        return List.of("gatun", "gatun-1-worker", "onnxruntime", "djl-pytorch");
    }

    /** Plain loops know one thread only, and take seconds for a ResNet; one worker is compared with two where that is asked. */
    @Override
    public List<String> contenders(Workload workload) {
        if (workload.get("workers") == 1) {
            return contenders().subList(0, 2);
        }
        boolean small = workload.get("batch") == 1 && workload.get("threads") == 1;
        return contenders().stream().filter(name -> !name.equals("gatun-1-worker") && (small || !name.equals("plain-java"))).toList();
    }

    @Override
    public Contender create(String contender, Workload workload) throws Exception {
        Network network = Network.values()[workload.get("network")];
        int batch = workload.get("batch");
        int threads = workload.get("threads");
        int workers = Math.min(batch, threads);
        float[] pictures = Checkpoints.pictures(network, batch);
        return switch (contender) {
            case "gatun" -> new GatunCnn(Checkpoints.floats(network), network, pictures, workers, threads / workers);
            case "gatun-1-worker" -> new GatunCnn(Checkpoints.floats(network), network, pictures, 1, 1);
            case "onnxruntime" ->
                    new OnnxRuntimeCnn(Checkpoints.floats(network).resolve("model.onnx"), network, pictures, threads);
            case "djl-pytorch" -> new DjlCnn(Checkpoints.floats(network), network, pictures, threads);
            default -> throw new IllegalArgumentException(contender);
        };
    }

    @Override
    public double tolerance() {
        return 1e-4;
    }
}
