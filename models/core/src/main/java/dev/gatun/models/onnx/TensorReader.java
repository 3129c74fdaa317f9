package dev.gatun.models.onnx;

import dev.gatun.bindings.kernels.NativeBuffer;
import dev.gatun.models.io.FileBytes;
import dev.gatun.tensor.Shape;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;

/** Turns TensorProto into tensors: sizes are checked before anything is allocated, files outside of the model's folder are refused. */
final class TensorReader {
    private static final long LARGE = 1 << 16;

    private final Path folder;
    private final Arena arena;

    /**
     * For the tensors of one file.
     *
     * @param folder that external data must be in; null refuses external data
     * @param arena  owns what is made; memory of the file is shown where it can be
     */
    TensorReader(Path folder, Arena arena) {
        this.folder = folder;
        this.arena = arena;
    }

    /** Owns what is made. */
    Arena arena() {
        return arena;
    }

    /** @throws IllegalArgumentException if the tensor lies about its size; the message names it */
    OnnxTensor read(Proto.Tensor proto) {
        try {
            return checked(proto);
        } catch (IllegalArgumentException | ArithmeticException | IOException e) {
            throw new IllegalArgumentException("tensor " + proto.name() + ": " + e.getMessage(), e);
        }
    }

    private OnnxTensor checked(Proto.Tensor proto) throws IOException {
        OnnxType type = OnnxType.ofCode(proto.type());
        if (type == null) {
            throw new IllegalArgumentException("element type " + proto.type() + " is not known");
        }
        Shape shape = Shape.of(proto.dims());
        if (shape.rank() > 64) {
            throw new IllegalArgumentException(shape.rank() + " dimensions, expected at most 64");
        }
        if (type == OnnxType.STRING) {
            return texts(proto, shape);
        }
        MemorySegment raw = proto.external() != null ? external(proto, bytes(type, shape)) : proto.raw();
        if (raw == null) {
            return typed(proto, type, shape);
        }
        require(shape, type, raw.byteSize(), bytes(type, shape), "bytes");
        return type.bits() < 8 ? unpacked(raw, type, shape) : new OnnxTensor(type, shape, aligned(raw, type), null, null);
    }

    private static long bytes(OnnxType type, Shape shape) {
        return (Math.multiplyExact(shape.elementCount(), type.bits()) + 7) / 8;
    }

    private static void require(Shape shape, OnnxType type, long found, long expected, String unit) {
        if (found != expected) {
            throw new IllegalArgumentException(type + " " + shape + " takes " + expected + " " + unit + ", the file has " + found);
        }
    }

    /** Kernels want elements at multiples of their size. */
    private MemorySegment aligned(MemorySegment raw, OnnxType type) {
        if (raw.address() % type.byteSize() == 0) {
            return raw;
        }
        MemorySegment copy = raw.byteSize() < LARGE ? arena.allocate(Math.max(1, raw.byteSize()), 64)
                : NativeBuffer.allocate(arena, raw.byteSize()).segment(); // is not zeroed before it is written
        return copy.asSlice(0, raw.byteSize()).copyFrom(raw);
    }

    private OnnxTensor unpacked(MemorySegment raw, OnnxType type, Shape shape) {
        OnnxTensor tensor = OnnxTensor.allocate(arena, type, shape.dims());
        int perByte = 8 / type.bits();
        for (long i = 0; i < tensor.size(); i++) {
            nibble(tensor, i, raw.get(ValueLayout.JAVA_BYTE, i / perByte) >> (int) (i % perByte) * type.bits());
        }
        return tensor;
    }

    private static void nibble(OnnxTensor tensor, long i, int bits) {
        if (tensor.type() == OnnxType.FLOAT4E2M1) {
            tensor.segment().set(ValueLayout.JAVA_BYTE, i, (byte) (bits & 15));
        } else {
            tensor.putWhole(i, bits);
        }
    }

    private OnnxTensor typed(Proto.Tensor proto, OnnxType type, Shape shape) {
        int perNumber = type.bits() < 8 ? 8 / type.bits() : 1;
        long perElement = type.kind() == OnnxType.Kind.COMPLEX ? 2 : 1;
        long found = proto.numbers() == null ? 0 : proto.numbers().count();
        long expected = (Math.multiplyExact(shape.elementCount(), perElement) + perNumber - 1) / perNumber;
        require(shape, type, found, expected, "numbers");
        OnnxTensor tensor = OnnxTensor.allocate(arena, type, shape.dims());
        MemorySegment to = tensor.segment();
        for (long i = 0; i < shape.elementCount() * perElement; i++) {
            long bits = proto.numbers().get((int) (i / perNumber));
            switch (type) {
                case FLOAT, COMPLEX64 -> to.setAtIndex(ValueLayout.JAVA_INT_UNALIGNED, i, (int) bits);
                case DOUBLE, COMPLEX128 -> to.setAtIndex(ValueLayout.JAVA_LONG_UNALIGNED, i, bits);
                case FLOAT16, BFLOAT16 -> to.setAtIndex(ValueLayout.JAVA_SHORT_UNALIGNED, i, (short) bits);
                case FLOAT8E4M3FN, FLOAT8E4M3FNUZ, FLOAT8E5M2, FLOAT8E5M2FNUZ, FLOAT8E8M0 -> to.set(ValueLayout.JAVA_BYTE, i, (byte) bits);
                case INT4, UINT4, INT2, UINT2, FLOAT4E2M1 -> nibble(tensor, i, (int) bits >> (int) (i % perNumber) * type.bits());
                default -> tensor.putWhole(i, bits);
            }
        }
        return tensor;
    }

    private OnnxTensor texts(Proto.Tensor proto, Shape shape) {
        require(shape, OnnxType.STRING, proto.texts() == null ? 0 : proto.texts().size(), shape.elementCount(), "texts");
        String[] table = new String[(int) shape.elementCount()];
        OnnxTensor tensor = OnnxTensor.allocate(arena, OnnxType.STRING, shape.dims()).withStrings(table);
        for (int i = 0; i < table.length; i++) {
            table[i] = new String(proto.texts().get(i), StandardCharsets.UTF_8);
            tensor.putWhole(i, i);
        }
        return tensor;
    }

    private MemorySegment external(Proto.Tensor proto, long byteSize) throws IOException {
        Map<String, String> entries = proto.external();
        String location = entries.getOrDefault("location", "");
        if (folder == null || location.isEmpty()) {
            throw new IllegalArgumentException("external data without a location that may be read");
        }
        Path file = folder.resolve(location).normalize();
        if (Path.of(location).isAbsolute() || !file.startsWith(folder.normalize()) || location.contains("..")) {
            throw new IllegalArgumentException("external data " + location + " lies outside of the model's folder: it is not read");
        }
        if (!Files.isRegularFile(file)) {
            throw new IllegalArgumentException("external data " + file + " is missing, or no plain file: put it beside the model");
        }
        if (!file.toRealPath().startsWith(folder.toRealPath())) {
            throw new IllegalArgumentException("external data " + location + " is a link out of the model's folder: it is not read");
        }
        long offset = number(entries, "offset", 0);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long length = number(entries, "length", byteSize);
            if (offset < 0 || length != byteSize || offset > channel.size() - length) {
                throw new IllegalArgumentException("external data " + location + ": " + length + " bytes at " + offset + " of "
                        + channel.size()
                        + ", the tensor takes " + byteSize);
            }
            return FileBytes.read(file, channel, offset, length, arena);
        }
    }

    private static long number(Map<String, String> entries, String key, long missing) {
        String text = entries.get(key);
        return text == null ? missing : Long.parseLong(text.strip());
    }
}
