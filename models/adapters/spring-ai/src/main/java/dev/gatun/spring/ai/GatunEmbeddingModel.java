package dev.gatun.spring.ai;

import dev.gatun.models.task.embed.EmbeddingModel;
import dev.gatun.models.task.embed.Embeddings;
import java.util.List;
import java.util.stream.IntStream;
import org.springframework.ai.chat.metadata.DefaultUsage;
import org.springframework.ai.document.Document;
import org.springframework.ai.embedding.AbstractEmbeddingModel;
import org.springframework.ai.embedding.Embedding;
import org.springframework.ai.embedding.EmbeddingOptions;
import org.springframework.ai.embedding.EmbeddingRequest;
import org.springframework.ai.embedding.EmbeddingResponse;
import org.springframework.ai.embedding.EmbeddingResponseMetadata;

/**
 * Spring AI's embedding model, computed in this process. Thread-safe. Texts get the folder's default prompt, documents its prompt for
 * documents. Spring AI's options of a request are refused, as they would ask for another model or other dimensions.
 */
public final class GatunEmbeddingModel extends AbstractEmbeddingModel implements AutoCloseable {
    private final EmbeddingModel model;
    private final String name;

    /**
     * A view of a model that is loaded.
     *
     * @param model belongs to this object from now on, which closes it
     * @param name  what responses call it
     */
    public GatunEmbeddingModel(EmbeddingModel model, String name) {
        this.model = model;
        this.name = name;
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalArgumentException if the request asks for another model or another number of dimensions
     * @throws IllegalStateException    if the model is closed, or the calling thread is interrupted
     */
    @Override
    public EmbeddingResponse call(EmbeddingRequest request) {
        requireServed(request.getOptions());
        try (Embeddings rows = model.embed(request.getInstructions())) {
            int tokens = Math.toIntExact(rows.tokens());
            return new EmbeddingResponse(IntStream.range(0, rows.size()).mapToObj(i -> new Embedding(rows.toFloats(i), i)).toList(),
                    new EmbeddingResponseMetadata(name, new DefaultUsage(tokens, 0)));
        }
    }

    private void requireServed(EmbeddingOptions options) {
        if (options == null) {
            return;
        }
        if (options.getModel() != null && !options.getModel().equals(name)) {
            throw new IllegalArgumentException("the request asks for model " + options.getModel() + ", this one is " + name);
        }
        if (options.getDimensions() != null && options.getDimensions() != dimensions()) {
            throw new IllegalArgumentException("the request asks for " + options.getDimensions() + " dimensions, this model has "
                    + dimensions() + ": set gatun.embedding.dimensions");
        }
    }

    @Override
    public float[] embed(Document document) {
        try (Embeddings rows = model.embedDocuments(List.of(getEmbeddingContent(document)))) {
            return rows.toFloats(0);
        }
    }

    @Override
    public int dimensions() {
        return model.dimension();
    }

    /** Waits for calls under way, then frees the model. Closing twice is harmless. */
    @Override
    public void close() {
        model.close();
    }
}
