package dev.gatun.bench.cnn;

import dev.gatun.bench.harness.Contender;
import dev.gatun.bench.harness.Suite;
import dev.gatun.bench.harness.Workload;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A step of training the textbook CNN: forward, cross-entropy, backward, SGD with momentum. What is compared are the losses of the first
 * steps from the same weights.
 */
public final class TrainingSuite implements Suite {
    static final float RATE = 0.01f;
    static final float MOMENTUM = 0.9f;
    private static final int COMPARED = 4;

    /** One step after the other. */
    interface Training extends AutoCloseable {
        float step();

        @Override
        void close();
    }

    @Override
    public String name() {
        return "training";
    }

    @Override
    public List<Workload> workloads(boolean quick) {
        List<Workload> workloads = new ArrayList<>();
        for (int threads : quick ? new int[] {1} : new int[] {1, 2}) {
            for (int batch : new int[] {32, 256}) {
                workloads.add(new Workload("a step of textbook-cnn, batch " + batch + ", threads " + threads,
                        Map.of("batch", batch, "threads", threads), batch, "pictures"));
            }
        }
        return workloads;
    }

    @Override
    public List<String> contenders() {
        return List.of("gatun", "djl-pytorch");
    }

    @Override
    public Contender create(String contender, Workload workload) {
        int batch = workload.get("batch");
        int threads = workload.get("threads");
        return switch (contender) {
            case "gatun" -> new Steps("Gatun", () -> new GatunTraining(batch, threads));
            case "djl-pytorch" -> new Steps("DJL, PyTorch", () -> new DjlTraining(batch, threads));
            default -> throw new IllegalArgumentException(contender);
        };
    }

    @Override
    public double tolerance() {
        return 1e-3;
    }

    static int[] labels(int batch) {
        int[] labels = new int[batch];
        for (int i = 0; i < batch; i++) {
            labels[i] = i * 7 % Network.TEXTBOOK.classes;
        }
        return labels;
    }

    private record Steps(String version, java.util.function.Supplier<Training> begin, Training training) implements Contender {
        Steps(String version, java.util.function.Supplier<Training> begin) {
            this(version, begin, begin.get());
        }

        @Override
        public void run() {
            training.step();
        }

        @Override
        public float[] output() {
            try (Training fresh = begin.get()) {
                float[] losses = new float[COMPARED];
                for (int i = 0; i < COMPARED; i++) {
                    losses[i] = fresh.step();
                }
                return losses;
            }
        }

        @Override
        public void close() {
            training.close();
        }
    }
}
