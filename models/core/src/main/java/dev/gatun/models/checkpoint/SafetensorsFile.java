package dev.gatun.models.checkpoint;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A safetensors file: eight bytes of header length, a JSON header, then the tensors' bytes. Memory-mapped in the
 * caller's arena; everything the header claims is checked against the file before any tensor is handed out.
 * Thread-safe. Format: the safetensors repository's README.
 */
public final class SafetensorsFile implements WeightSource {
    private static final long MAX_HEADER = 100_000_000;
    private static final ObjectMapper JSON = JsonMapper.builder()
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    private final Path file;
    private final Arena arena;
    private final Map<String, Entry> entries = new LinkedHashMap<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();

    private record Range(String name, long begin, long end) {
    }

    private SafetensorsFile(Path file, Arena arena) {
        this.file = file;
        this.arena = arena;
    }

    /**
     * Maps a file and checks its header.
     *
     * @param arena owns the mapping
     * @throws WeightException if it cannot be read or contradicts itself
     */
    public static SafetensorsFile open(Path file, Arena arena) {
        return parse(file, MappedFile.map(file, arena), arena);
    }

    /**
     * Reads a file that is already in memory, such as a resource of the class path.
     *
     * @param origin names it in messages
     * @param arena  owns converted tensors
     */
    public static SafetensorsFile parse(Path origin, MemorySegment bytes, Arena arena) {
        SafetensorsFile result = new SafetensorsFile(origin, arena);
        result.read(bytes);
        return result;
    }

    private void read(MemorySegment bytes) {
        if (bytes.byteSize() < Long.BYTES) {
            throw new WeightException(file, "truncated: " + bytes.byteSize() + " bytes, a safetensors file has at least 8");
        }
        long length = bytes.get(ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 0);
        if (length < 2 || length > MAX_HEADER || length > bytes.byteSize() - Long.BYTES) {
            throw new WeightException(file, "the header claims " + Long.toUnsignedString(length) + " bytes, the file has "
                    + (bytes.byteSize() - Long.BYTES) + " after the length (is it truncated, or not safetensors?)");
        }
        JsonNode header;
        try {
            header = JSON.readTree(bytes.asSlice(Long.BYTES, length).toArray(ValueLayout.JAVA_BYTE));
        } catch (IOException e) {
            throw new WeightException(file, "the header is not valid JSON: " + firstLine(e), e);
        }
        if (header == null || !header.isObject()) {
            throw new WeightException(file, "the header is not a JSON object");
        }
        MemorySegment data = bytes.asSlice(Long.BYTES + length);
        List<Range> ranges = new ArrayList<>();
        header.properties().forEach(property -> {
            if (property.getKey().equals("__metadata__")) {
                property.getValue().properties().forEach(m -> metadata.put(m.getKey(), m.getValue().asText()));
            } else {
                ranges.add(entry(property.getKey(), property.getValue(), data));
            }
        });
        checkCoverage(ranges, data.byteSize());
    }

    private Range entry(String name, JsonNode node, MemorySegment data) {
        String type = node.path("dtype").asText("");
        JsonNode dims = node.path("shape");
        JsonNode offsets = node.path("data_offsets");
        if (!dims.isArray() || !offsets.isArray() || offsets.size() != 2 || !offsets.get(0).isIntegralNumber()
                || !offsets.get(1).isIntegralNumber() || !offsets.get(0).canConvertToLong() || !offsets.get(1).canConvertToLong()) {
            throw new WeightException(file, "tensor " + name + ": expected dtype, shape and two data_offsets, found " + clip(node));
        }
        long begin = offsets.get(0).asLong();
        long end = offsets.get(1).asLong();
        if (begin < 0 || end < begin || end > data.byteSize()) {
            throw new WeightException(file, "tensor " + name + ": data_offsets [" + begin + ", " + end
                    + "] are not inside the file's " + data.byteSize() + " bytes of data");
        }
        Shape shape = shape(name, dims);
        long expected;
        try {
            expected = Math.multiplyExact(shape.elementCount(), elementSize(name, type));
        } catch (ArithmeticException e) {
            throw new WeightException(file, "tensor " + name + ": shape " + shape + " is too large", e);
        }
        if (end - begin != expected) {
            throw new WeightException(file, "tensor " + name + ": " + type + " " + shape + " takes " + expected
                    + " bytes, data_offsets give " + (end - begin));
        }
        entries.put(name, new Entry(type, shape, data.asSlice(begin, end - begin)));
        return new Range(name, begin, end);
    }

    private Shape shape(String name, JsonNode dims) {
        long[] values = new long[dims.size()];
        for (int i = 0; i < values.length; i++) {
            if (!dims.get(i).isIntegralNumber() || !dims.get(i).canConvertToLong() || dims.get(i).asLong() < 0) {
                throw new WeightException(file, "tensor " + name + ": shape " + clip(dims) + " is not a list of sizes");
            }
            values[i] = dims.get(i).asLong();
        }
        try {
            return Shape.of(values);
        } catch (IllegalArgumentException e) {
            throw new WeightException(file, "tensor " + name + ": " + e.getMessage(), e);
        }
    }

    private long elementSize(String name, String type) {
        return switch (type) {
            case "F64", "I64", "U64" -> 8;
            case "F32", "I32", "U32" -> 4;
            case "F16", "BF16", "I16", "U16" -> 2;
            case "I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2" -> 1;
            default -> throw new WeightException(file, "tensor " + name + ": unknown dtype '" + type + "'");
        };
    }

    /** The format allows neither overlaps nor holes: either would hide data that nobody checked. */
    private void checkCoverage(List<Range> ranges, long dataSize) {
        ranges.sort(Comparator.comparingLong(Range::begin).thenComparingLong(Range::end));
        long position = 0;
        String previous = "the header";
        for (Range range : ranges) {
            if (range.begin != position) {
                throw new WeightException(file, "tensor " + range.name + " begins at " + range.begin + ", but " + previous
                        + " ends at " + position + (range.begin < position ? ": they overlap" : ": the bytes between belong to nothing"));
            }
            position = range.end;
            previous = "tensor " + range.name;
        }
        if (position != dataSize) {
            throw new WeightException(file, "the tensors end at " + position + ", the file's data at " + dataSize);
        }
    }

    private static String clip(JsonNode node) {
        String text = node.toString();
        return text.length() > 120 ? text.substring(0, 120) + "..." : text;
    }

    private static String firstLine(IOException e) {
        String message = String.valueOf(e.getMessage());
        return message.lines().findFirst().orElse("");
    }

    /** The header's {@code __metadata__}. */
    public Map<String, String> metadata() {
        return Map.copyOf(metadata);
    }

    @Override
    public Set<String> names() {
        return entries.keySet();
    }

    @Override
    public Entry entry(String name) {
        Entry entry = entries.get(name);
        if (entry == null) {
            throw new WeightException(file, "has no tensor " + name);
        }
        return entry;
    }

    @Override
    public Tensor floats(String name) {
        return Widening.toFloats(file, name, entry(name), arena);
    }

    @Override
    public Path file(String name) {
        return file;
    }
}
