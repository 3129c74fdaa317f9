package dev.gatun.bench.encoder;

import dev.gatun.bench.harness.Contender;
import dev.gatun.bench.harness.Suite;
import dev.gatun.bench.harness.Workload;
import dev.gatun.bench.texts.TextsSuite;
import dev.gatun.models.tokenize.Pair;
import dev.gatun.models.tokenize.TextTokenizer;
import dev.gatun.models.tokenize.Truncation;
import dev.gatun.tensor.Precision;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Encoders of several families in their base sizes, and a reranker that reads a query with 100 documents: folders below
 * {@code -Dgatun.bench.families=FOLDER} with the same random weights as model.safetensors and as model.onnx, which
 * {@code bench/onnx_models.py} writes. Without such a folder there is no work.
 */
public final class FamiliesSuite implements Suite {
    private static final Path FOLDER = Path.of(System.getProperty("gatun.bench.families", "bench/target/families"));
    private static final List<String> ENCODERS = List.of("bert_base", "roberta_base", "mpnet_base", "modernbert_base");
    private static final String RERANK = "rerank";
    private static final int DOCUMENTS = 100;

    private static Path folder(Workload workload) {
        int model = workload.get("model");
        return FOLDER.resolve(model < ENCODERS.size() ? ENCODERS.get(model) : RERANK);
    }

    @Override
    public String name() {
        return "families";
    }

    @Override
    public List<Workload> workloads(boolean quick) {
        List<Workload> workloads = new ArrayList<>();
        for (String name : ENCODERS) {
            for (int mixed = 0; Files.isDirectory(FOLDER.resolve(name)) && mixed < 2; mixed++) {
                workloads.add(new Workload(name + (mixed == 0 ? " 32x128" : " 32 of 4 to 128 tokens") + ", threads 2",
                        Map.of("model", ENCODERS.indexOf(name), "batch", 32, "seqLen", 128, "threads", 2, "mixed", mixed), 32, "texts"));
            }
        }
        if (Files.isDirectory(FOLDER.resolve(RERANK))) {
            workloads.add(new Workload("rerank 1x" + DOCUMENTS + ", threads 2", Map.of("model", ENCODERS.size(), "threads", 2), DOCUMENTS,
                    "documents"));
        }
        return workloads;
    }

    @Override
    public List<String> contenders() {
        return List.of("gatun", "onnxruntime");
    }

    /** The reranker gets the tokenizer of MiniLM. */
    @Override
    public void prepare(Workload workload) throws IOException {
        Path tokenizer = folder(workload).resolve("tokenizer.json");
        if (workload.get("model") == ENCODERS.size() && !Files.exists(tokenizer)) {
            Files.copy(EncoderSuite.model().resolveSibling("tokenizer.json"), tokenizer);
        }
    }

    @Override
    public Contender create(String contender, Workload workload) throws Exception {
        Path folder = folder(workload);
        Path file = folder.resolve("model.onnx");
        int threads = workload.get("threads");
        if (workload.get("model") == ENCODERS.size()) {
            List<Pair> pairs = pairs();
            return contender.equals("gatun") ? new GatunReranker(folder, pairs, threads)
                    : new OnnxRuntimeReranker(file, tokens(folder, pairs), threads);
        }
        int[][] tokens = EncoderSuite.tokens(workload);
        return contender.equals("gatun") ? new GatunEncoder(folder, tokens, threads, Precision.F32)
                : new OnnxRuntimeEncoder(file, tokens, threads);
    }

    private static List<Pair> pairs() throws IOException {
        List<String> texts = TextsSuite.texts(DOCUMENTS + 1);
        return texts.subList(1, texts.size()).stream().map(document -> new Pair(texts.getFirst(), document)).toList();
    }

    private static List<TextTokenizer.Tokens> tokens(Path folder, List<Pair> pairs) {
        try (TextTokenizer tokenizer = TextTokenizer.load(folder, new TextTokenizer.Limit(512, true))) {
            return tokenizer.encodePairs(pairs, Truncation.LONGEST_FIRST);
        }
    }

    @Override
    public double tolerance() {
        return 5e-5;
    }
}
