package dev.gatun.models.family.whisper;

import dev.gatun.models.checkpoint.CheckedWeights;
import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.models.checkpoint.JsonFiles;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.generate.GenerationSession;
import dev.gatun.models.generate.GenerativeModel;
import dev.gatun.models.generate.Source;
import dev.gatun.models.layer.DecoderGraph;
import dev.gatun.models.runtime.Buckets;
import dev.gatun.models.runtime.Program;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.exec.BoundPlan;
import dev.gatun.tensor.exec.Plan;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Sizes;
import dev.gatun.tensor.graph.Target;
import dev.gatun.tensor.op.KvLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A Whisper model: encoder and decoder in one program. Shared by any number of threads, each with its own session. Owns its native
 * memory: {@link #close} waits for what is under way; sessions used after that throw {@link IllegalStateException}.
 */
public final class WhisperModel implements GenerativeModel, AutoCloseable {
    /** {@code model_type} of the family. */
    public static final String MODEL_TYPE = "whisper";
    /** {@code architectures} of the family. */
    public static final String ARCHITECTURE = "WhisperForConditionalGeneration";

    private final WhisperConfig config;
    private final WhisperGeneration generation;
    private final KvLayout layout;
    private final Program program;

    private record Description(WhisperConfig config, WhisperGeneration generation, KvLayout layout, Graph encoder, Graph step) {
    }

    private WhisperModel(Description description) {
        this.config = description.config;
        this.generation = description.generation;
        this.layout = description.layout;
        this.program = Program.load(new Program.Part(description.encoder, Target.ofRows(config.sourceLen())),
                new Program.Part(description.step, Target.ofRows(1)));
    }

    private static Description describe(Checkpoint checkpoint, WeightSource source) {
        ConfigFields fields = checkpoint.fields();
        List<String> architectures = checkpoint.architectures();
        if (!architectures.isEmpty() && !architectures.contains(ARCHITECTURE)) {
            throw fields.error("architectures", ARCHITECTURE);
        }
        WhisperConfig config = WhisperConfig.of(fields);
        Path file = checkpoint.file("generation_config.json");
        WhisperGeneration generation = WhisperGeneration.of(file == null ? fields : ConfigFields.of(file, JsonFiles.object(file)), fields,
                config);
        // What generation reads of config.json only where there is no generation_config.json, and what older trainers left there.
        fields.ignore("suppress_tokens", "begin_suppress_tokens", "forced_decoder_ids", "pad_token_id", "bos_token_id", "eos_token_id",
                "decoder_start_token_id", "max_length", "num_beams", "forced_bos_token_id", "forced_eos_token_id");
        List<String> unread = fields.unread();
        if (!unread.isEmpty()) {
            throw fields.error(unread.getFirst(), "no such field");
        }
        WhisperWeights weights = WhisperWeights.find(source, config);
        WhisperGraphs graphs = new WhisperGraphs(config, weights, aligned(generation));
        return new Description(config, generation, weights.decoder().spec().cacheLayout(), graphs.encoder(), graphs.step());
    }

    private static Set<Integer> aligned(WhisperGeneration generation) {
        return generation.alignment() == null ? Set.of()
                : Arrays.stream(generation.alignment()).map(pair -> pair[0]).collect(Collectors.toCollection(TreeSet::new));
    }

    /** The graphs of a folder's model, before the passes; {@code files} owns what is read. */
    public static List<Graph> describe(Checkpoint checkpoint, Arena files) {
        Description description = describe(checkpoint, checkpoint.source(files));
        return Stream.of(description.encoder, description.step).toList();
    }

    /**
     * Loads config.json, generation_config.json and the weights of a folder; the files are not needed afterwards.
     *
     * @throws WeightException if a file is missing or damaged, a field is not served, or a tensor is missing, has another shape, or holds
     *                         what is no number
     */
    public static WhisperModel load(Checkpoint checkpoint) {
        try (Arena files = Arena.ofShared()) {
            return new WhisperModel(describe(checkpoint, new CheckedWeights(checkpoint.source(files), true)));
        }
    }

    /** Sizes. */
    public WhisperConfig config() {
        return config;
    }

    /** How it writes. */
    public WhisperGeneration generation() {
        return generation;
    }

    /** A session for one caller, who closes it, with so many threads for each kernel. */
    public GenerationSession newSession(int threads) {
        return new GenerationSession(this, threads, WhisperOptions.MAX_BEAMS);
    }

    /**
     * A window, to be encoded.
     *
     * @param features {@code [frames][bins]}, normalized; not changed meanwhile
     */
    public Source window(float[] features) {
        if (features.length != config.frames() * config.melBins()) {
            throw new IllegalArgumentException(features.length + " features, expected " + config.frames() + " frames of "
                    + config.melBins());
        }
        return new Window(features, config.sourceLen());
    }

    private record Window(float[] features, int length) implements Source {
        @Override
        public int[] ids() {
            return null;
        }

        @Override
        public int[] prompt() {
            return null;
        }
    }

    @Override
    public Tokens tokens() {
        int eos = generation.eos()[0];
        return new Tokens(config.vocabSize(), config.targetLen(), -1, generation.start(), eos, generation.start());
    }

    @Override
    public int sourcePositions() {
        return config.sourceLen();
    }

    @Override
    public KvLayout cacheLayout() {
        return layout;
    }

    /** One window at a time. */
    @Override
    public int chunkTokens() {
        return config.sourceLen();
    }

    @Override
    public Program program() {
        return program;
    }

    @Override
    public Plan encoder(int tokens, int threads) {
        return program.plan(WhisperGraphs.ENCODER, new Sizes(Map.of()), threads);
    }

    @Override
    public Plan step(int rows, int threads) {
        return program.plan(WhisperGraphs.STEP, Sizes.of(DecoderGraph.ROWS, Buckets.rows(rows)), threads);
    }

    @Override
    public void fill(BoundPlan plan, List<? extends Source> sources) {
        float[] features = ((Window) sources.getFirst()).features;
        int bins = config.melBins();
        int frames = config.frames();
        MemorySegment planes = plan.input(WhisperGraphs.FEATURES).segment();
        for (int b = 0; b < bins; b++) {
            for (int t = 0; t < frames; t++) {
                planes.setAtIndex(ValueLayout.JAVA_FLOAT, (long) b * frames + t, features[t * bins + b]);
            }
        }
        Tensor places = plan.input(WhisperGraphs.PLACES);
        for (int i = 0; i < frames / 2; i++) {
            places.setInt(i, i);
        }
    }

    /** Bytes of native memory: weights and plans. */
    public long nativeByteSize() {
        return program.nativeByteSize();
    }

    /** Waits for what is under way, then frees the weights. Closing twice is harmless. */
    @Override
    public void close() {
        program.close();
    }
}
