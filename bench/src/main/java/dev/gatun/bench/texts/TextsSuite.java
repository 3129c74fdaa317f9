package dev.gatun.bench.texts;

import dev.gatun.bench.harness.Contender;
import dev.gatun.bench.harness.Suite;
import dev.gatun.bench.harness.Workload;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Sentences of the Constitution of the United States, one to six of them a text, of at most 128 tokens: LangChain4j cuts there.
 */
public final class TextsSuite implements Suite {
    private static final int LONGEST = 6;
    /** In characters. */
    private static final int LONGEST_TEXT = 400;

    @Override
    public String name() {
        return "texts";
    }

    @Override
    public List<Workload> workloads(boolean quick) {
        return quick ? List.of(workload(1), workload(32)) : List.of(workload(1), workload(32), workload(1000));
    }

    private static Workload workload(int texts) {
        return new Workload(texts + (texts == 1 ? " text" : " texts"), Map.of("texts", texts), texts, "texts");
    }

    @Override
    public List<String> contenders() {
        return List.of("gatun", "langchain4j");
    }

    @Override
    public Contender create(String contender, Workload workload) throws Exception {
        List<String> texts = texts(workload.get("texts"));
        return switch (contender) {
            case "gatun" -> new GatunTexts(Path.of(System.getProperty("gatun.bench.minilm", "models/target/minilm")), texts);
            case "langchain4j" -> new LangChain4jTexts(texts);
            default -> throw new IllegalArgumentException(contender);
        };
    }

    @Override
    public double tolerance() {
        return 5e-5;
    }

    /** So many texts, always the same. */
    public static List<String> texts(int count) throws IOException {
        List<String> sentences = new ArrayList<>();
        try (InputStream in = Objects.requireNonNull(
                TextsSuite.class.getClassLoader().getResourceAsStream("dev/gatun/cli/demo/constitution.txt"))) {
            for (String sentence : new String(in.readAllBytes(), StandardCharsets.UTF_8).split("(?<=[.;:])\\s+")) {
                if (sentence.length() > 20 && sentence.length() < 300) {
                    sentences.add(sentence.replaceAll("\\s+", " ").strip());
                }
            }
        }
        List<String> texts = new ArrayList<>();
        for (int i = 0, at = 0; i < count; i++) {
            StringBuilder text = new StringBuilder();
            for (int j = 0; j <= i * 5 % LONGEST; j++) {
                String next = sentences.get(at++ % sentences.size());
                if (text.length() + next.length() < LONGEST_TEXT) {
                    text.append(text.isEmpty() ? "" : " ").append(next);
                }
            }
            texts.add(text.toString());
        }
        return texts;
    }
}
