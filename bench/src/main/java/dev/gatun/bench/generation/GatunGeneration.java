package dev.gatun.bench.generation;

import dev.gatun.bench.harness.Contender;
import dev.gatun.bindings.onednn.OneDnn;
import dev.gatun.models.family.transformer.Seq2SeqModel;
import dev.gatun.models.generate.Generated;
import dev.gatun.models.generate.GenerationOptions;
import dev.gatun.models.generate.GenerationSession;
import dev.gatun.tensor.Precision;
import java.nio.file.Path;
import java.util.List;

/** Gatun: a model and a session, as everybody uses them. */
final class GatunGeneration implements Contender {
    private final Seq2SeqModel model;
    private final GenerationSession session;
    private final List<int[]> sources;
    private final GenerationOptions options;
    private final int steps;
    private List<List<Generated>> results = List.of();

    GatunGeneration(Path folder, Precision precision, List<int[]> sources, int beams, int steps, int threads) {
        this.model = Seq2SeqModel.load(folder, precision);
        this.session = new GenerationSession(model, threads);
        this.sources = sources;
        this.steps = steps;
        this.options = GenerationOptions.builder().numBeams(beams).maxNewTokens(steps).minLength(steps + 1).build();
    }

    @Override
    public String version() {
        return "Gatun, oneDNN " + OneDnn.version();
    }

    @Override
    public void run() {
        results = session.generate(sources, options);
    }

    @Override
    public float[] output() {
        float[] ids = new float[results.size() * steps];
        for (int i = 0; i < results.size(); i++) {
            int[] sequence = results.get(i).getFirst().ids();
            int skipped = sequence.length - steps;
            for (int j = 0; j < steps; j++) {
                ids[i * steps + j] = sequence[skipped + j];
            }
        }
        return GenerationSuite.compared(ids, steps);
    }

    @Override
    public void close() {
        session.close();
        model.close();
    }
}
