package dev.gatun.models.checkpoint;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;

/** Element types of weight files. */
public final class Elements {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final int EXPONENT = 0x7f800000;
    private static final int LOWEST_EXPONENT = 0x00800000;
    private static final int BLOCK = 4096;
    private static final int HALF_EXPONENT = 0x7c00;

    private Elements() {
    }

    /** Bytes of one element by the name that safetensors gives its type, or 0 for an unknown one. */
    static int byteSize(String type) {
        return switch (type) {
            case "F64", "I64", "U64" -> 8;
            case "F32", "I32", "U32" -> 4;
            case "F16", "BF16", "I16", "U16" -> 2;
            case "I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2" -> 1;
            default -> 0;
        };
    }

    /** In the type of the file, F64 as F32. */
    static Tensor tensor(Path file, String name, WeightSource.Entry entry, Arena arena) {
        DataType type = switch (entry.type()) {
            case "F32" -> DataType.F32;
            case "F16" -> DataType.F16;
            case "BF16" -> DataType.BF16;
            case "I8" -> DataType.S8;
            case "U8" -> DataType.U8;
            case "I32" -> DataType.S32;
            case "F64" -> null;
            default -> throw new WeightException(file, "tensor " + Clip.text(name) + ": element type " + entry.type()
                    + ", expected F32, F16, BF16, F64, I8, U8 or I32");
        };
        if (type == null) {
            return floats(file, name, entry, arena);
        }
        TensorDesc desc = TensorDesc.of(type, entry.shape().dims());
        if (entry.bytes().address() % type.byteSize() == 0) {
            return Tensor.of(desc, entry.bytes());
        }
        Tensor aligned = Tensor.allocate(arena, desc);
        aligned.segment().copyFrom(entry.bytes());
        return aligned;
    }

    /** As F32. */
    static Tensor floats(Path file, String name, WeightSource.Entry entry, Arena arena) {
        if (entry.type().equals("F32")) {
            return tensor(file, name, entry, arena);
        }
        TensorDesc desc = TensorDesc.of(DataType.F32, entry.shape().dims());
        long count = entry.shape().elementCount();
        switch (entry.type()) {
            case "F16", "BF16", "F64" -> {
                MemorySegment src = entry.bytes();
                Tensor tensor = Tensor.allocate(arena, desc);
                for (long i = 0; i < count; i++) {
                    tensor.setFloat(i, switch (entry.type()) {
                        case "F16" -> Float.float16ToFloat(src.get(SHORT, i * 2));
                        case "BF16" -> Float.intBitsToFloat(src.get(SHORT, i * 2) << 16);
                        default -> (float) src.get(DOUBLE, i * 8);
                    });
                }
                return tensor;
            }
            default -> throw new WeightException(file, "tensor " + Clip.text(name) + ": element type " + entry.type()
                    + ", expected F32, F16, BF16 or F64");
        }
    }

    /**
     * Refuses NaN and infinite elements, which would make every result of a model NaN; reads every element.
     *
     * @param file   for the message
     * @param tensor row-major; of a type that is not a float nothing is checked
     * @throws WeightException naming the first
     */
    public static void requireFinite(Path file, String name, Tensor tensor) {
        MemorySegment bytes = tensor.segment();
        long count = tensor.shape().elementCount();
        long bad = switch (tensor.type()) {
            case F32 -> firstNotFinite(bytes, count);
            case F16 -> first(bytes, count, HALF_EXPONENT);
            case BF16 -> first(bytes, count, EXPONENT >>> 16);
            case S8, U8, S32 -> -1;
        };
        if (bad >= 0) {
            float value = switch (tensor.type()) {
                case F32 -> Float.intBitsToFloat(bytes.get(INT, bad * 4));
                case F16 -> Float.float16ToFloat(bytes.get(SHORT, bad * 2));
                default -> Float.intBitsToFloat(bytes.get(SHORT, bad * 2) << 16);
            };
            throw new WeightException(file, "tensor " + Clip.text(name) + ": element " + bad + " is " + value);
        }
    }

    /**
     * Where the first NaN or infinite element is.
     *
     * @param floats F32 [count], aligned or not
     * @return its index, or -1 if there is none
     */
    public static long firstNotFinite(MemorySegment floats, long count) {
        for (long from = 0; from < count; from += BLOCK) {
            int length = (int) Math.min(BLOCK, count - from);
            long offset = from * Float.BYTES;
            int found = 0;
            // Only an exponent of ones reaches the sign: a block is looked into if one did.
            for (int i = 0; i < length; i++) {
                found |= (floats.get(INT, offset + i * (long) Float.BYTES) & EXPONENT) + LOWEST_EXPONENT;
            }
            if (found < 0) {
                for (long i = from; ; i++) {
                    if ((floats.get(INT, i * Float.BYTES) & EXPONENT) == EXPONENT) {
                        return i;
                    }
                }
            }
        }
        return -1;
    }

    private static long first(MemorySegment bytes, long count, int exponent) {
        for (long i = 0; i < count; i++) {
            if ((bytes.get(SHORT, i * 2) & exponent) == exponent) {
                return i;
            }
        }
        return -1;
    }
}
