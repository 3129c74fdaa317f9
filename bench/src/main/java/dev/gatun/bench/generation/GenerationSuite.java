package dev.gatun.bench.generation;

import dev.gatun.bench.harness.Contender;
import dev.gatun.bench.harness.Suite;
import dev.gatun.bench.harness.Workload;
import dev.gatun.tensor.Precision;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Transformer-base with random weights: a fixed number of tokens from unequal sources, greedily and with four beams. */
public final class GenerationSuite implements Suite {
    /** Rounding may decide between two tokens once in ten thousand; then everything behind differs. So few are compared. */
    private static final int COMPARED_TOKENS = 16;
    private static final int COMPARED_SOURCES = 4;
    /** One batch of the others, some seconds a run; a whole batch would be twice as long. */
    private static final int QUICK_SENTENCES = 16;

    @Override
    public String name() {
        return "generation";
    }

    @Override
    public List<Workload> workloads(boolean quick) {
        List<Workload> workloads = new ArrayList<>();
        for (int threads : quick ? new int[] {2} : new int[] {1, 2}) {
            for (int beams : quick ? new int[] {1} : new int[] {1, OnnxRuntimeGeneration.BEAMS}) {
                for (int batch : new int[] {1, 32}) {
                    workloads.add(workload(Shape.BASE, batch, beams, quick ? 16 : 64, threads));
                }
            }
        }
        workloads.add(sentences(Shape.BASE, quick ? QUICK_SENTENCES : 1000, 2));
        return workloads;
    }

    /** Each is answered by as many tokens as it has. */
    static Workload sentences(Shape shape, int count, int threads) {
        Workload like = workload(shape, count, OnnxRuntimeGeneration.BEAMS, 0, threads);
        return new Workload(count + " sentences of 5 to 60 tokens, beam " + OnnxRuntimeGeneration.BEAMS + ", threads " + threads,
                like.parameters(), shape.sentences(count).stream().mapToLong(s -> s.length).sum(), "tokens");
    }

    static Workload workload(Shape shape, int batch, int beams, int steps, int threads) {
        return new Workload((beams == 1 ? "greedy" : "beam " + beams) + ", batch " + batch + ", threads " + threads,
                Map.of("layers", shape.layers(), "dModel", shape.dModel(), "heads", shape.heads(), "dFf", shape.dFf(),
                        "vocabSize", shape.vocabSize(), "batch", batch, "beams", beams, "tokens", steps, "threads", threads),
                (long) batch * steps, "tokens");
    }

    @Override
    public List<String> contenders() {
        return List.of("gatun", "onnxruntime", "djl-pytorch");
    }

    /** Many sentences are not DJL's, which has one batch. */
    @Override
    public List<String> contenders(Workload workload) {
        return workload.get("tokens") == 0 ? List.of("gatun", "onnxruntime") : contenders();
    }

    @Override
    public void prepare(Workload workload) throws IOException {
        Shape.of(workload).folder();
    }

    @Override
    public Contender create(String contender, Workload workload) throws Exception {
        Shape shape = Shape.of(workload);
        List<int[]> sources = shape.sources(workload.get("batch"));
        int beams = workload.get("beams");
        int steps = workload.get("tokens");
        int threads = workload.get("threads");
        if (steps == 0) {
            List<int[]> sentences = shape.sentences(workload.get("batch"));
            return contender.equals("gatun") ? new GatunSentences(shape.folder(), sentences, beams, threads)
                    : new OnnxRuntimeSentences(shape.folder(), shape, sentences, beams, threads);
        }
        return switch (contender) {
            case "gatun" -> new GatunGeneration(shape.folder(), Precision.F32, sources, beams, steps, threads);
            case "onnxruntime" -> new OnnxRuntimeGeneration(shape.folder(), shape, sources, beams, steps, threads);
            case "djl-pytorch" -> new DjlGeneration(shape, sources, beams, steps, threads);
            default -> throw new IllegalArgumentException(contender);
        };
    }

    /** Weights of the decoder, where only one sequence is decoded: rows of a batch share them. */
    @Override
    public double bytesPerItem(Workload workload) {
        return workload.get("batch") == 1 && workload.get("beams") == 1 ? Shape.of(workload).stepBytes() : 0;
    }

    /** The first tokens of the first sources. */
    static float[] compared(float[] ids, int steps) {
        int sources = Math.min(ids.length / steps, COMPARED_SOURCES);
        int tokens = Math.min(steps, COMPARED_TOKENS);
        float[] result = new float[sources * tokens];
        for (int i = 0; i < sources; i++) {
            System.arraycopy(ids, i * steps, result, i * tokens, tokens);
        }
        return result;
    }

    /** Tokens are equal or not. */
    @Override
    public double tolerance() {
        return 0;
    }
}
