package dev.gatun.models.seq2seq;

import dev.gatun.models.generate.GenerativeModel;
import dev.gatun.models.layer.DecoderGraph;
import dev.gatun.models.layer.EncoderGraph;
import dev.gatun.models.layer.Positions;
import dev.gatun.models.runtime.Buckets;
import dev.gatun.models.runtime.PackedSequences;
import dev.gatun.models.runtime.Program;
import dev.gatun.models.runtime.Session;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Precision;
import dev.gatun.tensor.exec.BoundPlan;
import dev.gatun.tensor.exec.Plan;
import dev.gatun.tensor.graph.Dim;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Narrowing;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Sizes;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.graph.Target;
import dev.gatun.tensor.op.KvLayout;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.Stream;

/**
 * A token model from sequence to sequence: its graphs in one program, whose plans are compiled once for each bucket of rows. Shared by
 * any number of threads, each with its own {@code GenerationSession}. Owns its native memory: {@link #close} waits for what is under
 * way; sessions used after that throw {@link IllegalStateException}.
 */
public class EncoderDecoder implements GenerativeModel, AutoCloseable {
    private static final String ENCODER = "encoder";
    private static final String STEP = "step";
    private static final String FORCED = "forced";
    private static final String PREFIX = "source_";
    private static final int CHUNK_TOKENS = 128;
    /** Rows of the decoder's products: few, one for each sequence under way. */
    private static final int DECODER_ROWS = 4;

    private final Tokens tokens;
    private final PackedSequences packing;
    private final PackedSequences targets;
    private final KvLayout layout;
    private final Buckets buckets;
    private final Program program;

    /**
     * Packs the weights, which are not needed afterwards.
     *
     * @param precision of linear layers, the scores of the vocabulary among them; keys and values are kept in F16 for a narrow one
     */
    public EncoderDecoder(Seq2Seq described, Precision precision) {
        Seq2Seq model = described.withCacheFor(precision);
        this.tokens = model.tokens();
        Positions.Absolute absolute = model.weights().positions() instanceof Positions.Absolute a ? a : new Positions.Absolute(null);
        this.packing = new PackedSequences(model.encoder().vocabSize(), 0, tokens.maxPositions(), absolute.firstPosition(),
                absolute.padId());
        this.targets = new PackedSequences(tokens.vocabSize(), 0, tokens.maxPositions(), absolute.firstPosition(), absolute.padId());
        this.layout = model.decoder().spec().cacheLayout();
        this.buckets = new Buckets(Math.max(model.tokens().maxPositions(), CHUNK_TOKENS));
        List<Graph> graphs = describe(model);
        // The first graph says who multiplies.
        Target chunks = Target.ofRows(CHUNK_TOKENS).withPrecision(precision);
        Target rows = Target.ofRows(DECODER_ROWS).withPrecision(precision);
        this.program = Program.load(new Program.Part(graphs.get(0), chunks), new Program.Part(graphs.get(1), rows),
                new Program.Part(graphs.get(2), rows));
    }

    /** The graphs, before the passes: the encoder, a step of the decoder, both over whole sequences. */
    public static List<Graph> describe(Seq2Seq model) {
        return List.of(encoder(model), step(model), forced(model));
    }

    private static Graph encoder(Seq2Seq model) {
        GraphBuilder graph = new GraphBuilder(ENCODER);
        // A source has a token at least, so that no chunk has more sources than tokens.
        Port sequences = graph.input(SOURCE_SEQUENCES, Spec.of(DataType.S32, CHUNK_TOKENS + 2));
        Port memory = memory(graph, model, sequences);
        Port tables = graph.state(SOURCE_TABLES, Spec.of(DataType.U8, (long) CHUNK_TOKENS * Long.BYTES));
        new DecoderGraph(graph, model.decoder()).store(memory, sequences, tables);
        graph.output(MEMORY, memory);
        return graph.build();
    }

    private static Port memory(GraphBuilder graph, Seq2Seq model, Port sequences) {
        Port memory = new EncoderGraph(graph, PREFIX, model.encoder(), model.weights(), sequences).hidden();
        if (!(model.weights().positions() instanceof Positions.Absolute)) {
            graph.input(SOURCE_POSITIONS, Spec.of(DataType.S32, EncoderGraph.TOKENS));
        }
        return memory;
    }

