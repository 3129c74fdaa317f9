package dev.gatun.bench.texts;

import dev.gatun.bench.harness.Contender;
import dev.gatun.models.task.embed.EmbeddingModel;
import dev.gatun.models.task.embed.Embeddings;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;

/** The embedding model with its defaults. */
final class GatunTexts implements Contender {
    private final EmbeddingModel model;
    private final List<String> texts;

    GatunTexts(Path folder, List<String> texts) {
        this.model = EmbeddingModel.load(folder);
        this.texts = texts;
    }

    @Override
    public String version() {
        return "Gatun";
    }

    @Override
    public void run() {
        model.embed(texts).close();
    }

    @Override
    public float[] output() {
        try (Embeddings embeddings = model.embed(texts)) {
            return embeddings.vectors().toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    @Override
    public void close() {
        model.close();
    }
}
