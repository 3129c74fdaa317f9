package dev.gatun.spark;

import dev.gatun.models.task.embed.EmbeddingModel;
import dev.gatun.models.task.embed.EmbeddingOptions;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** The models of this JVM: each is loaded by the first task that needs it, shared by all, and there until the JVM ends. */
final class SharedModel {
    private static final Map<TextVectors, EmbeddingModel> LOADED = new HashMap<>();

    private SharedModel() {
    }

    /** @throws dev.gatun.models.checkpoint.WeightException if the folder holds no model that is served; the next task tries again */
    static synchronized EmbeddingModel of(TextVectors what) {
        return LOADED.computeIfAbsent(what, key -> {
            EmbeddingOptions options = EmbeddingOptions.defaults();
            return EmbeddingModel.load(Path.of(key.model()), key.threads() == 0 ? options : options.withThreads(key.threads()));
        });
    }

    static synchronized int count() {
        return LOADED.size();
    }
}
