package dev.gatun.models.family.recurrent;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.runtime.Program;
import dev.gatun.models.runtime.Session;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Precision;
import dev.gatun.tensor.RecurrentShape;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.Embedding;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Narrowing;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.graph.Target;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Recurrent layers over whole sequences and a linear layer: on every row of a tagger; of a forecaster on the last state, that of each
 * direction side by side. Names of tensors: {@code embedding.weight}, {@code rnn.weight_ih_l0}, ..., {@code linear.weight}, {@code
 * linear.bias}, {@code crf.transitions}. Thread-safe; owns its native memory.
 */
public final class SequenceNetwork implements AutoCloseable {
    private static final String INPUT = "input";
    private static final String SEQUENCES = "sequences";
    private static final String ROWS = "rows";
    private static final String OUT = "out";
    private static final int FEW_ROWS = 16;

    private final SequenceConfig config;
    private final Program layers;
    private final Program head;
    private final Crf crf;

    private SequenceNetwork(SequenceConfig config, Program layers, Program head, Crf crf) {
        this.config = config;
        this.layers = layers;
        this.head = head;
        this.crf = crf;
    }

    /**
     * Loads; the source is not needed afterwards.
     *
     * @param precision of the recurrent layers and of the linear one; the embedding is F32
     * @throws dev.gatun.models.checkpoint.WeightException if a tensor is missing or has another shape
     */
    public static SequenceNetwork load(WeightSource source, SequenceConfig config, Precision precision) {
        Target target = Target.ofRows(FEW_ROWS).withPrecision(precision);
        WeightScope scope = WeightScope.locate(source, "linear.weight");
        Crf crf = config.crf() ? Crf.of(scope.child("crf"), config.outputs()) : null;
        Program layers = Program.load(new Program.Part(layers(scope, config), target));
        try {
            return new SequenceNetwork(config, layers, Program.load(new Program.Part(head(scope, config), target)), crf);
        } catch (RuntimeException | Error e) {
            layers.close();
            throw e;
        }
    }

    /** The graphs of a checkpoint, for people to read; the arena owns what is read. */
    public static List<Graph> describe(Checkpoint checkpoint, Arena files) {
        SequenceConfig config = SequenceConfig.of(checkpoint.fields());
        WeightScope scope = WeightScope.locate(checkpoint.source(files), "linear.weight");
        return List.of(layers(scope, config), head(scope, config));
    }

    private static Graph layers(WeightScope scope, SequenceConfig config) {
        GraphBuilder graph = new GraphBuilder("layers");
        Port x = config.tagger() ? graph.add("embedding", new Embedding(scope.child("embedding").weight("weight", config.words(),
                config.inputSize()), null, null, false, null, 1f), graph.input(INPUT, Spec.of(DataType.S32, ROWS)))
                : graph.input(INPUT, Spec.of(DataType.F32, ROWS, config.inputSize()));
        graph.output(OUT, RecurrentStack.of(scope.child("rnn"), new RecurrentShape(config.cell(), config.inputSize(), config.hidden(), 0,
                config.bidirectional() ? 2 : 1), config.layers()).add(graph, "rnn", x, graph.input(SEQUENCES,
                Spec.of(DataType.S32, SEQUENCES))).out());
        return graph.build();
    }

    private static Graph head(WeightScope scope, SequenceConfig config) {
        GraphBuilder graph = new GraphBuilder("head");
        graph.output(OUT, graph.add("linear", new Linear(scope.part("linear", config.width(), config.outputs())), graph.input(INPUT,
                Spec.of(DataType.F32, ROWS, config.width()))));
        return graph.build();
    }

    /** What became of each layer; empty in F32. */
    public List<Narrowing> narrowings() {
        return Stream.concat(layers.narrowings("layers").stream(), head.narrowings("head").stream()).toList();
    }

    /** Sizes. */
    public SequenceConfig config() {
        return config;
    }

    /** Of a tagger that counts transitions, else null. */
    public Crf crf() {
        return crf;
    }

    /**
     * Computes sequences that lie end to end.
     *
     * @param arena   owns the result
     * @param input   S32 [rows] of a tagger, F32 [rows, inputSize] of a forecaster
     * @param lengths of the sequences, 1 or more each of a forecaster
     * @return F32 [rows, outputs] of a tagger, [sequences, outputs] of a forecaster
     * @throws IllegalArgumentException if lengths and rows differ, or an index is none of a word
     */
    public Tensor run(Arena arena, Tensor input, int[] lengths, int threads) {
        // Sizes are powers of two, so that few plans are compiled whatever lengths arrive.
        int[] sequences = new int[(int) larger(lengths.length) + 2];
        sequences[0] = lengths.length;
        for (int i = 0; i < lengths.length; i++) {
            if (lengths[i] < (config.tagger() ? 0 : 1)) {
                throw new IllegalArgumentException("sequence " + i + " has " + lengths[i] + " steps, expected "
                        + (config.tagger() ? "0" : "1") + " or more");
            }
            sequences[i + 2] = Math.addExact(sequences[i + 1], lengths[i]);
        }
        int rows = sequences[lengths.length + 1];
        if (rows != input.shape().dim(0)) {
            throw new IllegalArgumentException("lengths of " + rows + " rows in all, the input has " + input.shape().dim(0));
        }
        long results = config.tagger() ? rows : lengths.length;
        Tensor scores = Tensor.allocate(arena, TensorDesc.of(DataType.F32, results, config.outputs()));
        if (results == 0) {
            return scores;
        }
        try (Session first = layers.newSession(threads); Session second = head.newSession(threads); Arena temporary = Arena.ofConfined()) {
            Tensor out = first.run(Map.of(INPUT, padded(temporary, input), SEQUENCES, Tensor.ofInts(temporary, sequences,
                    sequences.length))).get(OUT);
            Tensor last = config.tagger() ? out : padded(temporary, last(temporary, out, sequences));
            scores.segment().copyFrom(second.run(Map.of(INPUT, last)).get(OUT).segment().asSlice(0, scores.segment().byteSize()));
        }
        return scores;
    }

    private static long larger(long count) {
        return count <= 1 ? 1 : Long.highestOneBit(count - 1) << 1;
    }

    /** With rows of zeros behind it. */
    private static Tensor padded(Arena arena, Tensor rows) {
        long[] dims = rows.shape().dims();
        dims[0] = larger(dims[0]);
        Tensor more = Tensor.allocate(arena, TensorDesc.of(rows.type(), dims));
        more.segment().asSlice(0, rows.segment().byteSize()).copyFrom(rows.segment());
        return more;
    }

    /** What each direction ends with: the forward one in the last row, the other in the first. */
    private Tensor last(Arena arena, Tensor out, int[] sequences) {
        Tensor last = Tensor.allocate(arena, TensorDesc.of(DataType.F32, sequences[0], config.width()));
        long bytes = (long) config.hidden() * Float.BYTES;
        long row = (long) config.width() * Float.BYTES;
        for (int i = 0; i < sequences[0]; i++) {
            MemorySegment.copy(out.segment(), (sequences[i + 2] - 1) * row, last.segment(), i * row, bytes);
            if (config.bidirectional()) {
                MemorySegment.copy(out.segment(), sequences[i + 1] * row + bytes, last.segment(), i * row + bytes, bytes);
            }
        }
        return last;
    }

    /** Frees the memory once nothing is computed. Closing twice is harmless. */
    @Override
    public void close() {
        layers.close();
        head.close();
    }
}