    private static Graph step(Seq2Seq model) {
        GraphBuilder graph = new GraphBuilder(STEP);
        graph.output(LOGITS, new DecoderGraph(graph, model.decoder()).step());
        return graph.build();
    }

    private static Graph forced(Seq2Seq model) {
        GraphBuilder graph = new GraphBuilder(FORCED);
        Port sequences = graph.input(SOURCE_SEQUENCES, Spec.of(DataType.S32, Dim.free(DecoderGraph.SEQUENCES)));
        Port memory = memory(graph, model, sequences);
        graph.output(MEMORY, memory);
        graph.output(LOGITS, new DecoderGraph(graph, model.decoder()).forced(memory, sequences));
        return graph.build();
    }

    @Override
    public Tokens tokens() {
        return tokens;
    }

    @Override
    public KvLayout cacheLayout() {
        return layout;
    }

    @Override
    public PackedSequences packing() {
        return packing;
    }

    @Override
    public int sourceVocabSize() {
        return packing.vocabSize();
    }

    @Override
    public int position(int token, int at) {
        return token == packing.padId() ? packing.firstPosition() - 1 : packing.firstPosition() + at;
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
    public Plan encoder(int tokenCount, int threads) {
        return program.plan(ENCODER, Sizes.of(EncoderGraph.TOKENS, buckets.size(buckets.indexFor(tokenCount))), threads);
    }

    @Override
    public Plan step(int rows, int threads) {
        return program.plan(STEP, Sizes.of(DecoderGraph.ROWS, Buckets.rows(rows)), threads);
    }

    /** Compiles the plans for sources of so many tokens and for decoding so many sequences, before the first request needs them. */
    public void warmUp(int threads, int tokenCount, int rows) {
        encoder(tokenCount, threads);
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
     * @param given   ids of each target, the start token first
     * @return memory F32 [source tokens, dModel] and logits F32 [target tokens, vocabSize], sequences end to end
     */
    public Forced forced(List<int[]> sources, List<int[]> given) {
        int sourceTokens = sources.stream().mapToInt(s -> s.length).sum();
        int targetTokens = given.stream().mapToInt(t -> t.length).sum();
        Sizes sizes = Sizes.of(EncoderGraph.TOKENS, sourceTokens, DecoderGraph.TARGETS, targetTokens)
                .with(DecoderGraph.SEQUENCES, sources.size() + 2L);
        try (Session session = program.newSession(1)) {
            session.enter();
            try {
                BoundPlan bound = session.bind(program.plan(FORCED, sizes, 1));
                fill(bound, packing, sources, SOURCE_IDS, SOURCE_POSITIONS, SOURCE_SEQUENCES);
                fill(bound, targets, given, STEP_IDS, STEP_POSITIONS, STEP_LENGTHS);
                bound.execute();
                return new Forced(bound.output(MEMORY).toFloats(), bound.output(LOGITS).toFloats());
            } finally {
                session.exit();
            }
        }
    }

    private static void fill(BoundPlan plan, PackedSequences packing, List<int[]> sequences, String ids, String positions, String offsets) {
        MemorySegment offsetSegment = plan.input(offsets).segment();
        PackedSequences.begin(offsetSegment);
        for (int i = 0; i < sequences.size(); i++) {
            PackedSequences.add(offsetSegment, packing.length(i, 0, sequences.get(i).length));
        }
        packing.ids(sequences, plan.input(ids).segment());
        packing.positions(offsetSegment, plan.input(ids).segment(), plan.input(positions).segment());
    }

    /** What became of each linear layer of the encoder, with the keys and values of its memory, and of the decoder; empty in F32. */
    public List<Narrowing> narrowings() {
        return Stream.of(ENCODER, STEP).flatMap(graph -> program.narrowings(graph).stream()).toList();
    }

    /** Bytes of native memory: weights and plans. */
    public long nativeByteSize() {
        return program.nativeByteSize();
    }

    /** How many plans are compiled; bounded by the buckets and the thread counts of sessions. */
    public int planCount() {
        return program.planCount();
    }

    /** Frees the weights and plans once nothing is under way. Closing twice is harmless. */
    @Override
    public void close() {
        program.close();
    }
}
