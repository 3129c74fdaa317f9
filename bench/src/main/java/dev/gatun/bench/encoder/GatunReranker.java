package dev.gatun.bench.encoder;

import dev.gatun.bench.harness.Contender;
import dev.gatun.models.task.text.Reranker;
import dev.gatun.models.task.text.TextOptions;
import dev.gatun.models.tokenize.Pair;
import java.nio.file.Path;
import java.util.List;

/** The reranker, from texts to scores: tokenizing is in its time. */
final class GatunReranker implements Contender {
    private final Reranker reranker;
    private final List<Pair> pairs;

    GatunReranker(Path folder, List<Pair> pairs, int threads) {
        this.reranker = Reranker.load(folder, TextOptions.defaults().withThreads(threads));
        this.pairs = pairs;
    }

    @Override
    public String version() {
        return "Gatun";
    }

    @Override
    public void run() {
        reranker.scores(pairs);
    }

    @Override
    public float[] output() {
        return reranker.scores(pairs);
    }

    @Override
    public void close() {
        reranker.close();
    }
}
