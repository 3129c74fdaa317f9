package dev.gatun.bench.generation;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.gatun.bench.harness.Contender;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * ONNX Runtime with a cache: what a step makes, the next takes, as tensors of the runtime that never cross to the heap; only the
 * chosen tokens do. One session each for encoder and decoder, all graph optimizations, intra-op threads set. Unequal sources are padded
 * and masked.
 */
final class OnnxRuntimeGeneration implements Contender {
    static final int BEAMS = 4;

    private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
    private final OrtSession encoder;
    private final OrtSession decoder;
    private final Shape shape;
    private final int batch;
    private final int rowsPerSource;
    private final int steps;
    private final Map<String, OnnxTensor> encoderInputs = new HashMap<>();
    private final Map<String, OnnxTensor> first = new HashMap<>();
    private final OnnxTensor[] positions;
    private Beams beams = new Beams();

    OnnxRuntimeGeneration(Path folder, Shape shape, List<int[]> sources, int beamCount, int steps, int threads) throws OrtException {
        this(encoder(folder, threads), decoder(folder, beamCount, threads), shape, sources, beamCount, steps);
    }

    /** The same for another batch. */
    OnnxRuntimeGeneration(OnnxRuntimeGeneration other, List<int[]> sources, int steps) throws OrtException {
        this(other.encoder, other.decoder, other.shape, sources, other.rowsPerSource, steps);
    }

    private OnnxRuntimeGeneration(OrtSession encoder, OrtSession decoder, Shape shape, List<int[]> sources, int beamCount, int steps)
            throws OrtException {
        this.encoder = encoder;
        this.decoder = decoder;
        this.shape = shape;
        this.batch = sources.size();
        this.rowsPerSource = beamCount;
        this.steps = steps;
        encoderInputs(sources);
        positions = new OnnxTensor[steps];
        for (int i = 0; i < steps; i++) {
            positions[i] = longs(new long[] {i}, 1);
        }
        firstInputs();
    }

    private static OrtSession encoder(Path folder, int threads) throws OrtException {
        return session(folder.resolve("encoder.onnx"), threads);
    }

    private static OrtSession decoder(Path folder, int beamCount, int threads) throws OrtException {
        return session(folder.resolve(beamCount == 1 ? "greedy.onnx" : "beams.onnx"), threads);
    }

    private static OrtSession session(Path file, int threads) throws OrtException {
        OrtSession.SessionOptions options = new OrtSession.SessionOptions();
        options.setIntraOpNumThreads(threads);
        options.setInterOpNumThreads(1);
        options.setExecutionMode(OrtSession.SessionOptions.ExecutionMode.SEQUENTIAL);
        options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
        return OrtEnvironment.getEnvironment().createSession(file.toString(), options);
    }

    private OnnxTensor longs(long[] values, long... dims) throws OrtException {
        return OnnxTensor.createTensor(environment, LongBuffer.wrap(values), dims);
    }

    private void encoderInputs(List<int[]> sources) throws OrtException {
        int longest = sources.stream().mapToInt(s -> s.length).max().orElse(0);
        long[] ids = new long[batch * longest];
        float[] mask = new float[ids.length];
        for (int i = 0; i < ids.length; i++) {
            int[] source = sources.get(i / longest);
            boolean there = i % longest < source.length;
            ids[i] = there ? source[i % longest] : 0;
            mask[i] = there ? 0 : -1e9f;
        }
        long[] places = new long[longest];
        Arrays.setAll(places, i -> i);
        long[] rows = new long[batch * rowsPerSource];
        Arrays.setAll(rows, i -> i / rowsPerSource);
        encoderInputs.put("ids", longs(ids, batch, longest));
        encoderInputs.put("positions", longs(places, longest));
        encoderInputs.put("mask", OnnxTensor.createTensor(environment, FloatBuffer.wrap(mask), new long[] {batch, 1, 1, longest}));
        encoderInputs.put("rows", longs(rows, rows.length));
    }

    /** What the first step takes besides the encoder's results: the start, and an empty cache. */
    private void firstInputs() throws OrtException {
        int rows = batch * rowsPerSource;
        long[] starts = new long[rows];
        Arrays.fill(starts, Shape.START);
        first.put("tokens", longs(starts, rows));
        OnnxTensor empty = OnnxTensor.createTensor(environment, FloatBuffer.allocate(0),
                new long[] {rows, shape.heads(), 0, shape.headDim()});
        for (int i = 0; i < shape.layers(); i++) {
            first.put("past_k" + i, empty);
            first.put("past_v" + i, empty);
        }
        if (rowsPerSource > 1) {
            long[] parents = new long[rows];
            Arrays.setAll(parents, i -> i);
            first.put("parents", longs(parents, rows));
            // All beams begin alike: only the first of each source counts.
            float[] scores = new float[rows];
            for (int i = 0; i < scores.length; i++) {
                scores[i] = i % rowsPerSource == 0 ? 0 : -1e9f;
            }
            first.put("scores", OnnxTensor.createTensor(environment, FloatBuffer.wrap(scores), new long[] {batch, rowsPerSource}));
            long[] firsts = new long[batch];
            Arrays.setAll(firsts, i -> (long) i * rowsPerSource);
            first.put("firsts", longs(firsts, batch, 1));
        }
    }

    @Override
    public String version() {
        return "ONNX Runtime " + environment.getVersion();
    }

    @Override
    public void run() {
        try (OrtSession.Result encoded = encoder.run(encoderInputs)) {
            beams = new Beams();
            Map<String, OnnxTensor> inputs = new HashMap<>(first);
            encoded.forEach(entry -> inputs.put(entry.getKey(), (OnnxTensor) entry.getValue()));
            OrtSession.Result previous = null;
            for (int step = 0; step < steps; step++) {
                inputs.put("position", positions[step]);
                OrtSession.Result result = decoder.run(inputs);
                if (previous != null) {
                    previous.close();
                }
                previous = result;
                result.forEach(entry -> inputs.put(inputOf(entry.getKey()), (OnnxTensor) entry.getValue()));
                beams.add(inputs.get("tokens").getLongBuffer().array(), rowsPerSource == 1 ? null
                        : inputs.get("parents").getLongBuffer().array());
            }
            if (previous != null) {
                previous.close();
            }
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String inputOf(String output) {
        return switch (output) {
            case "next" -> "tokens";
            case "next_parents" -> "parents";
            case "next_scores" -> "scores";
            default -> output.replace("present", "past");
        };
    }

    /** The best sequence of a source after so many steps. */
    float[] best(int source, int length) {
        return beams.best(source * rowsPerSource, length);
    }

    @Override
    public float[] output() {
        return GenerationSuite.compared(beams.bestOfAll(batch, rowsPerSource), steps);
    }

    @Override
    public void close() {
        try {
            encoder.close();
            decoder.close();
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }
}
