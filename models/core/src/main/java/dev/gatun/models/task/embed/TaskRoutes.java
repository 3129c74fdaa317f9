package dev.gatun.models.task.embed;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.WeightException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The models of tasks whose texts go another way than others' through a folder's Router. Each has weights and sessions of its own.
 *
 * @param models  by task; closed with this
 * @param missing what to say of tasks that have no route
 */
record TaskRoutes(Map<String, EmbeddingModel> models, Map<String, String> missing) implements AutoCloseable {
    static final TaskRoutes NONE = new TaskRoutes(Map.of(), Map.of());

    /** @param usual of texts of no task */
    static TaskRoutes load(Path model, Checkpoint usual, EmbeddingOptions options) {
        TaskRoutes routes = new TaskRoutes(new HashMap<>(), new HashMap<>());
        try {
            for (String task : List.of("query", "document")) {
                Checkpoint way;
                try {
                    way = Checkpoint.open(model, task);
                } catch (WeightException e) {
                    routes.missing.put(task, e.getMessage());
                    continue;
                }
                if (!way.modules().equals(usual.modules())) {
                    routes.models.put(task, EmbeddingModel.load(way, options, NONE));
                }
            }
            return routes;
        } catch (RuntimeException | Error e) {
            routes.close();
            throw e;
        }
    }

    /** The model of a task; null if its texts go as all do. */
    EmbeddingModel of(String task) {
        if (missing.containsKey(task)) {
            throw new IllegalStateException(missing.get(task) + "; load the model with a route that it has");
        }
        return models.get(task);
    }

    void warmUp(List<String> texts) {
        models.values().forEach(each -> each.warmUp(texts));
    }

    long nativeByteSize() {
        return models.values().stream().mapToLong(EmbeddingModel::nativeByteSize).sum();
    }

    @Override
    public void close() {
        models.values().forEach(EmbeddingModel::close);
    }
}
