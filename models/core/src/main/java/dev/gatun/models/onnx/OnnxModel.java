package dev.gatun.models.onnx;

import dev.gatun.bindings.kernels.CountedArena;
import dev.gatun.models.io.FileBytes;
import dev.gatun.tensor.exec.Lifetime;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * An ONNX file ready to run. Immutable, shared by any number of threads, each with its own {@link OnnxSession}. Owns the file's weights
 * and what is packed of them; {@link #close} waits for runs under way, and sessions used after that throw {@link IllegalStateException}.
 */
public final class OnnxModel implements AutoCloseable {
    private final String file;
    private final OnnxOptions options;
    private final CountedArena arena = new CountedArena("weights of ONNX files");
    private final Lifetime lifetime = new Lifetime("the model");
    private final Packed packed = new Packed(arena);
    private final Map<String, OnnxInfo> inputs = new LinkedHashMap<>();
    private final Map<String, OnnxInfo> outputs = new LinkedHashMap<>();
    /** Holds what was folded; nothing of it is given back. */
    private final Memory folded;
    private Map<String, Integer> written = Map.of();
    private Program program;

    private OnnxModel(String file, OnnxOptions options) {
        this.file = file;
        this.options = options;
        this.folded = new Memory(options.memoryLimit());
    }

    /** With {@link OnnxOptions#defaults}. */
    public static OnnxModel load(Path file) {
        return load(file, OnnxOptions.defaults());
    }

    /**
     * Reads a file, and its external data from the same folder.
     *
     * @throws OnnxException that names the file and the node, if it is damaged or has operators that Gatun lacks (all are named)
     */
    public static OnnxModel load(Path file, OnnxOptions options) {
        OnnxModel model = new OnnxModel(file.toString(), options);
        try {
            model.read(file);
            return model;
        } catch (IOException e) {
            model.close();
            throw new OnnxException(model.file, e instanceof NoSuchFileException ? "does not exist" : e.getMessage(), e);
        } catch (IllegalArgumentException | ArithmeticException | StackOverflowError e) {
            model.close();
            throw new OnnxException(model.file, e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage(), e);
        } catch (RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    private void read(Path path) throws IOException {
        if (!Files.isRegularFile(path)) {
            throw new OnnxException(file, Files.exists(path) ? "is a folder, a pipe or a device, expected a file" : "does not exist");
        }
        MemorySegment bytes;
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            bytes = FileBytes.read(path, channel, 0, channel.size(), arena);
        }
        Proto.Model proto = ProtoReader.model(bytes);
        TensorReader tensors = new TensorReader(path.toAbsolutePath().getParent(), arena);
        GraphCompiler compiler = new GraphCompiler(file, tensors, proto.functions());
        Program whole = compiler.compile(proto.irVersion() < 4 ? withoutDefaults(proto.graph()) : proto.graph(), proto.opsets());
        java.util.Set<String> initializers = new java.util.HashSet<>();
        proto.graph().initializers().forEach(t -> initializers.add(t.name()));
        for (Proto.Info input : (proto.irVersion() < 4 ? withoutDefaults(proto.graph()) : proto.graph()).inputs()) {
            inputs.put(input.name(), OnnxInfo.of(input, initializers.contains(input.name())));
        }
        proto.graph().outputs().forEach(o -> outputs.put(o.name(), OnnxInfo.of(o, false)));
        if (outputs.size() != proto.graph().outputs().size()) {
            throw new OnnxException(file, "two outputs have one name");
        }
        whole.constants().values().forEach(packed::constant);
        written = counted(whole);
        program = ProgramPasses.run(whole, new Evaluator(file, folded, new Natives(1, packed)));
    }

    /** Before IR version 4 every initializer had to be an input as well; none is meant to be replaced. */
    private static Proto.Graph withoutDefaults(Proto.Graph graph) {
        java.util.Set<String> names = new java.util.HashSet<>();
        graph.initializers().forEach(t -> names.add(t.name()));
        return new Proto.Graph(graph.name(), graph.nodes(), graph.initializers(), graph.sparse(),
                graph.inputs().stream().filter(i -> !names.contains(i.name())).toList(), graph.outputs());
    }

    /** A session for one caller, who closes it. */
    public OnnxSession newSession() {
        return newSession(options.threads());
    }

    /** A session with so many threads for its heavy operators. */
    public OnnxSession newSession(int threads) {
        return newSession(threads, Specialist.SMALLEST);
    }

    /** @param smallest work of a region that is worth a plan */
    OnnxSession newSession(int threads, long smallest) {
        lifetime.enter();
        try {
            return new OnnxSession(this, options.withThreads(threads), smallest);
        } finally {
            lifetime.exit();
        }
    }

    /** Inputs by name, in the file's order. */
    public Map<String, OnnxInfo> inputs() {
        return java.util.Collections.unmodifiableMap(inputs);
    }

    /** Outputs by name, in the file's order. */
    public Map<String, OnnxInfo> outputs() {
        return java.util.Collections.unmodifiableMap(outputs);
    }

    /** How often the file has each operator, once its functions are inlined; subgraphs are not counted. */
    public Map<String, Integer> operators() {
        return java.util.Collections.unmodifiableMap(written);
    }

    /** How often each is left after folding and fusion; what Gatun made of several begins with {@code gatun.}. */
    public Map<String, Integer> fusedOperators() {
        return counted(program);
    }

    private static Map<String, Integer> counted(Program program) {
        Map<String, Integer> counts = new java.util.TreeMap<>();
        program.steps().forEach(step -> counts.merge(step.node().key(), 1, Integer::sum));
        return counts;
    }

    /** The file, for messages. */
    public String name() {
        return file;
    }

    /** Bytes of native memory: the file and what is packed of it. */
    public long nativeByteSize() {
        return arena.byteSize() + folded.byteSize();
    }

    Program program() {
        return program;
    }

    Packed packed() {
        return packed;
    }

    Lifetime lifetime() {
        return lifetime;
    }

    /** Frees the weights once no run is under way. Closing twice is harmless. */
    @Override
    public void close() {
        if (lifetime.close()) {
            arena.close();
            folded.close();
        }
    }
}
