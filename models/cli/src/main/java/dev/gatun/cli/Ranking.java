package dev.gatun.cli;

import dev.gatun.models.task.embed.Embeddings;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** The nearest vectors to one, by cosine. */
final class Ranking {
    private Ranking() {
    }

    record Hit(int row, float score) {
    }

    static List<Hit> best(Embeddings queries, int query, Embeddings corpus, int top) {
        List<Hit> hits = new ArrayList<>(corpus.size());
        for (int row = 0; row < corpus.size(); row++) {
            hits.add(new Hit(row, queries.cosine(query, corpus, row)));
        }
        hits.sort(Comparator.comparingDouble((Hit hit) -> -hit.score()).thenComparingInt(Hit::row));
        return hits.subList(0, Math.min(top, hits.size()));
    }
}
