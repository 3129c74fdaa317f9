package dev.gatun.models.family.recurrent;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.runtime.Program;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Precision;
import dev.gatun.tensor.RecurrentShape;
import dev.gatun.tensor.graph.Dim;
import dev.gatun.tensor.graph.Embedding;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Narrowing;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.graph.Target;
import dev.gatun.tensor.graph.Weight;
import java.lang.foreign.Arena;
import java.util.List;

/**
 * A language model of an embedding, recurrent layers and a softmax, with the names of PyTorch's word-language-model example:
 * {@code encoder.weight}, {@code rnn.weight_ih_l0}, ..., {@code decoder.weight}, {@code decoder.bias}. Immutable, shared by threads, each
 * with
 * a session of its own; owns its native memory.
 */
public final class RnnLanguageModel implements AutoCloseable {
    /** Input: S32 [rows], tokens. */
    public static final String IDS = "ids";
    /** Output: F32 [rows, vocabSize], scores of what follows each token. */
    public static final String LOGITS = "logits";

    private static final String NAME = "rnn";
    private static final int FEW_ROWS = 16;

    private final RnnConfig config;
    private final Program program;

    private RnnLanguageModel(RnnConfig config, Program program) {
        this.config = config;
        this.program = program;
    }

    /**
     * Loads; the source is not needed afterwards.
     *
     * @param precision of the recurrent layers and of the softmax; the embedding is F32
     * @throws dev.gatun.models.checkpoint.WeightException if a tensor is missing or has another shape
     */
    public static RnnLanguageModel load(WeightSource source, RnnConfig config, Precision precision) {
        return new RnnLanguageModel(config, Program.load(new Program.Part(describe(source, config),
                Target.ofRows(FEW_ROWS).withPrecision(precision))));
    }

    /** The graph of a checkpoint, for people to read; the arena owns what is read. */
    public static Graph describe(Checkpoint checkpoint, Arena files) {
        return describe(checkpoint.source(files), RnnConfig.of(checkpoint.fields()));
    }

    private static Graph describe(WeightSource source, RnnConfig config) {
        WeightScope scope = WeightScope.locate(source, "encoder.weight");
        GraphBuilder graph = new GraphBuilder(NAME);
        Port ids = graph.input(IDS, Spec.of(DataType.S32, RecurrentSession.ROWS));
        Port sequences = graph.input(RecurrentSession.SEQUENCES, Spec.of(DataType.S32, RecurrentSession.SEQUENCE_DIM));
        Weight words = scope.child("encoder").weight("weight", config.vocabSize(), config.embedding());
        Port x = graph.add("encoder", new Embedding(words, null, null, false, null, 1f), ids);
        x = RecurrentStack.of(scope.child("rnn"), new RecurrentShape(config.cell(), config.embedding(), config.hidden(), 0, 1),
                config.layers())
                .addKept(graph, "rnn", x, sequences, Dim.free(RecurrentSession.STREAMS));
        WeightScope decoder = scope.child("decoder");
        Weight out = config.tied() && !decoder.has("weight") ? words : decoder.weight("weight", config.vocabSize(), config.hidden());
        graph.output(LOGITS, graph.add("decoder", new Linear(out, decoder.optional("bias", config.vocabSize())), x));
        return graph.build();
    }

    /** Sizes. */
    public RnnConfig config() {
        return config;
    }

    /** A session of so many streams, whose graph has {@link #IDS} and {@link #LOGITS}. */
    public RecurrentSession newSession(int streams, int threads) {
        return new RecurrentSession(program, NAME, streams, threads);
    }

    /** What became of each layer; empty in F32. */
    public List<Narrowing> narrowings() {
        return program.narrowings(NAME);
    }

    /** Bytes of native memory. */
    public long nativeByteSize() {
        return program.nativeByteSize();
    }

    /** Frees the weights once nothing is computed. Closing twice is harmless. */
    @Override
    public void close() {
        program.close();
    }
}
