package dev.gatun.models.onnx;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Node;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Spec;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A model of texts over [batch, sequence] as layers over tokens of sequences that lie end to end, so that nothing is computed for what only
 * fills texts up. It is one if all that is made of ids, types and positions is rows of tables, all that is made of those is computed row by
 * row, and attention alone looks at other tokens: those of its text that count. That is checked of the graph, for several sizes up to the
 * longest. Shows the model's memory.
 */
public final class TokenGraph {
    private static final int LONGEST_SAMPLE = 512;
    private static final TextSample FIRST = new TextSample(2, 7, 0, -1);

    private final OnnxModel model;
    private final Program program;
    private final Map<TextInput, OnnxInfo> infos;
    private final TextSample sample;
    private RowGraph found;
    private ScoreMask.Rules masks;
    private boolean first;
    private long columns;

    private final boolean beforeLast;

    private TokenGraph(OnnxModel model, Program program, int vocab, boolean beforeLast) {
        this.model = model;
        this.program = program;
        this.beforeLast = beforeLast;
        this.infos = TextInput.of(model);
        this.sample = new TextSample(FIRST.batch(), FIRST.length(), vocab, -1);
    }

    /**
     * Of one output, or of several that are the columns of one.
     *
     * @throws IllegalArgumentException if its graph is not provably one; says what is in the way
     */
    public static TokenGraph of(OnnxModel model, String... outputs) {
        return of(model, false, outputs);
    }

    /** The same without the linear layer that an output is, which {@link #last} is then. */
    public static TokenGraph beforeLast(OnnxModel model, String output) {
        return of(model, true, output);
    }

    private static TokenGraph of(OnnxModel model, boolean beforeLast, String... outputs) {
        List<Integer> at = Stream.of(outputs).map(List.copyOf(model.outputs().keySet())::indexOf).toList();
        if (at.contains(-1)) {
            throw new IllegalArgumentException("has no output " + String.join(", ", outputs) + ", only " + model.outputs().keySet());
        }
        model.lifetime().enter();
        try {
            Program program = Packing.only(model.program(), at);
            TokenGraph tokens = new TokenGraph(model, program, vocabulary(model, program), beforeLast);
            tokens.prove();
            return tokens;
        } finally {
            model.lifetime().exit();
        }
    }

    /** Rows of the largest table that whole numbers choose from, as the words are. */
    private static int vocabulary(OnnxModel model, Program program) {
        return program.steps().stream().filter(s -> Fusion.is(s, "Gather")).map(s -> program.constants().get(s.inputs().getFirst().slot()))
                .mapToInt(v -> v instanceof OnnxTensor t && t.type() == OnnxType.FLOAT && t.rank() == 2 && model.packed().isConstant(t)
                        ? Math.toIntExact(t.dim(0)) : 0).max().orElse(0);
    }

    private void prove() {
        if (sample.vocab() < 1) {
            throw new IllegalArgumentException("has no table of words that ids choose from");
        }
        masks = new ScoreMask.Rules(model.packed().arena());
        layers(sample);
        int pad = found.padId();
        int longest = Math.min(LONGEST_SAMPLE, maxLength());
        masks = new ScoreMask.Rules(model.packed().arena());
        List<Node> layers = layers(new TextSample(2, longest, sample.vocab(), pad));
        if (longest < maxLength() && masks.reach() > longest / 2) {
            throw new IllegalArgumentException("scores have something added that differs for tokens " + masks.reach() + " apart, of "
                    + longest);
        }
        for (TextSample other : List.of(new TextSample(3, Math.min(5, longest), sample.vocab(), pad), sample)) {
            masks.checking();
            if (!layers(other).equals(layers)) {
                throw new IllegalArgumentException("computes something else of " + other.length() + " tokens than of " + longest);
            }
        }
    }

    private List<Node> layers(TextSample of) {
        GraphBuilder scratch = new GraphBuilder("tokens");
        Port[] ports = new Port[3];
        for (int i = 0; i < ports.length; i++) {
            ports[i] = scratch.input("input " + i, Spec.of(DataType.S32, "tokens"));
        }
        Port sequences = scratch.input("sequences", Spec.of(DataType.S32, 6));
        scratch.output("rows", add(scratch, new RowGraph.Inputs(ports[0], ports[1], ports[2], sequences, 4), of));
        return scratch.build().nodes();
    }

    private Port add(GraphBuilder graph, RowGraph.Inputs inputs, TextSample of) {
        try (Packing packing = new Packing(model, program, of, infos)) {
            Graph region = packing.run();
            RowGraph rows = new RowGraph(packing, of, region, graph, inputs, masks);
            Port result = rows.add(beforeLast);
            first = rows.first();
            columns = rows.width();
            found = rows;
            return result;
        }
    }

    /**
     * Adds the layers.
     *
     * @param ids          S32 [tokens]
     * @param positions    S32 [tokens]: {@link #firstPosition} and on; null if there are none
     * @param types        S32 [tokens], null if there are none
     * @param sequences    S32 [2 + maxSequences]: how many, then their offsets in tokens
     * @param maxSequences that are computed together at most
     * @return F32 [tokens, columns], or [maxSequences, columns] unless it is {@link #perToken}
     * @throws IllegalStateException if the model is closed
     */
    public Port add(GraphBuilder graph, Port ids, Port positions, Port types, Port sequences, int maxSequences) {
        model.lifetime().enter();
        try {
            masks.checking();
            return add(graph, new RowGraph.Inputs(ids, positions, types, sequences, maxSequences), sample);
        } finally {
            model.lifetime().exit();
        }
    }

    /** The layer that follows the rows, of {@link #beforeLast}. */
    public Linear last() {
        return found.last();
    }

    /** Whether the output has a row for each token rather than for each text. */
    public boolean perToken() {
        return !first;
    }

    /** Of the output. */
    public int columns() {
        return Math.toIntExact(columns);
    }

    /** Rows of the table of words. */
    public int vocabSize() {
        return Math.toIntExact(found.tables().words().dim(0));
    }

    /** Rows of the table of types that types choose from; 0 if there is none. */
    public int typeCount() {
        return found.tables().typeIds() ? Math.toIntExact(found.tables().types().dim(0)) : 0;
    }

    /** Whether a table of positions is added. */
    public boolean hasPositions() {
        return found.tables().positions() != null;
    }

    /** Row of a text's first token. */
    public int firstPosition() {
        return found.firstPosition();
    }

    /** A token that does not count as a position and has the one before the first; -1 if there is none. */
    public int padId() {
        return found.padId();
    }

    /** Tokens of the longest text; the largest number if the graph has no table of positions. */
    public int maxLength() {
        return hasPositions() ? Math.toIntExact(found.tables().positions().dim(0)) - firstPosition() : Integer.MAX_VALUE;
    }
}
