package dev.gatun.bench.texts;

import dev.gatun.bench.harness.Contender;
import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.model.embedding.onnx.allminilml6v2.AllMiniLmL6V2EmbeddingModel;
import java.util.List;

/** LangChain4j's in-process model with its defaults: ONNX Runtime, a task for each text on a pool of all cores. */
final class LangChain4jTexts implements Contender {
    private final AllMiniLmL6V2EmbeddingModel model = new AllMiniLmL6V2EmbeddingModel();
    private final List<TextSegment> segments;

    LangChain4jTexts(List<String> texts) {
        segments = texts.stream().map(TextSegment::from).toList();
    }

    @Override
    public String version() {
        return "LangChain4j in-process, all-MiniLM-L6-v2";
    }

    @Override
    public void run() {
        if (model.embedAll(segments).content().size() != segments.size()) {
            throw new IllegalStateException("vectors are missing");
        }
    }

    @Override
    public float[] output() {
        List<Embedding> embeddings = model.embedAll(segments).content();
        int d = embeddings.getFirst().dimension();
        float[] vectors = new float[embeddings.size() * d];
        for (int i = 0; i < embeddings.size(); i++) {
            System.arraycopy(embeddings.get(i).vector(), 0, vectors, i * d, d);
        }
        return vectors;
    }

    @Override
    public void close() {
        // Its pool's threads end when idle, the session with the process.
    }
}
