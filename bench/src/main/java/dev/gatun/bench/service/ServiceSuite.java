package dev.gatun.bench.service;

import dev.gatun.bench.harness.Contender;
import dev.gatun.bench.harness.Suite;
import dev.gatun.bench.harness.Workload;
import dev.gatun.bench.texts.TextsSuite;
import dev.gatun.models.tokenize.TextTokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * One text a request, of 16 to 64 tokens: 32 clients who never wait, for the throughput; then requests at random times, 20, 60 and 100 a
 * second, for the latencies.
 */
public final class ServiceSuite implements Suite {
    private static final int TEXTS = 128;
    private static final int CLIENTS = 32;

    @Override
    public String name() {
        return "service";
    }

    @Override
    public List<Workload> workloads(boolean quick) {
        return List.of(new Workload("HTTP, " + CLIENTS + " clients", Map.of("load", 1, "threads", 2), TEXTS, "texts"));
    }

    @Override
    public List<String> contenders() {
        return List.of("gatun", "onnxruntime-1", "onnxruntime-2");
    }

    @Override
    public List<Load> loads(boolean quick) {
        int requests = quick ? 300 : 1200;
        return List.of(new Load(20, requests), new Load(60, requests), new Load(100, requests));
    }

    @Override
    public Contender create(String contender, Workload workload) throws Exception {
        Path folder = Path.of(System.getProperty("gatun.bench.minilm", "models/target/minilm"));
        Embedder embedder = switch (contender) {
            case "gatun" -> new GatunService(folder);
            case "onnxruntime-1" -> new OnnxRuntimeService(folder, 1);
            case "onnxruntime-2" -> new OnnxRuntimeService(folder, 2);
            default -> throw new IllegalArgumentException(contender);
        };
        return new HttpService(embedder, texts(folder), CLIENTS);
    }

    @Override
    public double tolerance() {
        return 5e-5;
    }

    /** Words of the Constitution until there are as many tokens as drawn. */
    private static List<String> texts(Path folder) throws IOException {
        String[] words = String.join(" ", TextsSuite.texts(200)).split(" ");
        Random random = new Random(42);
        List<String> texts = new ArrayList<>();
        try (TextTokenizer tokenizer = TextTokenizer.load(folder, new TextTokenizer.Limit(64, false))) {
            for (int at = 0; texts.size() < TEXTS; ) {
                int wanted = random.nextInt(16, 65);
                StringBuilder text = new StringBuilder();
                do {
                    text.append(text.isEmpty() ? "" : " ").append(words[at++ % words.length]);
                } while (tokenizer.encode(text.toString()).ids().length < wanted);
                texts.add(text.toString());
            }
        }
        return texts;
    }
}
