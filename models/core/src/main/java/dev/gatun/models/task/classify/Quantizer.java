package dev.gatun.models.task.classify;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.gatun.models.checkpoint.CheckedWeights;
import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.models.family.resnet.ResNet;
import dev.gatun.models.image.ImagePreprocessor;
import dev.gatun.models.image.PictureException;
import dev.gatun.models.vision.VisionNetwork;
import dev.gatun.tensor.graph.Conv;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Node;
import dev.gatun.tensor.graph.Range;
import dev.gatun.tensor.graph.Weight;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Post-training static quantization: weights to signed bytes with a scale for each output channel, activations to bytes with one
 * scale for each layer, found by running calibration pictures in F32. The result is a folder that loads like any model.
 */
public final class Quantizer {
    private static final int COMPARED_PICTURES = 16;

    private final VisionCheckpoint checkpoint;
    private final QuantizeOptions options;
    private final Arena arena;
    private final VisionNetwork network;
    private final ImagePreprocessor preprocessor;

    private Quantizer(VisionCheckpoint checkpoint, WeightSource source, QuantizeOptions options, Arena arena) {
        this.checkpoint = checkpoint;
        this.options = options;
        this.arena = arena;
        VisionCheckpoint.Architecture architecture = checkpoint.architecture(new CheckedWeights(source, true), arena);
        if (architecture.quantized()) {
            throw new WeightException(checkpoint.origin(), "is quantized already");
        }
        if (architecture.network().spec().tokens() != null) {
            throw new WeightException(checkpoint.origin(), "is a Transformer; only convolutional networks are quantized");
        }
        checkpoint.fields().require("hidden_act", "relu");
        this.network = architecture.network().rewrite(graph -> QuantizedFile.fused(graph, arena));
        this.preprocessor = checkpoint.preprocessing(network.spec());
    }

    /**
     * How much precision one layer's result lost.
     *
     * @param layer         name
     * @param int8          whether it is computed in bytes
     * @param relativeError length of the difference to F32 over the length of the F32 result, over some calibration pictures
     */
    public record LayerError(String layer, boolean int8, double relativeError) {
    }

    /**
     * What came of it.
     *
     * @param layers     first to last
     * @param pictures   calibration pictures that were used
     * @param unreadable messages about those that could not be
     * @param agreement  share of the compared pictures whose best class stayed the same
     */
    public record Report(List<LayerError> layers, int pictures, List<String> unreadable, double agreement) {
    }

    /**
     * Quantizes a model.
     *
     * @param model    a folder or a safetensors file; null for the digits that come with Gatun
     * @param pictures for calibration, such as the model will see; a few hundred are plenty
     * @param output   folder that is made; files in it are replaced
     * @throws IllegalArgumentException if no picture can be read
     */
    public static Report quantize(Path model, List<Path> pictures, Path output, QuantizeOptions options) throws IOException {
        VisionCheckpoint checkpoint = model == null ? VisionCheckpoint.digits() : VisionCheckpoint.find(model);
        try (Arena arena = Arena.ofShared()) {
            WeightSource source = model == null ? VisionCheckpoint.openDigits(arena) : VisionCheckpoint.open(model, arena);
            return new Quantizer(checkpoint, source, options, arena).run(pictures, output);
        } catch (IllegalArgumentException e) {
            throw new WeightException(checkpoint.origin(), e.getMessage(), e);
        }
    }

    private Report run(List<Path> pictures, Path output) throws IOException {
        List<String> unreadable = new ArrayList<>();
        List<MemorySegment> inputs = new ArrayList<>();
        for (Path picture : pictures) {
            MemorySegment input = arena.allocate(preprocessor.elementCount() * Float.BYTES, 64);
            try {
                preprocessor.load(picture, input);
                inputs.add(input);
            } catch (PictureException e) {
                unreadable.add(e.getMessage());
            }
        }
        if (inputs.isEmpty()) {
            throw new IllegalArgumentException("none of the " + pictures.size() + " calibration pictures can be read"
                    + (unreadable.isEmpty() ? "" : ": " + unreadable.getFirst()));
        }
        try (CalibrationRun floats = new CalibrationRun(network, arena, options.threads())) {
            Map<String, Range> ranges = calibrate(floats, inputs);
            write(ranges, output);
            return compare(floats, inputs, output, unreadable);
        }
    }

    private Map<String, Range> calibrate(CalibrationRun run, List<MemorySegment> inputs) {
        Map<String, ActivationRange> seen = new LinkedHashMap<>();
        run.values().keySet().forEach(name -> seen.put(name, new ActivationRange()));
        for (int pass = 0; pass < (options.percentile() < 100 ? 2 : 1); pass++) {
            for (MemorySegment input : inputs) {
                run.picture().copyFrom(input);
                run.run();
                boolean extremes = pass == 0;
                run.values().forEach((name, values) -> {
                    if (extremes) {
                        seen.get(name).extremes(values);
                    } else {
                        seen.get(name).count(values);
                    }
                });
            }
        }
        Map<String, Range> ranges = new LinkedHashMap<>();
        seen.forEach((name, range) -> ranges.put(name, range.range(options.percentile())));
        return ranges;
    }

