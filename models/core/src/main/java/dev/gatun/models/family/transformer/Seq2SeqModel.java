package dev.gatun.models.family.transformer;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.generate.GenerativeModel;
import dev.gatun.models.runtime.Buckets;
import dev.gatun.models.runtime.PackedSequences;
import dev.gatun.models.runtime.Program;
import dev.gatun.models.runtime.Session;
import dev.gatun.tensor.exec.BoundPlan;
import dev.gatun.tensor.exec.Plan;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Sizes;
import dev.gatun.tensor.graph.Target;
import dev.gatun.tensor.op.KvLayout;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * A token model from sequence to sequence: its graphs in one program, whose plans are compiled once for each bucket of rows. Shared by
 * any number of threads, each with its own {@code GenerationSession}. Owns its native memory: {@link #close} waits for what is under
 * way; sessions used after that throw {@link IllegalStateException}.
 */
public final class Seq2SeqModel implements GenerativeModel, AutoCloseable {
    private static final int CHUNK_TOKENS = 128;
    /** Rows of the decoder's products: few, one for each sequence under way. */
    private static final int DECODER_ROWS = 4;

    private final Seq2SeqConfig config;
    private final KvLayout layout;
    private final Buckets buckets;
    private final Program program;

    private Seq2SeqModel(Seq2SeqConfig config, WeightSource source, Arena temporary) {
        this.config = config;
        this.layout = layout(config);
        this.buckets = new Buckets(Math.max(config.tokens().maxPositions(), CHUNK_TOKENS));
        this.program = Program.load(parts(config, source, temporary));
    }

    private static KvLayout layout(Seq2SeqConfig config) {
        return new KvLayout(config.transformer().numDecoderLayers(), config.transformer().numHeads(), config.transformer().headDim());
    }

    private static Program.Part[] parts(Seq2SeqConfig config, WeightSource source, Arena temporary) {
        Seq2SeqGraphs graphs = new Seq2SeqGraphs(config, Seq2SeqWeights.find(WeightScope.of(source), config, temporary), layout(config));
        // A source has a token at least, so that no chunk has more sources than tokens. The first graph says who multiplies.
        return new Program.Part[] {new Program.Part(graphs.encoder(CHUNK_TOKENS), Target.ofRows(CHUNK_TOKENS)),
            new Program.Part(graphs.step(), Target.ofRows(DECODER_ROWS)), new Program.Part(graphs.forced(), Target.ofRows(DECODER_ROWS))};
    }

    /**
     * The graphs of a folder's model, before the passes.
     *
     * @param files owns what is read
     */
    public static List<Graph> describe(Checkpoint checkpoint, Arena files) {
        Seq2SeqConfig config = Seq2SeqConfig.parse(checkpoint.configFile(),
                checkpoint.config().toString().getBytes(StandardCharsets.UTF_8));
        return Stream.of(parts(config, checkpoint.source(files), files)).map(Program.Part::graph).toList();
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
        try (Arena temporary = Arena.ofShared()) {
            return new Seq2SeqModel(config, source, temporary);
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
    public Program program() {
        return program;
    }

    @Override
    public Plan encoder(int tokens, int threads) {
        return program.plan(Seq2SeqGraphs.ENCODER, Sizes.of(Seq2SeqGraphs.TOKENS, buckets.size(buckets.indexFor(tokens))), threads);
    }

    @Override
    public Plan step(int rows, int threads) {
        return program.plan(Seq2SeqGraphs.STEP, Sizes.of(Seq2SeqGraphs.ROWS, Buckets.rows(rows)), threads);
    }

    /** Compiles the plans for sources of so many tokens and for decoding so many sequences, before the first request needs them. */
    public void warmUp(int threads, int tokens, int rows) {
        encoder(tokens, threads);
        step(rows, threads);
    }

    /** What the model computes for given targets. */
    public record Forced(float[] memory, float[] logits) {
    }

    /**
     * Scores of every position of given targets, each from the tokens before it (teacher forcing), without a cache: for tests and for
     * scoring, not for generation. Compiles for these lengths.
     *
     * @param sources ids of each source
     * @param targets ids of each target, the start token first
     * @return memory F32 [source tokens, dModel] and logits F32 [target tokens, vocabSize], sequences end to end
     */
    public Forced forced(List<int[]> sources, List<int[]> targets) {
        int sourceTokens = sources.stream().mapToInt(s -> s.length).sum();
        int targetTokens = targets.stream().mapToInt(t -> t.length).sum();
        Sizes sizes = Sizes.of(Seq2SeqGraphs.TOKENS, sourceTokens, Seq2SeqGraphs.TARGETS, targetTokens)
                .with(Seq2SeqGraphs.SEQUENCES, sources.size() + 2L);
        try (Session session = program.newSession(1)) {
            session.enter();
            try {
                BoundPlan bound = session.bind(program.plan(Seq2SeqGraphs.FORCED, sizes, 1));
                fill(bound, sources, SOURCE_IDS, SOURCE_POSITIONS, SOURCE_SEQUENCES);
                fill(bound, targets, STEP_IDS, STEP_POSITIONS, STEP_LENGTHS);
                bound.execute();
                return new Forced(bound.output(MEMORY).toFloats(), bound.output(LOGITS).toFloats());
            } finally {
                session.exit();
            }
        }
    }

    private void fill(BoundPlan plan, List<int[]> sequences, String ids, String positions, String offsets) {
        PackedSequences packed = new PackedSequences(tokens().vocabSize(), 0, tokens().maxPositions(), 0, -1);
        MemorySegment offsetSegment = plan.input(offsets).segment();
        PackedSequences.begin(offsetSegment);
        for (int i = 0; i < sequences.size(); i++) {
            PackedSequences.add(offsetSegment, packed.length(i, 0, sequences.get(i).length));
        }
        packed.ids(sequences, plan.input(ids).segment());
        packed.positions(offsetSegment, plan.input(ids).segment(), plan.input(positions).segment());
    }

    /** Bytes of native memory: weights and plans. */
    public long nativeByteSize() {
        return program.nativeByteSize();
    }

    /** How many plans are compiled; bounded by the buckets and the thread counts of sessions. */
    public int planCount() {
        return program.planCount();
    }

    /** One line for each operation of the plan that decodes so many sequences. */
    public List<String> describeStep(int rows, int threads) {
        return step(rows, threads).describe();
    }

    /** Frees the weights and plans once nothing is under way. Closing twice is harmless. */
    @Override
    public void close() {
        program.close();
    }
}
