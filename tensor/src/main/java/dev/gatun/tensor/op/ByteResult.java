package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import java.util.Objects;

/**
 * What becomes of a number: itself in F32 or S32; or the nearest whole one + zero, within bounds, in a byte.
 *
 * @param type of the result
 * @param zero the byte that is worth nothing
 * @param low  the least byte
 * @param high the largest byte
 */
public record ByteResult(DataType type, int zero, int low, int high) {
    /** Numbers as they are. */
    public static final ByteResult FLOATS = new ByteResult(DataType.F32, 0, 0, 0);

    /** Sums as they are. */
    public static final ByteResult SUMS = new ByteResult(DataType.S32, 0, 0, 0);

    /** Refuses bounds that no byte has. */
    public ByteResult {
        Objects.requireNonNull(type, "type");
        boolean fits = isByte(type) ? low <= high && low >= least(type) && high <= least(type) + 255 && zero >= least(type)
                && zero <= least(type) + 255 : type == DataType.F32 || type == DataType.S32;
        if (!fits) {
            throw new IllegalArgumentException("bytes: " + type + " has no zero " + zero + " within " + low + " .. " + high);
        }
    }

    /** All bytes of a type. */
    public static ByteResult of(DataType type, int zero) {
        return new ByteResult(type, zero, least(type), least(type) + 255);
    }

    static boolean isByte(DataType type) {
        return type == DataType.U8 || type == DataType.S8;
    }

    private static int least(DataType type) {
        return type == DataType.S8 ? -128 : 0;
    }
}
