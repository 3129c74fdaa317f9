package dev.gatun.bench.encoder;

import dev.gatun.bench.harness.Contender;
import dev.gatun.bench.harness.Suite;
import dev.gatun.bench.harness.Workload;
import dev.gatun.bench.purejava.PlainJava;
import dev.gatun.bench.purejava.VectorJava;
import dev.gatun.tensor.Precision;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Batches of equal length, as engines like them best, and one batch of real, unequal lengths. */
public final class EncoderSuite implements Suite {
    private static final int FIRST_WORD = 1000;
    private static final int WORDS = 20_000;

    @Override
    public String name() {
        return "encoder";
    }

    @Override
    public List<Workload> workloads(boolean quick) {
        List<Workload> workloads = new ArrayList<>();
        for (int threads : new int[] {1, 2}) {
            int[][] shapes = !quick ? new int[][] {{1, 16}, {1, 32}, {1, 64}, {1, 128}, {1, 256}, {2, 128}, {8, 128}, {32, 128}}
                    : threads == 1 ? new int[][] {{1, 128}} : new int[][] {{1, 16}, {1, 128}, {32, 128}};
            for (int[] shape : shapes) {
                int load = threads == 2 && shape[0] == 1 && (shape[1] == 128 || shape[1] == 16 && !quick) ? 1 : 0;
                workloads.add(new Workload(shape[0] + "x" + shape[1] + ", threads " + threads,
                        Map.of("batch", shape[0], "seqLen", shape[1], "threads", threads, "mixed", 0, "load", load,
                                "vector", !quick || threads == 1 ? 1 : 0,
                                "plain", !quick && shape[0] == 1 && shape[1] <= 128 && threads == 1 ? 1 : 0), shape[0], "texts"));
            }
            if (threads == 2 || !quick) {
                workloads.add(new Workload("32 of 4 to 128 tokens, threads " + threads,
                        Map.of("batch", 32, "seqLen", 128, "threads", threads, "mixed", 1, "vector", quick ? 0 : 1), 32, "texts"));
            }
        }
        return workloads;
    }

    @Override
    public List<String> contenders() {
        return List.of("gatun", "onnxruntime", "djl-pytorch", "vector-api", "plain-java");
    }

    /** Plain loops would take minutes for a batch, and know one thread only; the Vector API's take seconds to get warm. */
    @Override
    public List<String> contenders(Workload workload) {
        return contenders().stream().filter(name -> switch (name) {
            case "vector-api" -> workload.get("vector") == 1;
            case "plain-java" -> workload.parameters().getOrDefault("plain", 0) == 1;
            default -> true;
        }).toList();
    }

    @Override
    public Contender create(String contender, Workload workload) throws Exception {
        int[][] tokens = tokens(workload);
        return switch (contender) {
            case "gatun" -> new GatunEncoder(model(), tokens, workload.get("threads"), Precision.F32);
            case "onnxruntime" -> new OnnxRuntimeEncoder(model(), tokens, workload.get("threads"));
            case "djl-pytorch" -> new DjlEncoder(model(), tokens, workload.get("threads"));
            case "vector-api" -> new JavaEncoder("Vector API", new VectorJava(workload.get("threads")), model(), tokens);
            case "plain-java" -> new JavaEncoder("Plain loops", new PlainJava(), model(), tokens);
            default -> throw new IllegalArgumentException(contender);
        };
    }

    @Override
    public double tolerance() {
        return 5e-5;
    }

    static Path model() {
        Path model = Path.of(System.getProperty("gatun.bench.minilm", "models/target/minilm"), "model.onnx");
        if (!Files.exists(model)) {
            throw new IllegalStateException(model + " does not exist: make model puts it there");
        }
        return model;
    }

    /** Random words; in a mixed batch lengths are spread evenly from 4 to the longest. */
    static int[][] tokens(Workload workload) {
        Random random = new Random(42);
        int[][] tokens = new int[workload.get("batch")][];
        for (int i = 0; i < tokens.length; i++) {
            int longest = workload.get("seqLen");
            int length = workload.get("mixed") == 0 ? longest : 4 + (longest - 4) * i / Math.max(1, tokens.length - 1);
            tokens[i] = random.ints(length, FIRST_WORD, FIRST_WORD + WORDS).toArray();
        }
        return tokens;
    }
}
