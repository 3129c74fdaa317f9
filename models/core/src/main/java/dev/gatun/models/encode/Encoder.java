package dev.gatun.models.encode;

import dev.gatun.bindings.loader.Setting;
import dev.gatun.models.layer.EncoderGraph;
import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.models.layer.EncoderWeights;
import dev.gatun.models.layer.Positions;
import dev.gatun.models.runtime.Buckets;
import dev.gatun.models.runtime.PackedSequences;
import dev.gatun.models.runtime.Program;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Precision;
import dev.gatun.tensor.exec.Plan;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Sizes;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.graph.Target;
import dev.gatun.tensor.op.BinaryOp;
import java.util.List;

/**
 * A text encoder of any family and what follows it, ready to run: token ids to one row a text, or one a token. Immutable, shared by any
 * number of threads, each with its own {@link EncoderSession}. Owns its native memory: {@link #close} waits for forwards under way;
 * sessions used after that throw {@link IllegalStateException}.
 */
public final class Encoder implements AutoCloseable {
    static final String RESULT = "result";
    /** Input of a head that skips tokens: S32 [2 + 2 maxSequences], as the sequences, each in two parts. */
    static final String PARTS = "parts";
    /** Input of what is computed outside: F32 [tokens, hiddenSize]. */
    static final String HIDDEN = "hidden";

    private final EncoderSpec spec;
    private final Head head;
    private final TokenRows outside;
    private final boolean positions;
    private final boolean types;
    private final PackedSequences sequences;
    private final Program program;
    private final Buckets buckets;

    private Encoder(ImportedEncoder imported, Head head, Graph graph, Precision precision) {
        this.spec = imported.spec();
        this.head = head;
        this.outside = imported.outside();
        this.positions = imported.hasPositions();
        this.types = spec.typeCount() > 0;
        this.sequences = new PackedSequences(spec.vocabSize(), spec.typeCount(), spec.maxLength(), imported.firstPosition(),
                imported.padId());
        this.buckets = new Buckets(Math.max(spec.maxLength(), Setting.CHUNK_TOKENS.number()));
        this.program = Program.load(new Program.Part(graph, Target.ofRows(Setting.CHUNK_TOKENS.number()).withPrecision(precision)));
    }

    /**
     * Packs the weights; the checkpoint is not needed afterwards.
     *
     * @param precision of linear layers
     * @throws dev.gatun.tensor.ShapeException if a weight has another shape than the sizes demand
     */
    public static Encoder load(EncoderSpec spec, EncoderWeights weights, Head head, Precision precision) {
        Positions.Absolute absolute = weights.positions() instanceof Positions.Absolute a ? a : null;
        return new Encoder(new ImportedEncoder(spec, absolute != null, absolute == null ? 0 : absolute.firstPosition(),
                absolute == null ? -1 : absolute.padId(), null, null), head, describe(spec, weights, head), precision);
    }

    /** Packs the weights of an import, whose file is not needed afterwards; takes over what is computed outside. */
    public static Encoder load(ImportedEncoder imported, Head head, Precision precision) {
        return new Encoder(imported, head, describe(imported, head), precision);
    }

    /** The graph, before the passes. */
    public static Graph describe(EncoderSpec spec, EncoderWeights weights, Head head) {
        GraphBuilder graph = new GraphBuilder(spec.name());
        EncoderGraph encoder = new EncoderGraph(graph, spec, weights, Setting.CHUNK_TOKENS.number());
        graph.output(RESULT, headed(graph, encoder.hidden(), encoder.sequences(), head));
        return graph.build();
    }

    private static Port headed(GraphBuilder graph, Port hidden, Port sequences, Head head) {
        int most = Setting.CHUNK_TOKENS.number();
        return !head.skips() ? head.describe().add(graph, hidden, sequences, most)
                : head.describe().add(graph, hidden, graph.input(PARTS, Spec.of(DataType.S32, 2L * most + 2)), 2 * most);
    }

    /** The graph of an import; of one that is computed outside what follows. */
    public static Graph describe(ImportedEncoder imported, Head head) {
        GraphBuilder graph = new GraphBuilder(imported.spec().name());
        int most = Setting.CHUNK_TOKENS.number();
        Spec tokens = Spec.of(DataType.S32, EncoderGraph.TOKENS);
        Port sequences = graph.input(EncoderGraph.SEQUENCES, Spec.of(DataType.S32, most + 2));
        Port hidden = imported.outside() != null
                ? graph.input(HIDDEN, Spec.of(DataType.F32, EncoderGraph.TOKENS, imported.spec().hiddenSize()))
                : imported.layers().add(graph, graph.input(EncoderGraph.IDS, tokens),
                        imported.hasPositions() ? graph.input(EncoderGraph.POSITIONS, tokens) : null,
                        imported.spec().typeCount() > 0 ? graph.input(EncoderGraph.TYPES, tokens) : null, sequences, most);
        Port result = headed(graph, hidden, sequences, head);
        // A plan's result is no input of its own.
        boolean same = imported.outside() != null && result.equals(hidden);
        graph.output(RESULT, same ? graph.add("rows", new BinaryOp(BinaryOp.Operator.MAX), hidden, hidden) : result);
        return graph.build();
    }

    /** A session for one caller, who closes it; it computes with so many threads. */
    public EncoderSession newSession(int threads) {
        return new EncoderSession(this, program.newSession(threads), outside == null ? null : outside.newSession(threads));
    }

    /** Sizes. */
    public EncoderSpec spec() {
        return spec;
    }

    /** What follows the last layer. */
    public Head head() {
        return head;
    }

    /** Whether the model tells tokens of a second text from those of the first. */
    public boolean hasTypes() {
        return types;
    }

    /** The program. It belongs to this encoder. */
    public Program program() {
        return program;
    }

    /** Bytes of native memory: weights and plans. */
    public long nativeByteSize() {
        return program.nativeByteSize() + (outside == null ? 0 : outside.nativeByteSize());
    }

    /** How many plans are compiled; bounded by the buckets and the thread counts of sessions. */
    public int planCount() {
        return program.planCount();
    }

    /** The most plans there can be for one kind of session. */
    public int maxPlanCount() {
        return buckets.count();
    }

    /** Compiles the plans for texts of so many tokens, before the first request needs them. */
    public void warmUp(int threads, int... tokens) {
        for (int each : tokens) {
            plan(buckets.indexFor(each), threads);
        }
    }

    /** One line for each operation of the plan for so many tokens: what it makes and which kernel computes it. */
    public List<String> describe(int tokens, int threads) {
        return plan(buckets.indexFor(tokens), threads).describe();
    }

    /** Tokens that a chunk of several sequences has at most: their activations stay in the second-level cache. */
    public int chunkTokens() {
        return Setting.CHUNK_TOKENS.number();
    }

    Buckets buckets() {
        return buckets;
    }

    PackedSequences sequences() {
        return sequences;
    }

    boolean hasPositions() {
        return positions;
    }

    Plan plan(int bucket, int threads) {
        return program.plan(spec.name(), Sizes.of(EncoderGraph.TOKENS, buckets.size(bucket)), threads);
    }

    /** Frees the weights and plans once no forward is under way. Closing twice is harmless. */
    @Override
    public void close() {
        program.close();
        if (outside != null) {
            outside.close();
        }
    }
}
