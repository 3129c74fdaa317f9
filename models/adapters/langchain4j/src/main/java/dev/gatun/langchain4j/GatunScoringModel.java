package dev.gatun.langchain4j;

import dev.gatun.models.task.text.Reranker;
import dev.gatun.models.tokenize.Pair;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.model.output.Response;
import dev.langchain4j.model.scoring.ScoringModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** LangChain4j's scoring model over a cross-encoder in this process: larger scores are better. Thread-safe. */
public final class GatunScoringModel implements ScoringModel, AutoCloseable {
    private final Reranker reranker;

    private GatunScoringModel(Reranker reranker) {
        this.reranker = reranker;
    }

    /** {@link #of} of the model in a folder, loaded with {@linkplain Reranker#load(Path) the defaults}. */
    public static GatunScoringModel load(Path folder) {
        return of(Reranker.load(folder));
    }

    /** A view of a model that is loaded. It belongs to the result from now on, which closes it. */
    public static GatunScoringModel of(Reranker reranker) {
        return new GatunScoringModel(reranker);
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalStateException if the model is closed, or the calling thread is interrupted
     */
    @Override
    public Response<List<Double>> scoreAll(List<TextSegment> segments, String query) {
        List<Double> scores = new ArrayList<>();
        for (float score : reranker.scores(segments.stream().map(segment -> new Pair(query, segment.text())).toList())) {
            scores.add((double) score);
        }
        return Response.from(scores);
    }

    /** Waits for calls under way, then frees the model. Closing twice is harmless. */
    @Override
    public void close() {
        reranker.close();
    }
}
