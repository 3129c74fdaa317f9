package dev.gatun.models.onnx;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Writes small ONNX files for tests, message by message. */
final class OnnxFiles {
    private OnnxFiles() {
    }

    /** A message under a field's number. */
    static byte[] field(int number, byte[]... parts) {
        byte[] inner = join(parts);
        return join(varint(number << 3 | 2), varint(inner.length), inner);
    }

    static byte[] field(int number, String text) {
        return field(number, text.getBytes(StandardCharsets.UTF_8));
    }

    static byte[] field(int number, long value) {
        return join(varint(number << 3), varint(value));
    }

    static byte[] join(byte[]... parts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            out.writeBytes(part);
        }
        return out.toByteArray();
    }

    private static byte[] varint(long value) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        long v = value;
        for (; (v & ~0x7fL) != 0; v >>>= 7) {
            out.write((int) (v & 0x7f | 0x80));
        }
        out.write((int) v);
        return out.toByteArray();
    }

    /** A node of one operand and one result, in a graph. */
    static byte[] node(String op, String input, String output, byte[]... more) {
        return field(1, join(field(1, input), field(2, output), field(3, "the_" + output), field(4, op), join(more)));
    }

    static byte[] attribute(String name, long value) {
        return field(5, field(1, name), field(3, value), field(20, 2));
    }

    /** A value of a graph's inputs (11) or outputs (12): FLOAT of these dimensions. */
    static byte[] info(int number, String name, long... dims) {
        byte[][] sizes = new byte[dims.length][];
        for (int i = 0; i < dims.length; i++) {
            sizes[i] = field(1, field(1, dims[i]));
        }
        return field(number, field(1, name), field(2, field(1, field(1, 1), field(2, join(sizes)))));
    }

    /** An initializer of a type with raw bytes. */
    static byte[] initializer(String name, int type, byte[] raw, long... dims) {
        byte[] sizes = new byte[0];
        for (long dim : dims) {
            sizes = join(sizes, field(1, dim));
        }
        return field(5, sizes, field(2, type), field(8, name), field(9, raw));
    }

    /** From x FLOAT [2, 3] to z. */
    static byte[] model(byte[]... parts) {
        return join(field(1, 9), field(7, join(join(parts), info(11, "x", 2, 3), field(12, field(1, "z")))), field(8, field(2, 18)));
    }

    static Path write(Path folder, byte[] model) {
        try {
            return Files.write(folder.resolve("model.onnx"), model);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
