package dev.gatun.models.family.transformer;

import dev.gatun.models.generate.GenerativeModel;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.exec.BoundPlan;
import dev.gatun.tensor.exec.ExecutionContext;
import dev.gatun.tensor.exec.Lifetime;
import dev.gatun.tensor.exec.Plan;
import dev.gatun.tensor.op.KvLayout;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A token model from sequence to sequence: immutable weights, packed once, and plans compiled once for each bucket of rows. Shared by
 * any number of threads, each with its own {@code GenerationSession}. Owns its native memory: {@link #close} waits for what is under
 * way; sessions used after that throw {@link IllegalStateException}.
 */
public final class Seq2SeqModel implements GenerativeModel, AutoCloseable {
    private static final int CHUNK_TOKENS = 128;

    private final Seq2SeqConfig config;
    private final Arena arena;
    private final Seq2SeqWeights weights;
    private final KvLayout layout;
    private final Seq2SeqPlans compiler;
    private final Lifetime lifetime = new Lifetime("the model");
    private final Map<PlanKey, Plan> plans = new ConcurrentHashMap<>();

    private enum PlanKind { ENCODER, STEP }

    private record PlanKey(PlanKind kind, int rows, int threads) {
    }

    private Seq2SeqModel(Seq2SeqConfig config, Arena arena, Seq2SeqWeights weights) {
        this.config = config;
        this.arena = arena;
        this.weights = weights;
        this.layout = new KvLayout(config.transformer().numDecoderLayers(), config.transformer().numHeads(), config.transformer().headDim());
        this.compiler = new Seq2SeqPlans(config, weights, layout, lifetime, arena);
    }

    /**
     * Loads {@code config.json} and {@code model.safetensors} of a folder; the files are not needed afterwards.
     *
     * @throws WeightException if a file is missing or damaged, or a tensor is missing or has another shape
     */
    public static Seq2SeqModel load(Path folder) {
        Path configFile = folder.resolve("config.json");
        if (!Files.isRegularFile(configFile)) {
            throw new WeightException(configFile, "does not exist; the model's sizes are expected there");
        }
        try (Arena files = Arena.ofShared()) {
            Seq2SeqConfig config = Seq2SeqConfig.parse(configFile, Files.readAllBytes(configFile));
            return load(SafetensorsFile.open(folder.resolve("model.safetensors"), files), config);
        } catch (IOException e) {
            throw new WeightException(configFile, "cannot be read: " + e.getMessage(), e);
        }
    }

    /** Packs the weights of a source, which is not needed afterwards. */
    public static Seq2SeqModel load(WeightSource source, Seq2SeqConfig config) {
        Arena arena = Arena.ofShared();
        try {
            return new Seq2SeqModel(config, arena, Seq2SeqWeights.load(WeightScope.of(source), config, arena));
        } catch (RuntimeException | Error e) {
            arena.close();
            throw e;
        }
    }

    /** Sizes. */
    public Seq2SeqConfig config() {
        return config;
    }

    @Override
    public Tokens tokens() {
        return config.tokens();
    }

    @Override
    public KvLayout cacheLayout() {
        return layout;
    }

    @Override
    public int chunkTokens() {
        return CHUNK_TOKENS;
    }

    @Override
    public Plan encoder(int tokens, int threads) {
        // A source has a token at least, so that no chunk has more sources than tokens.
        return plan(new PlanKey(PlanKind.ENCODER, Buckets.tokens(tokens), threads));
    }

    @Override
    public Plan step(int rows, int threads) {
        return plan(new PlanKey(PlanKind.STEP, Buckets.rows(rows), threads));
    }

    private Plan plan(PlanKey key) {
        lifetime.enter();
        try {
            return plans.computeIfAbsent(key, k -> switch (k.kind()) {
                case ENCODER -> compiler.encoder(k.rows(), CHUNK_TOKENS, k.threads());
                case STEP -> compiler.step(k.rows(), k.threads());
            });
        } finally {
            lifetime.exit();
        }
    }

    /** What the model computes for given targets. */
    public record Forced(float[] memory, float[] logits) {
    }

    /**
     * Scores of every position of given targets, each from the tokens before it (teacher forcing), without a cache: for tests and for
     * scoring, not for generation. Compiles for these lengths, and frees what was compiled.
     *
     * @param sources ids of each source
     * @param targets ids of each target, the start token first
     * @return memory F32 [source tokens, dModel] and logits F32 [target tokens, vocabSize], sequences end to end
     */
    public Forced forced(List<int[]> sources, List<int[]> targets) {
        lifetime.enter();
        try (Arena own = Arena.ofShared(); ExecutionContext context = new ExecutionContext()) {
            int count = sources.size();
            int sourceTokens = sources.stream().mapToInt(s -> s.length).sum();
            int targetTokens = targets.stream().mapToInt(t -> t.length).sum();
            Plan plan = new Seq2SeqPlans(config, weights, layout, lifetime, own).forced(sourceTokens, targetTokens, count, 1);
            BoundPlan bound = context.bind(plan);
            fill(bound, sources, SOURCE_IDS, SOURCE_POSITIONS, SOURCE_SEQUENCES);
            fill(bound, targets, STEP_IDS, STEP_POSITIONS, STEP_LENGTHS);
            bound.execute();
            return new Forced(bound.output(MEMORY).toFloats(), bound.output(LOGITS).toFloats());
        } finally {
            lifetime.exit();
        }
    }

    private void fill(BoundPlan plan, List<int[]> sequences, String ids, String positions, String offsets) {
        Tensor idTensor = plan.input(ids);
        Tensor positionTensor = plan.input(positions);
        Tensor offsetTensor = plan.input(offsets);
        offsetTensor.setInt(0, sequences.size());
        offsetTensor.setInt(1, 0);
        int row = 0;
        for (int i = 0; i < sequences.size(); i++) {
            int[] sequence = sequences.get(i);
            for (int position = 0; position < sequence.length; position++) {
                int id = sequence[position];
                if (id < 0 || id >= tokens().vocabSize() || position >= tokens().maxPositions()) {
                    throw new IllegalArgumentException("sequence " + i + ": id " + id + " at position " + position + " of a vocabulary of "
                            + tokens().vocabSize() + " and " + tokens().maxPositions() + " positions");
                }
                idTensor.setInt(row, id);
                positionTensor.setInt(row++, position);
            }
            offsetTensor.setInt(i + 2L, row);
        }
    }

    /** Bytes of native memory that the weights take. */
    public long nativeByteSize() {
        return weights.nativeByteSize();
    }

    /** How many plans are compiled; bounded by the buckets and the thread counts of sessions. */
    public int planCount() {
        return plans.size();
    }

    /** One line for each operation of the plan that decodes so many sequences. */
    public List<String> describeStep(int rows, int threads) {
        return step(rows, threads).describe();
    }

    /** Frees the weights and plans once nothing is under way. Closing twice is harmless. */
    @Override
    public void close() {
        if (lifetime.close()) {
            plans.clear();
            arena.close();
        }
    }
}
