package dev.gatun.models.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gatun.tensor.Shape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A safetensors file: eight bytes of header length, a JSON header, then the tensors' bytes. Everything the header claims is checked
 * against the file at opening; a tensor is read into the caller's arena when it is asked for. Thread-safe as far as the arena is.
 * Format: the safetensors repository's README.
 */
public final class SafetensorsFile extends FileTensors {
    private static final long MAX_HEADER = 100_000_000;
    private static final int MAX_RANK = 32;

    private final Map<String, String> metadata = new LinkedHashMap<>();

    private record Range(String name, long begin, long end) {
    }

    private SafetensorsFile(Path file, Arena arena) {
        super(file, arena);
    }

    /**
     * Checks a file's header.
     *
     * @param arena owns what is read
     * @throws WeightException if it cannot be read or contradicts itself
     */
    public static SafetensorsFile open(Path file, Arena arena) {
        SafetensorsFile result = new SafetensorsFile(file, arena);
        result.read(ModelFile.open(file));
        return result;
    }

    /**
     * Reads a file that is already in memory, such as a resource of the class path.
     *
     * @param origin names it in messages
     * @param arena  owns converted tensors
     */
    public static SafetensorsFile parse(Path origin, MemorySegment bytes, Arena arena) {
        SafetensorsFile result = new SafetensorsFile(origin, arena);
        result.read(ModelFile.of(origin, bytes));
        return result;
    }

    private void read(ModelFile source) {
        if (source.byteSize() < Long.BYTES) {
            throw new WeightException(file, "truncated: " + source.byteSize() + " bytes, a safetensors file has at least 8");
        }
        long length = ByteBuffer.wrap(source.bytes(0, Long.BYTES)).order(ByteOrder.LITTLE_ENDIAN).getLong();
        long rest = source.byteSize() - Long.BYTES;
        if (length < 2 || length > MAX_HEADER || length > rest) {
            throw new WeightException(file, "the header claims " + Long.toUnsignedString(length) + " bytes, the file has "
                    + rest + " after the length (is it truncated, or not safetensors?)");
        }
        JsonFiles.requireHeap(file, "the header", length);
        JsonNode header = JsonFiles.object(file, "the header ", source.bytes(Long.BYTES, (int) length));
        long start = Long.BYTES + length;
        List<Range> ranges = new ArrayList<>();
        header.properties().forEach(property -> {
            if (property.getKey().equals("__metadata__")) {
                property.getValue().properties().forEach(m -> metadata.put(m.getKey(), m.getValue().asText()));
            } else {
                ranges.add(entry(property.getKey(), property.getValue(), source, start));
            }
        });
        checkCoverage(ranges, source.byteSize() - start);
    }

    private Range entry(String key, JsonNode node, ModelFile source, long start) {
        String name = Clip.text(key);
        long dataSize = source.byteSize() - start;
        String type = node.path("dtype").asText("");
        JsonNode dims = node.path("shape");
        JsonNode offsets = node.path("data_offsets");
        if (!dims.isArray() || !offsets.isArray() || offsets.size() != 2 || !offsets.get(0).isIntegralNumber()
                || !offsets.get(1).isIntegralNumber() || !offsets.get(0).canConvertToLong() || !offsets.get(1).canConvertToLong()) {
            throw new WeightException(file, "tensor " + name + ": expected dtype, shape and two data_offsets, found " + Clip.text(node));
        }
        long begin = offsets.get(0).asLong();
        long end = offsets.get(1).asLong();
        if (begin < 0 || end < begin || end > dataSize) {
            throw new WeightException(file, "tensor " + name + ": data_offsets [" + begin + ", " + end
                    + "] are not inside the file's " + dataSize + " bytes of data");
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
        entries.put(key, new Entry(type, shape, end - begin, () -> source.read(start + begin, end - begin, arena)));
        return new Range(name, begin, end);
    }

    private Shape shape(String name, JsonNode dims) {
        if (dims.size() > MAX_RANK) {
            throw new WeightException(file, "tensor " + name + ": " + dims.size() + " dimensions, expected at most " + MAX_RANK);
        }
        long[] values = new long[dims.size()];
        for (int i = 0; i < values.length; i++) {
            if (!dims.get(i).isIntegralNumber() || !dims.get(i).canConvertToLong() || dims.get(i).asLong() < 0) {
                throw new WeightException(file, "tensor " + name + ": shape " + Clip.text(dims) + " is not a list of sizes");
            }
            values[i] = dims.get(i).asLong();
        }
        try {
            return Shape.of(values);
        } catch (IllegalArgumentException e) {
            throw new WeightException(file, "tensor " + name + ": " + e.getMessage(), e);
        }
    }

    private int elementSize(String name, String type) {
        int size = Elements.byteSize(type);
        if (size == 0) {
            throw new WeightException(file, "tensor " + name + ": unknown dtype '" + Clip.text(type) + "'");
        }
        return size;
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

    /** The header's {@code __metadata__}. */
    public Map<String, String> metadata() {
        return Map.copyOf(metadata);
    }
}
