package dev.gatun.models.onnx;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * ONNX's own layout of tests: {@code model.onnx} beside {@code test_data_set_N/input_N.pb} and {@code output_N.pb}; {@code data.json} may
 * say {@code rtol} and {@code atol}, otherwise 1e-3 and 1e-7. BFLOAT16 may differ by two of its last places, as in ONNX's own runner.
 */
public final class OnnxTestFolder {
    private static final double BRAIN = 1.0 / 64;

    private final Path folder;
    private double rtol = 1e-3;
    private double atol = 1e-7;

    private final long smallest;

    private OnnxTestFolder(Path folder, long smallest) {
        this.folder = folder;
        this.smallest = smallest;
    }

    /** What came out. */
    public enum Result { PASS, FAIL, UNSUPPORTED }

    /**
     * What came out of a folder.
     *
     * @param name   of the folder
     * @param result pass, fail, or unsupported: operators are missing
     * @param detail the worst difference, what went wrong, or which operators are missing
     */
    public record Outcome(String name, Result result, String detail) {
    }

    /**
     * The folders with a {@code model.onnx}: this one, or those in it.
     *
     * @throws IOException if there is none; the message names the folder
     */
    public static List<Path> find(Path folder) throws IOException {
        if (Files.isRegularFile(folder.resolve("model.onnx"))) {
            return List.of(folder);
        }
        if (!Files.isDirectory(folder)) {
            throw new IOException(folder + ": is no folder");
        }
        try (Stream<Path> inside = Files.list(folder)) {
            List<Path> found = inside.filter(f -> Files.isRegularFile(f.resolve("model.onnx"))).sorted().toList();
            if (found.isEmpty()) {
                throw new IOException(folder + ": neither it nor a folder in it has a model.onnx");
            }
            return found;
        }
    }

    /** Runs every data set of a folder, twice: the second run is of a plan. Whatever goes wrong is in the outcome. */
    public static Outcome verify(Path folder) {
        return verify(folder, Specialist.SMALLEST);
    }

    /** @param smallest work of a region that is worth a plan */
    static Outcome verify(Path folder, long smallest) {
        String name = folder.toAbsolutePath().normalize().getFileName().toString();
        try {
            return new Outcome(name, Result.PASS, new OnnxTestFolder(folder, smallest).run());
        } catch (OnnxException e) {
            return e.unsupported().isEmpty() ? new Outcome(name, Result.FAIL, e.getMessage())
                    : new Outcome(name, Result.UNSUPPORTED, String.join(", ", e.unsupported()));
        } catch (IOException | RuntimeException | Error e) {
            return new Outcome(name, Result.FAIL, e.getMessage() == null ? e.toString() : e.getMessage());
        }
    }

    private String run() throws IOException {
        Path json = folder.resolve("data.json");
        if (Files.isRegularFile(json)) {
            JsonNode data = new ObjectMapper().readTree(Files.readString(json));
            rtol = data.path("rtol").asDouble(rtol);
            atol = data.path("atol").asDouble(atol);
        }
        List<Path> sets;
        try (Stream<Path> inside = Files.list(folder)) {
            sets = inside.filter(f -> f.getFileName().toString().startsWith("test_data_set_")).sorted().toList();
        }
        double worst = 0;
        try (OnnxModel model = OnnxModel.load(folder.resolve("model.onnx")); OnnxSession session = model.newSession(2, smallest)) {
            for (Path set : sets) {
                worst = Math.max(worst, run(model, session, set));
            }
        }
        return sets.isEmpty() ? "no data" : "worst difference " + worst;
    }

