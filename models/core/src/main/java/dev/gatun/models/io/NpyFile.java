package dev.gatun.models.io;

import dev.gatun.tensor.Shape;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A {@code .npy}: little-endian numbers or truth values, C order. Format: numpy's {@code numpy.lib.format},
 * versions 1 to 3. Immutable; the memory belongs to the arena that the file was opened in.
 *
 * @param type  element type
 * @param shape dimensions
 * @param data  the elements, row-major; exactly their bytes
 */
public record NpyFile(Type type, Shape shape, MemorySegment data) {
    private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
    private static final int MAX_HEADER = 1 << 20;
    private static final int MAX_RANK = 32;
    private static final Pattern HEADER = Pattern.compile("\\s*\\{(.*)\\}\\s*", Pattern.DOTALL);
    private static final Pattern DESCR = Pattern.compile("['\"]descr['\"]\\s*:\\s*['\"]([^'\"]*)['\"]");
    private static final Pattern ORDER = Pattern.compile("['\"]fortran_order['\"]\\s*:\\s*(True|False)");
    private static final Pattern SHAPE = Pattern.compile("['\"]shape['\"]\\s*:\\s*\\(([0-9,\\sL]*)\\)");

    /** Element types. */
    public enum Type {
        /** {@code <f4}. */
        FLOAT32("<f4", 4),
        /** {@code <i4}. */
        INT32("<i4", 4),
        /** {@code <i8}. */
        INT64("<i8", 8),
        /** {@code <f8}. */
        FLOAT64("<f8", 8),
        /** {@code <f2}. */
        FLOAT16("<f2", 2),
        /** {@code |b1}. */
        BOOL("|b1", 1),
        /** {@code |i1}. */
        INT8("|i1", 1),
        /** {@code |u1}. */
        UINT8("|u1", 1),
        /** {@code <i2}. */
        INT16("<i2", 2),
        /** {@code <u2}. */
        UINT16("<u2", 2),
        /** {@code <u4}. */
        UINT32("<u4", 4),
        /** {@code <u8}. */
        UINT64("<u8", 8);

        private final String descr;
        private final int byteSize;

        Type(String descr, int byteSize) {
            this.descr = descr;
            this.byteSize = byteSize;
        }

        /** Bytes of one element. */
        public int byteSize() {
            return byteSize;
        }

        /** numpy's name of the type. */
        public String descr() {
            return descr;
        }
    }

    /**
     * Checks a file's header against its size, then reads it: mapped, a file that somebody shortens would end the process.
     *
     * @param arena owns the elements
     * @throws IOException that names the file, what was expected and what was found
     */
    public static NpyFile open(Path file, Arena arena) throws IOException {
        if (Files.isDirectory(file)) {
            throw new IOException(file + ": is a folder, expected a .npy file");
        }
        if (Files.exists(file) && !Files.isRegularFile(file)) {
            throw new IOException(file + ": is a pipe or a device, expected a plain file; it was not opened");
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return parse(file, channel, arena);
        } catch (NoSuchFileException e) {
            throw new IOException(file + ": does not exist", e);
        } catch (AccessDeniedException e) {
            throw new IOException(file + ": may not be read by this user", e);
        }
    }

    private static NpyFile parse(Path file, FileChannel channel, Arena arena) throws IOException {
        long size = channel.size();
        byte[] start = bytes(file, channel, 0, Math.min(12, size));
        for (int i = 0; i < MAGIC.length; i++) {
            if (i >= start.length || start[i] != MAGIC[i]) {
                throw new IOException(file + ": is not a .npy file: its first bytes are not \\x93NUMPY");
            }
        }
        int version = start.length > 6 ? start[6] : 0;
        int prefix = version == 1 ? 10 : 12;
        if (version < 1 || version > 3 || start.length < prefix) {
            throw new IOException(file + ": .npy version " + version + " in " + size + " bytes, expected a whole header of version 1 to 3");
        }
        long length = (start[8] & 0xffL) | (start[9] & 0xffL) << 8;
        if (version > 1) {
            length |= (start[10] & 0xffL) << 16 | (start[11] & 0xffL) << 24;
        }
        if (length > MAX_HEADER || length > size - prefix) {
            throw new IOException(file + ": the header claims " + length + " bytes, the file has " + (size - prefix)
                    + " after the length (at most " + MAX_HEADER + " are read)");
        }
        String header = new String(bytes(file, channel, prefix, length), StandardCharsets.UTF_8);
        Type type = type(file, field(file, header, DESCR, "descr"));
        if (field(file, header, ORDER, "fortran_order").equals("True")) {
            throw new IOException(file + ": fortran_order is True, expected C order (numpy.ascontiguousarray makes it)");
        }
        Shape shape = shape(file, field(file, header, SHAPE, "shape"));
        long data = size - prefix - length;
        if (byteSize(file, type, shape) != data) {
            throw new IOException(file + ": " + type + " " + shape + " takes " + byteSize(file, type, shape)
                    + " bytes, the file has " + data);
        }
        return new NpyFile(type, shape, FileBytes.read(file, channel, prefix + length, data, arena));
    }

    private static byte[] bytes(Path file, FileChannel channel, long offset, long count) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            return FileBytes.read(file, channel, offset, count, arena).toArray(ValueLayout.JAVA_BYTE);
        }
    }

    private static long byteSize(Path file, Type type, Shape shape) throws IOException {
        try {
            return Math.multiplyExact(shape.elementCount(), type.byteSize);
        } catch (ArithmeticException e) {
            throw new IOException(file + ": shape " + shape + " is too large", e);
        }
    }

    private static String field(Path file, String header, Pattern pattern, String name) throws IOException {
        Matcher whole = HEADER.matcher(header);
        Matcher matcher = pattern.matcher(whole.matches() ? whole.group(1) : "");
        if (!matcher.find()) {
            String shown = header.length() > 120 ? header.substring(0, 120) + "..." : header;
            throw new IOException(file + ": the header has no valid " + name + ", found " + shown.strip());
        }
        return matcher.group(1);
    }

    private static Type type(Path file, String descr) throws IOException {
        for (Type type : Type.values()) {
            if (type.descr.equals(descr)) {
                return type;
            }
        }
        throw new IOException(file + ": element type '" + descr + "', expected little-endian numbers or truth values, as '<f4' or '<i8'");
    }

    private static Shape shape(Path file, String text) throws IOException {
        String[] parts = text.isBlank() ? new String[0] : text.strip().split("\\s*,\\s*");
        if (parts.length > MAX_RANK) {
            throw new IOException(file + ": " + parts.length + " dimensions, expected at most " + MAX_RANK);
        }
        try {
            long[] dims = new long[parts.length];
            for (int i = 0; i < dims.length; i++) {
                dims[i] = Long.parseLong(parts[i].strip());
            }
            return Shape.of(dims);
        } catch (IllegalArgumentException e) {
            throw new IOException(file + ": the shape (" + text + ") is not one that fits memory", e);
        }
    }
}
