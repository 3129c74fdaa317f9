package dev.gatun.models.task.language;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.gatun.bindings.kernels.Logits;
import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.checkpoint.JsonFiles;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.Uses;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.family.recurrent.RecurrentSession;
import dev.gatun.models.family.recurrent.RnnConfig;
import dev.gatun.models.family.recurrent.RnnLanguageModel;
import dev.gatun.models.family.recurrent.Vocabulary;
import dev.gatun.models.generate.Continuation;
import dev.gatun.models.generate.Generated;
import dev.gatun.models.generate.GenerationException;
import dev.gatun.models.generate.GenerationOptions;
import dev.gatun.models.generate.TokenListener;
import dev.gatun.tensor.Precision;
import dev.gatun.tensor.exec.BoundPlan;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;

/**
 * A recurrent language model and its tokens. Thread-safe: each call has a session of its own. Owns its weights. Without a folder it is the
 * model of characters that ships with Gatun, which was trained on the Constitution of the United States.
 */
public final class LanguageModel implements AutoCloseable {
    private static final String CONSTITUTION = "/dev/gatun/models/constitution/";
    private static final int CHUNK = 256;

    private final RnnLanguageModel model;
    private final Vocabulary vocabulary;
    private final int threads;

    private LanguageModel(RnnLanguageModel model, Vocabulary vocabulary, int threads) {
        this.model = model;
        this.vocabulary = vocabulary;
        this.threads = threads;
    }

    /** The model that ships, on so many cores. */
    public static LanguageModel load(int threads) {
        return load(threads, Precision.F32);
    }

    /** The same with weights of another precision. */
    public static LanguageModel load(int threads, Precision precision) {
        Path origin = Path.of("constitution");
        try (Arena temporary = Arena.ofShared()) {
            byte[] weights = resource("model.safetensors");
            MemorySegment bytes = temporary.allocate(weights.length, Long.BYTES);
            bytes.copyFrom(MemorySegment.ofArray(weights));
            return load(SafetensorsFile.parse(origin.resolve("model.safetensors"), bytes, temporary),
                    ConfigFields.of(origin.resolve("config.json"), json("config.json")), json("vocabulary.json"), threads,
                    precision);
        }
    }

