package dev.gatun.bench.cnn;

import dev.gatun.bench.harness.Contender;
import dev.gatun.bench.harness.Suite;
import dev.gatun.bench.harness.Workload;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** ResNet-50 in bytes, beside ONNX Runtime in bytes with the same scales, and in F32. */
public final class Int8Suite implements Suite {
    private static final Network NETWORK = Network.RESNET50;

    @Override
    public String name() {
        return "cnn-int8";
    }

    @Override
    public List<Workload> workloads(boolean quick) {
        List<Workload> workloads = new ArrayList<>();
        for (int threads : new int[] {1, 2}) {
            for (int batch : new int[] {1, 8}) {
                if (!quick || (batch == 1) == (threads == 1)) {
                    workloads.add(new Workload(NETWORK.architecture + " batch " + batch + ", threads " + threads,
                            Map.of("batch", batch, "threads", threads), batch, "pictures"));
                }
            }
        }
        return workloads;
    }

    @Override
    public List<String> contenders() {
        return List.of("gatun-int8", "onnxruntime-qdq", "onnxruntime");
    }

    @Override
    public void prepare(Workload workload) throws IOException {
        Checkpoints.int8(NETWORK);
    }

    @Override
    public Contender create(String contender, Workload workload) throws Exception {
        int batch = workload.get("batch");
        int threads = workload.get("threads");
        float[] pictures = Checkpoints.pictures(NETWORK, batch);
        return switch (contender) {
            case "gatun-int8" -> new GatunCnn(Checkpoints.int8(NETWORK), NETWORK, pictures, threads);
            case "onnxruntime-qdq" ->
                    new OnnxRuntimeCnn(Checkpoints.int8(NETWORK).resolve("model.onnx"), NETWORK, pictures, threads);
            case "onnxruntime" -> new OnnxRuntimeCnn(Checkpoints.floats(NETWORK).resolve("model.onnx"), NETWORK, pictures, threads);
            default -> throw new IllegalArgumentException(contender);
        };
    }

    /** Bytes have 8 bits through 53 layers; engines that round at different places differ by some percent of the largest logit. */
    @Override
    public double tolerance() {
        return 0.1;
    }
}
