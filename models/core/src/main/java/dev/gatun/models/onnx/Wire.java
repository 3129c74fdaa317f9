package dev.gatun.models.onnx;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/**
 * Protobuf's wire format over memory of any size (protobuf's own classes end at 2 GB and copy weights to the heap). Every length is
 * checked against what is left of the message it is in.
 */
final class Wire {
    static final int VARINT = 0;
    static final int FIXED64 = 1;
    static final int BYTES = 2;
    static final int FIXED32 = 5;
    private static final int MAX_DEPTH = 100;

    private final MemorySegment bytes;
    private final int depth;
    private long at;
    private int field;
    private int kind;

    Wire(MemorySegment bytes) {
        this(bytes, 0);
    }

    private Wire(MemorySegment bytes, int depth) {
        if (depth > MAX_DEPTH) {
            throw new IllegalArgumentException("messages are nested more than " + MAX_DEPTH + " deep");
        }
        this.bytes = bytes;
        this.depth = depth;
    }

    /** Goes to the next field; false at the end. */
    boolean next() {
        if (at >= bytes.byteSize()) {
            return false;
        }
        long tag = varint();
        field = (int) (tag >>> 3);
        kind = (int) (tag & 7);
        if (field < 1 || tag >>> 32 != 0 || kind != VARINT && kind != FIXED64 && kind != BYTES && kind != FIXED32) {
            throw new IllegalArgumentException("is not an ONNX file, or is damaged: no protobuf field begins at byte " + (at - 1)
                    + " of a message of "
                    + bytes.byteSize());
        }
        return true;
    }

    int field() {
        return field;
    }

    long varint() {
        long value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            if (at >= bytes.byteSize()) {
                throw ends();
            }
            byte b = bytes.get(ValueLayout.JAVA_BYTE, at++);
            value |= (long) (b & 0x7f) << shift;
            if (b >= 0) {
                return value;
            }
        }
        throw new IllegalArgumentException("a number of more than 10 bytes ends at byte " + at + " of a message");
    }

    private IllegalArgumentException ends() {
        return new IllegalArgumentException("is cut off: a message ends within a field, after " + bytes.byteSize() + " bytes");
    }

    private MemorySegment take(long count) {
        if (count < 0 || count > bytes.byteSize() - at) {
            throw new IllegalArgumentException("is cut off or damaged: a field claims " + Long.toUnsignedString(count) + " bytes, "
                    + (bytes.byteSize() - at) + " are left");
        }
        MemorySegment slice = bytes.asSlice(at, count);
        at += count;
        return slice;
    }

    long fixed64() {
        return take(8).get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
    }

    int fixed32() {
        return take(4).get(ValueLayout.JAVA_INT_UNALIGNED, 0);
    }

    /** A number, whatever its width. */
    long number() {
        return switch (kind) {
            case VARINT -> varint();
            case FIXED64 -> fixed64();
            case FIXED32 -> fixed32();
            default -> throw new IllegalArgumentException("field " + field + " should be a number");
        };
    }

    MemorySegment slice() {
        if (kind != BYTES) {
            throw new IllegalArgumentException("field " + field + " should be bytes");
        }
        return take(varint());
    }

    Wire message() {
        return new Wire(slice(), depth + 1);
    }

    String string() {
        MemorySegment text = slice();
        if (text.byteSize() > 1 << 26) {
            throw new IllegalArgumentException("a text has " + text.byteSize() + " bytes");
        }
        return new String(text.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
    }

    void skip() {
        if (kind == BYTES) {
            slice();
        } else {
            number();
        }
    }

    /** Appends one number, or a packed run of them. */
    void numbers(Numbers to, int elementKind) {
        if (kind != BYTES) {
            to.add(number());
            return;
        }
        Wire packed = message();
        packed.kind = elementKind;
        while (packed.at < packed.bytes.byteSize()) {
            to.add(packed.number());
        }
    }

    /** Growing longs. */
    static final class Numbers {
        private long[] values = new long[4];
        private int count;

        void add(long value) {
            if (count == values.length) {
                values = java.util.Arrays.copyOf(values, Math.max(8, count + (count >> 1)));
            }
            values[count++] = value;
        }

        int count() {
            return count;
        }

        long get(int i) {
            return values[i];
        }

        long[] toArray() {
            return java.util.Arrays.copyOf(values, count);
        }
    }
}