    private static byte[] resource(String name) {
        try (InputStream in = LanguageModel.class.getResourceAsStream(CONSTITUTION + name)) {
            if (in == null) {
                throw new IllegalStateException("the jar has no " + CONSTITUTION + name);
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static JsonNode json(String name) {
        try {
            return new ObjectMapper().readTree(resource(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * A model of a folder: {@code config.json}, whose architecture is rnn-language-model, {@code model.safetensors} and
     * {@code vocabulary.json}.
     *
     * @throws WeightException if a file is missing, damaged or contradicts another
     */
    public static LanguageModel load(Path folder, int threads) {
        return load(folder, threads, Precision.F32);
    }

    /** The same with weights of another precision. */
    public static LanguageModel load(Path folder, int threads, Precision precision) {
        Checkpoint checkpoint = Checkpoint.open(folder);
        if (!checkpoint.architectures().contains(RnnConfig.ARCHITECTURE)) {
            throw new WeightException(checkpoint.configFile(), "describes no language model that is served: "
                    + (checkpoint.said().isEmpty() ? "it names none" : checkpoint.said()) + ", expected architecture "
                    + RnnConfig.ARCHITECTURE + Uses.hint(checkpoint.architectures()));
        }
        try (Arena files = Arena.ofShared()) {
            return load(checkpoint.source(files), checkpoint.fields(), JsonFiles.value(checkpoint.folder().resolve("vocabulary.json")),
                    threads, precision);
        }
    }

    private static LanguageModel load(WeightSource source, ConfigFields fields, JsonNode vocabulary, int threads,
            Precision precision) {
        RnnConfig config = RnnConfig.of(fields);
        Vocabulary tokens = Vocabulary.of(fields.file().resolveSibling("vocabulary.json"), vocabulary, config);
        return new LanguageModel(RnnLanguageModel.load(source, config, precision), tokens, threads);
    }

    /**
     * How a text is predicted.
     *
     * @param tokens     that were predicted: all but the first
     * @param perplexity e to the mean of their negative log-probabilities
     */
    public record Score(long tokens, double perplexity) {
    }

    /**
     * The perplexity of a text, read as one stream from its beginning.
     *
     * @throws IllegalArgumentException if it has fewer than two tokens, or one that is not in the vocabulary
     */
    public Score perplexity(String text) {
        return perplexity(vocabulary.encode(text, true));
    }

    /** The same of tokens. */
    public Score perplexity(int[] tokens) {
        if (tokens.length < 2) {
            throw new IllegalArgumentException("a text of " + tokens.length + " tokens predicts nothing: expected 2 or more");
        }
        double sum = 0;
        int vocabSize = model.config().vocabSize();
        try (RecurrentSession session = model.newSession(1, threads); Arena arena = Arena.ofConfined()) {
            Logits ranking = new Logits(arena, vocabSize, CHUNK, 1);
            for (int from = 0; from < tokens.length - 1; from += CHUNK) {
                int rows = Math.min(CHUNK, tokens.length - 1 - from);
                MemorySegment logits = feed(session, tokens, from, rows);
                ranking.logSumExp(logits, rows);
                for (int i = 0; i < rows; i++) {
                    sum += (double) ranking.logSumExp(i) - logits.getAtIndex(ValueLayout.JAVA_FLOAT, (long) i * vocabSize + tokens[from
                            + i + 1]);
                    if (Double.isNaN(sum)) {
                        throw new GenerationException(0, from + i, "the model's scores are not numbers; its weights are damaged");
                    }
                }
            }
        }
        return new Score(tokens.length - 1, Math.exp(sum / (tokens.length - 1)));
    }

    private MemorySegment feed(RecurrentSession session, int[] tokens, int from, int rows) {
        BoundPlan plan = session.chunk(rows);
        MemorySegment ids = plan.input(RnnLanguageModel.IDS).segment();
        for (int i = 0; i < rows; i++) {
            int id = tokens[from + i];
            if (id < 0 || id >= model.config().vocabSize()) {
                throw new IllegalArgumentException("token " + (from + i) + " is " + id + ", the vocabulary has 0 to "
                        + (model.config().vocabSize() - 1));
            }
            ids.setAtIndex(ValueLayout.JAVA_INT, i, id);
        }
        session.execute();
        return plan.output(RnnLanguageModel.LOGITS).segment();
    }

    /** How a text goes on: numReturnSequences continuations, without the text. Stop strings are matched with the vocabulary's texts. */
    public List<String> generate(String prompt, GenerationOptions options) {
        GenerationOptions how = options.tokenBytes() != null ? options : options.toBuilder().tokenBytes(vocabulary::bytes).build();
        return generate(vocabulary.encode(prompt, false), how, TokenListener.NONE).stream().map(g -> vocabulary.decode(g.ids())).toList();
    }

    /**
     * How tokens go on; a line's end is a token as others.
     *
     * @throws IllegalArgumentException if the prompt is empty, or an option does not fit
     */
    public List<Generated> generate(int[] prompt, GenerationOptions options, TokenListener listener) {
        int vocabSize = model.config().vocabSize();
        try (RecurrentSession session = model.newSession(1, threads)) {
            return new Continuation(options, vocabSize, -1).run(prompt, new Continuation.Model() {
                private final int[] one = new int[1];

                @Override
                public MemorySegment begin(int[] tokens) {
                    session.reset(0);
                    MemorySegment last = null;
                    for (int from = 0; from < tokens.length; from += CHUNK) {
                        int rows = Math.min(CHUNK, tokens.length - from);
                        last = feed(session, tokens, from, rows).asSlice((rows - 1L) * vocabSize * Float.BYTES);
                    }
                    return last;
                }

                @Override
                public MemorySegment next(int token) {
                    one[0] = token;
                    return feed(session, one, 0, 1);
                }
            }, listener);
        }
    }

    /** The tokens. */
    public Vocabulary vocabulary() {
        return vocabulary;
    }

    /** The model. It belongs to this. */
    public RnnLanguageModel model() {
        return model;
    }

    /** Frees the weights once no call is under way. Closing twice is harmless. */
    @Override
    public void close() {
        model.close();
    }
}