    private double run(OnnxModel model, OnnxSession session, Path set) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            Map<String, OnnxValue> inputs = new LinkedHashMap<>();
            List<OnnxInfo> wanted = model.inputs().values().stream().filter(i -> !i.hasDefault()).toList();
            for (int i = 0; i < wanted.size(); i++) {
                Path file = set.resolve("input_" + i + ".pb");
                if (Files.exists(file)) {
                    inputs.put(wanted.get(i).name(), read(file, wanted.get(i), arena));
                }
            }
            session.run(inputs);
            Map<String, OnnxValue> results = session.run(inputs);
            double worst = 0;
            int i = 0;
            for (OnnxInfo info : model.outputs().values()) {
                Path file = set.resolve("output_" + i++ + ".pb");
                if (Files.exists(file)) {
                    worst = Math.max(worst, difference(info.name(), results.get(info.name()), read(file, info, arena)));
                }
            }
            return worst;
        }
    }

    private static OnnxValue read(Path file, OnnxInfo info, Arena arena) throws IOException {
        byte[] heap = Files.readAllBytes(file);
        MemorySegment bytes = arena.allocate(Math.max(1, heap.length), 64).asSlice(0, heap.length).copyFrom(MemorySegment.ofArray(heap));
        try {
            TensorReader tensors = new TensorReader(null, arena);
            return switch (info.kind()) {
                case "sequence" -> sequence(new Wire(bytes), tensors);
                case "optional" -> optional(new Wire(bytes), tensors);
                case "tensor" -> tensors.read(ProtoReader.tensor(new Wire(bytes)));
                default -> throw new IllegalArgumentException("a " + info.kind() + " is not read");
            };
        } catch (IllegalArgumentException e) {
            throw new IOException(file + ": " + e.getMessage(), e);
        }
    }

    private static OnnxValue sequence(Wire in, TensorReader tensors) {
        List<OnnxValue> values = new ArrayList<>();
        while (in.next()) {
            switch (in.field()) {
                case 3 -> values.add(tensors.read(ProtoReader.tensor(in.message())));
                case 5 -> values.add(sequence(in.message(), tensors));
                case 7 -> values.add(optional(in.message(), tensors));
                default -> in.skip();
            }
        }
        return new OnnxValue.Sequence(values);
    }

    private static OnnxValue optional(Wire in, TensorReader tensors) {
        OnnxValue value = null;
        while (in.next()) {
            switch (in.field()) {
                case 3 -> value = tensors.read(ProtoReader.tensor(in.message()));
                case 5 -> value = sequence(in.message(), tensors);
                case 7 -> value = optional(in.message(), tensors);
                default -> in.skip();
            }
        }
        return new OnnxValue.Optional(value);
    }

    private double difference(String name, OnnxValue found, OnnxValue expected) {
        if (expected instanceof OnnxValue.Optional optional) {
            OnnxValue inner = found instanceof OnnxValue.Optional o ? o.value() : found;
            require(inner == null == (optional.value() == null), name, "one is missing");
            return inner == null ? 0 : difference(name, inner, optional.value());
        }
        if (expected instanceof OnnxValue.Sequence sequence) {
            require(found instanceof OnnxValue.Sequence, name, "is no sequence");
            List<OnnxValue> values = ((OnnxValue.Sequence) found).values();
            require(values.size() == sequence.values().size(), name, "has " + values.size() + " elements, expected "
                    + sequence.values().size());
            double worst = 0;
            for (int i = 0; i < values.size(); i++) {
                worst = Math.max(worst, difference(name + "[" + i + "]", values.get(i), sequence.values().get(i)));
            }
            return worst;
        }
        require(found instanceof OnnxTensor, name, "is no tensor");
        return difference(name, (OnnxTensor) found, (OnnxTensor) expected);
    }

    private static void require(boolean holds, String name, String what) {
        if (!holds) {
            throw new IllegalStateException("output " + name + ": " + what);
        }
    }

    private double difference(String name, OnnxTensor found, OnnxTensor expected) {
        require(found.type() == expected.type() && found.shape().equals(expected.shape()), name, "is " + found + ", expected " + expected);
        double worst = 0;
        double relative = found.type() == OnnxType.BFLOAT16 ? Math.max(rtol, BRAIN) : rtol;
        for (long i = 0; i < found.size(); i++) {
            if (found.type() == OnnxType.STRING) {
                require(found.text(i).equals(expected.text(i)), name, "element " + i + " is '" + found.text(i) + "', expected '"
                        + expected.text(i) + "'");
            } else if (!found.type().isReal()) {
                boolean close = Math.abs(found.real(i) - expected.real(i)) <= atol + rtol * Math.abs(expected.real(i));
                require(close, name, "element " + i + " is " + found.whole(i) + ", expected " + expected.whole(i));
            } else {
                double a = found.real(i);
                double b = expected.real(i);
                boolean same = a == b || Double.isNaN(a) && Double.isNaN(b);
                double d = same ? 0 : Math.abs(a - b);
                worst = Math.max(worst, d);
                require(same || d <= atol + relative * Math.abs(b) && !Double.isInfinite(b), name, "element " + i + " of " + found.shape()
                        + " is " + a
                        + ", expected " + b + ", tolerance " + (atol + relative * Math.abs(b)));
            }
        }
        return worst;
    }
}
