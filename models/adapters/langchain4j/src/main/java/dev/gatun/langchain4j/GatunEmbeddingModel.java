package dev.gatun.langchain4j;

import dev.gatun.models.task.embed.EmbeddingModel;
import dev.gatun.models.task.embed.Embeddings;
import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.model.embedding.DimensionAwareEmbeddingModel;
import dev.langchain4j.model.embedding.request.EmbeddingInput;
import dev.langchain4j.model.embedding.request.EmbeddingInputType;
import dev.langchain4j.model.embedding.request.EmbeddingParameter;
import dev.langchain4j.model.embedding.request.EmbeddingRequest;
import dev.langchain4j.model.embedding.request.EmbeddingRequestParameters;
import dev.langchain4j.model.embedding.response.EmbeddingResponse;
import dev.langchain4j.model.output.TokenUsage;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * LangChain4j's embedding model, computed in this process. Thread-safe. A request's {@code inputType} chooses the folder's prompt for
 * queries or documents; without one its default prompt is used. Other parameters are refused.
 *
 * <pre>{@code
 * try (var model = GatunEmbeddingModel.load(Path.of("all-MiniLM-L6-v2"))) {
 *     float[] vector = model.embed("a cat sat on the mat").content().vector();
 * }
 * }</pre>
 */
public final class GatunEmbeddingModel extends DimensionAwareEmbeddingModel implements AutoCloseable {
    private final EmbeddingModel model;
    private final String name;

    private GatunEmbeddingModel(EmbeddingModel model, String name) {
        this.model = model;
        this.name = name;
        this.dimension = model.dimension();
    }

    /** {@link #of} of the model in a folder, loaded with {@linkplain EmbeddingModel#load(Path) the defaults}. */
    public static GatunEmbeddingModel load(Path folder) {
        return of(EmbeddingModel.load(folder), String.valueOf(folder.toAbsolutePath().getFileName()));
    }

    /**
     * A view of a model that is loaded.
     *
     * @param model belongs to the result from now on, which closes it
     * @param name  what {@link #modelName} says
     */
    public static GatunEmbeddingModel of(EmbeddingModel model, String name) {
        return new GatunEmbeddingModel(model, name);
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalStateException if the model is closed, or the calling thread is interrupted
     */
    @Override
    public EmbeddingResponse doEmbed(EmbeddingRequest request) {
        List<String> texts = request.inputs().stream().map(EmbeddingInput::text).toList();
        EmbeddingInputType type = request.inputType();
        try (Embeddings rows = type == EmbeddingInputType.QUERY ? model.embedQueries(texts)
                : type == EmbeddingInputType.DOCUMENT ? model.embedDocuments(texts) : model.embed(texts)) {
            return EmbeddingResponse.builder()
                    .embeddings(IntStream.range(0, rows.size()).mapToObj(i -> Embedding.from(rows.toFloats(i))).toList())
                    .modelName(name)
                    .tokenUsage(new TokenUsage(Math.toIntExact(rows.tokens())))
                    .build();
        }
    }

    @Override
    public Set<EmbeddingParameter<?>> supportedParameters() {
        return Set.of(EmbeddingRequestParameters.INPUT_TYPE);
    }

    @Override
    public String modelName() {
        return name;
    }

    /** Waits for calls under way, then frees the model. Closing twice is harmless. */
    @Override
    public void close() {
        model.close();
    }
}
