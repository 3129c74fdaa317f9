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
import java.util.PrimitiveIterator;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * One text a request, of 16 to 64 tokens: 32 clients who never wait, for the throughput; then requests at random times, 20, 60 and 100 a
 * second, for the latencies.
 */
public final class ServiceSuite implements Suite {
    private static final int TEXTS = 128;
    private static final int CLIENTS = 32;
    /** Tokens of the longest text of the warm-up, which has one of each length in steps of 4: as many as are computed together. */
    private static final int WARM_TOKENS = 128;

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
        embedder.warmUp(texts(folder, IntStream.rangeClosed(1, WARM_TOKENS / 4).map(i -> 4 * i).iterator()));
        return new HttpService(embedder, texts(folder, new Random(42).ints(TEXTS, 16, 65).iterator()), CLIENTS);
    }

    @Override
    public double tolerance() {
        return 5e-5;
    }

    /** Words of the Constitution, in each text until there are as many tokens as wanted. */
    private static List<String> texts(Path folder, PrimitiveIterator.OfInt wanted) throws IOException {
        String[] words = String.join(" ", TextsSuite.texts(200)).split(" ");
        List<String> texts = new ArrayList<>();
        int at = 0;
        try (TextTokenizer tokenizer = TextTokenizer.load(folder, new TextTokenizer.Limit(WARM_TOKENS, false))) {
            while (wanted.hasNext()) {
                int tokens = wanted.nextInt();
                StringBuilder text = new StringBuilder();
                do {
                    text.append(text.isEmpty() ? "" : " ").append(words[at++ % words.length]);
                } while (tokenizer.encode(text.toString()).ids().length < tokens);
                texts.add(text.toString());
            }
        }
        return texts;
    }
}
