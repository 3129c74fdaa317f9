package dev.gatun.tensor;

import dev.gatun.bindings.onednn.Types;

/** Element types. */
public enum DataType {
    /** IEEE 754 binary32. */
    F32(4),
    /** IEEE 754 binary16. */
    F16(2),
    /** The upper half of a binary32. */
    BF16(2),
    /** Signed byte. */
    S8(1),
    /** Unsigned byte. */
    U8(1),
    /** Signed 32-bit integer. */
    S32(4);

    private final int byteSize;

    DataType(int byteSize) {
        this.byteSize = byteSize;
    }

    /** Bytes of one element. */
    public int byteSize() {
        return byteSize;
    }

    /** The {@code dnnl_data_type_t} value. */
    public int oneDnn() {
        return switch (this) {
            case F32 -> Types.F32;
            case F16 -> Types.F16;
            case BF16 -> Types.BF16;
            case S8 -> Types.S8;
            case U8 -> Types.U8;
            case S32 -> Types.S32;
        };
    }
}
