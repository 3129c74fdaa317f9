package dev.gatun.bench.service;

import dev.gatun.models.task.embed.EmbeddingModel;
import java.nio.file.Path;
import java.util.List;

/** The embedding model with its defaults. */
record GatunService(EmbeddingModel model) implements Embedder {
    GatunService(Path folder) {
        this(EmbeddingModel.load(folder));
    }

    @Override
    public String version() {
        return "Gatun";
    }

    @Override
    public float[] embed(String text) {
        return model.submit(text).join().values();
    }

    @Override
    public void warmUp(List<String> texts) {
        model.warmUp(texts);
    }

    @Override
    public void close() {
        model.close();
    }
}