    private void write(Map<String, Range> ranges, Path output) throws IOException {
        QuantizedFile.Writer writer = new QuantizedFile.Writer(arena);
        List<Node> convs = network.nodes().stream().filter(node -> node.layer() instanceof Conv).toList();
        for (Node node : convs) {
            boolean first = node == convs.getFirst();
            boolean bytes = !(first && options.floatFirst());
            // For signed sources oneDNN itself keeps a bit free where sums would saturate.
            boolean signed = first && ranges.get(CalibrationRun.PICTURE).signed();
            Conv conv = (Conv) node.layer();
            layer(writer, node.name(), conv.weight(), conv.bias(), !bytes ? 0 : signed ? 8 : options.weightBits());
            if (first && bytes) {
                range(writer, node.name() + ".input", ranges.get(CalibrationRun.PICTURE));
            }
            range(writer, node.name() + ".output", ranges.get(node.name()));
        }
        List<Node> linears = network.nodes().stream().filter(node -> node.layer() instanceof Linear).toList();
        for (Node node : linears) {
            boolean bytes = !(node == linears.getLast() && options.floatLast());
            Linear.Part part = ((Linear) node.layer()).parts().getFirst();
            layer(writer, node.name(), part.weight(), part.bias(), bytes ? options.weightBits() : 0);
            if (bytes) {
                range(writer, node.name() + ".input", ranges.get(node.name() + ".input"));
            }
        }
        Files.createDirectories(output);
        writer.write(output.resolve("model.safetensors"));
        ObjectNode config = checkpoint.config().isObject() ? checkpoint.config().deepCopy() : new ObjectMapper().createObjectNode();
        if (!network.spec().name().equals(ResNet.HUB)) {
            config.put("architecture", network.spec().name());
        }
        ObjectNode quantization = config.putObject(QuantizedFile.CONFIG_KEY);
        quantization.put("weights", "int8 per output channel").put("activations", "uint8 or int8 per layer")
                .put("weight_bits", options.weightBits()).put("percentile", options.percentile());
        Files.write(output.resolve("config.json"), new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsBytes(config));
        checkpoint.copyPreprocessing(output);
        if (checkpoint.labels() != null) {
            Files.write(output.resolve("labels.txt"), checkpoint.labels());
        }
    }

    private static void range(QuantizedFile.Writer writer, String name, Range range) {
        writer.floats(name, new long[] {2}, range.scale(), range.signed() ? 1 : 0);
    }

    /** Writes one layer; 0 bits: in F32. */
    private void layer(QuantizedFile.Writer writer, String name, Weight weight, Weight bias, int bits) {
        long[] shape = weight.shape().dims();
        float[] values = weight.floats(arena).toFloats();
        if (bits > 0) {
            int most = (1 << bits - 1) - 1;
            int channels = (int) shape[0];
            int each = values.length / channels;
            float[] scales = new float[channels];
            byte[] quantized = new byte[values.length];
            for (int c = 0; c < channels; c++) {
                float limit = 0;
                for (int i = c * each; i < (c + 1) * each; i++) {
                    limit = Math.max(limit, Math.abs(values[i]));
                }
                scales[c] = limit > 0 ? limit / most : 1;
                for (int i = c * each; i < (c + 1) * each; i++) {
                    quantized[i] = (byte) Math.clamp(Math.rint(values[i] / scales[c]), -most, most);
                }
            }
            writer.bytes(name + ".weight", shape, quantized);
            writer.floats(name + ".weight_scale", new long[] {channels}, scales);
        } else {
            writer.floats(name + ".weight", shape, values);
        }
        if (bias != null) {
            writer.floats(name + ".bias", new long[] {shape[0]}, bias.floats(arena).toFloats());
        }
    }

    /** Reads the result back and runs it beside the original. */
    private Report compare(CalibrationRun floats, List<MemorySegment> inputs, Path output, List<String> unreadable) {
        List<MemorySegment> compared = inputs.subList(0, Math.min(COMPARED_PICTURES, inputs.size()));
        VisionCheckpoint.Architecture made = VisionCheckpoint.find(output).architecture(
                new CheckedWeights(SafetensorsFile.open(output.resolve("model.safetensors"), arena), false), arena);
        Map<String, double[]> errors = new LinkedHashMap<>();
        int same = 0;
        try (CalibrationRun bytes = new CalibrationRun(made.network(), arena, options.threads())) {
            for (MemorySegment input : compared) {
                floats.picture().copyFrom(input);
                bytes.picture().copyFrom(input);
                floats.run();
                bytes.run();
                for (String name : floats.values().keySet()) {
                    add(errors.computeIfAbsent(name, n -> new double[2]), floats.values().get(name), bytes.values().get(name));
                }
                same += best(floats.logits()) == best(bytes.logits()) ? 1 : 0;
            }
        }
        List<LayerError> layers = new ArrayList<>();
        errors.forEach((name, e) -> {
            if (!name.equals(CalibrationRun.PICTURE) && !name.endsWith(".input")) {
                double relative = Math.sqrt(e[0] / Math.max(e[1], Double.MIN_NORMAL));
                layers.add(new LayerError(name, made.int8().get(name).weight() != null, relative));
            }
        });
        return new Report(List.copyOf(layers), inputs.size(), List.copyOf(unreadable), (double) same / compared.size());
    }

    private static void add(double[] sums, MemorySegment expected, MemorySegment actual) {
        for (long i = 0; i < expected.byteSize() / Float.BYTES; i++) {
            double e = expected.getAtIndex(ValueLayout.JAVA_FLOAT, i);
            double d = actual.getAtIndex(ValueLayout.JAVA_FLOAT, i) - e;
            sums[0] += d * d;
            sums[1] += e * e;
        }
    }

    private static long best(MemorySegment logits) {
        long best = 0;
        for (long i = 1; i < logits.byteSize() / Float.BYTES; i++) {
            if (logits.getAtIndex(ValueLayout.JAVA_FLOAT, i) > logits.getAtIndex(ValueLayout.JAVA_FLOAT, best)) {
                best = i;
            }
        }
        return best;
    }
}
