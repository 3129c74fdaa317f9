package dev.gatun.models.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * What a folder holds.
 *
 * @param path          what was looked at
 * @param format        of the weights, as {@link Checkpoint#format}
 * @param weights       their file, or null
 * @param said          config.json's own words for the model
 * @param family        what serves it, or null
 * @param missing       why nothing serves it, or null
 * @param sizes         integers of config.json that are sizes, by name
 * @param types         what there is of each element type, by name
 * @param parameters    elements that are not counters or indices
 * @param fileByteSize  bytes of all tensors in the file
 * @param memory        estimate of the native bytes of a loaded model, in F32 unless the file has bytes; without activations
 * @param labels        number of labels, 0 if there are none
 * @param tokenizer     its files
 * @param modules       types of the sentence-transformers modules
 */
public record InspectReport(Path path, String format, Path weights, String said, String family, String missing, Map<String, Long> sizes,
        Map<String, Count> types, long parameters, long fileByteSize, long memory, int labels, List<String> tokenizer,
        List<String> modules) {
    private static final Pattern SIZE = Pattern.compile(
            ".*(size|layers?|heads|embeddings|positions|dims?|classes|channels|blocks|labels|_ff|d_model|d_kv|height|width|length)|n_.*");
    private static final int MOST_SIZES = 40;

    /**
     * Tensors of one element type.
     *
     * @param tensors  how many
     * @param elements in all
     */
    public record Count(long tensors, long elements) {
    }

    /** Refuses maps and lists with null in them. */
    public InspectReport {
        sizes.keySet().forEach(java.util.Objects::requireNonNull);
        tokenizer = List.copyOf(tokenizer);
        modules = List.copyOf(modules);
    }

    static InspectReport of(Checkpoint checkpoint, Families families) {
        Map<String, Checkpoint.TensorInfo> tensors = Map.of();
        String missing = null;
        Optional<Family<?>> family = Optional.empty();
        try {
            tensors = checkpoint.tensors();
            family = families.find(checkpoint);
            missing = family.isPresent() ? null : families.missing(checkpoint);
        } catch (WeightException e) {
            missing = e.getMessage();
        }
        Map<String, Count> types = new TreeMap<>();
        long parameters = 0;
        long bytes = 0;
        long memory = 0;
        for (Checkpoint.TensorInfo tensor : tensors.values()) {
            long count = tensor.shape().elementCount();
            types.merge(tensor.type(), new Count(1, count), (a, b) -> new Count(a.tensors + b.tensors, a.elements + b.elements));
            bytes += tensor.byteSize();
            boolean isByte = tensor.type().equals("I8") || tensor.type().equals("U8");
            if (isByte || tensor.type().contains("F")) {
                parameters += count;
                memory += isByte ? count : count * Float.BYTES;
            }
        }
        List<String> labels = checkpoint.labels();
        return new InspectReport(checkpoint.origin(), checkpoint.format(), checkpoint.weights(), checkpoint.said(),
                family.<String>map(Family::name).orElse(null), missing, sizes(checkpoint.config()), types, parameters, bytes, memory,
                labels == null ? 0 : labels.size(), checkpoint.tokenizerFiles(),
                checkpoint.modules().stream().map(Checkpoint.Module::type).toList());
    }

    private static Map<String, Long> sizes(JsonNode config) {
        Map<String, Long> sizes = new LinkedHashMap<>();
        config.properties().forEach(property -> {
            JsonNode value = property.getValue();
            if (value.isIntegralNumber() && value.canConvertToLong() && sizes.size() < MOST_SIZES && property.getKey().length() <= 80
                    && SIZE.matcher(property.getKey()).matches()) {
                sizes.put(property.getKey(), value.longValue());
            }
        });
        return sizes;
    }

    /** Some lines for people. */
    public String text() {
        StringBuilder text = new StringBuilder().append(path).append('\n');
        line(text, "served by", family != null ? family : "nothing");
        line(text, "because", missing);
        line(text, "config.json", said.isEmpty() ? "names no model, or is missing" : said);
        line(text, "weights", weights == null ? "none" : format + ", " + (path.equals(weights) ? path.getFileName()
                : path.relativize(weights)) + ", " + megabytes(fileByteSize));
        if (!types.isEmpty()) {
            StringBuilder counts = new StringBuilder();
            types.forEach((type, count) -> counts.append(counts.isEmpty() ? "" : ", ").append(type).append(' ').append(count.tensors)
                    .append(count.tensors == 1 ? " tensor" : " tensors"));
            line(text, "parameters", String.format(Locale.ROOT, "%,d", parameters) + " (" + counts + ")");
            line(text, "memory", "about " + megabytes(memory) + " of weights when loaded");
        }
        if (!sizes.isEmpty()) {
            line(text, "sizes", String.join(", ", sizes.entrySet().stream().map(e -> e.getKey() + " " + e.getValue()).toList()));
        }
        line(text, "labels", labels == 0 ? null : Integer.toString(labels));
        line(text, "tokenizer", tokenizer.isEmpty() ? null : String.join(", ", tokenizer));
        line(text, "modules", modules.isEmpty() ? null : String.join(", ", modules));
        return text.toString();
    }

    private static void line(StringBuilder text, String name, String value) {
        if (value != null) {
            text.append(String.format(Locale.ROOT, "  %-12s%s%n", name, value));
        }
    }

    private static String megabytes(long bytes) {
        return bytes < 100_000 ? bytes + " bytes" : String.format(Locale.ROOT, "%.1f MB", bytes / 1e6);
    }

    /** The same as one JSON object. */
    public String json() {
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode root = mapper.createObjectNode();
        root.put("path", path.toString()).put("family", family).put("missing", missing).put("config", said).put("format", format)
                .put("weights", weights == null ? null : weights.toString()).put("parameters", parameters)
                .put("file_bytes", fileByteSize).put("memory_bytes", memory).put("labels", labels);
        ObjectNode byType = root.putObject("types");
        types.forEach((type, count) -> byType.putObject(type).put("tensors", count.tensors).put("elements", count.elements));
        ObjectNode named = root.putObject("sizes");
        sizes.forEach(named::put);
        tokenizer.forEach(root.putArray("tokenizer")::add);
        modules.forEach(root.putArray("modules")::add);
        return root.toPrettyString();
    }
}
