package dev.gatun.models.onnx;

/** Element types of ONNX tensors, with the numbers of onnx.proto. Types of fewer than 8 bits take a byte each in memory. */
public enum OnnxType {
    /** IEEE 754 binary32. */
    FLOAT(1, 4, Kind.REAL, "<f4"),
    /** Unsigned byte. */
    UINT8(2, 1, Kind.UNSIGNED, "|u1"),
    /** Signed byte. */
    INT8(3, 1, Kind.SIGNED, "|i1"),
    /** Unsigned 16-bit integer. */
    UINT16(4, 2, Kind.UNSIGNED, "<u2"),
    /** Signed 16-bit integer. */
    INT16(5, 2, Kind.SIGNED, "<i2"),
    /** Signed 32-bit integer. */
    INT32(6, 4, Kind.SIGNED, "<i4"),
    /** Signed 64-bit integer. */
    INT64(7, 8, Kind.SIGNED, "<i8"),
    /** Text: in memory the place of each in the tensor's table. */
    STRING(8, 8, Kind.STRING, null),
    /** 0 or 1. */
    BOOL(9, 1, Kind.BOOL, "|b1"),
    /** IEEE 754 binary16. */
    FLOAT16(10, 2, Kind.REAL, "<f2"),
    /** IEEE 754 binary64. */
    DOUBLE(11, 8, Kind.REAL, "<f8"),
    /** Unsigned 32-bit integer. */
    UINT32(12, 4, Kind.UNSIGNED, "<u4"),
    /** Unsigned 64-bit integer. */
    UINT64(13, 8, Kind.UNSIGNED, "<u8"),
    /** Two binary32. */
    COMPLEX64(14, 8, Kind.COMPLEX, "<c8"),
    /** Two binary64. */
    COMPLEX128(15, 16, Kind.COMPLEX, "<c16"),
    /** The upper half of a binary32. */
    BFLOAT16(16, 2, Kind.REAL, null),
    /** 8-bit float without infinity. */
    FLOAT8E4M3FN(17, 1, Kind.REAL, null),
    /** 8-bit float without infinity and negative zero. */
    FLOAT8E4M3FNUZ(18, 1, Kind.REAL, null),
    /** 8-bit float of 5 bits of exponent. */
    FLOAT8E5M2(19, 1, Kind.REAL, null),
    /** The same without infinity and negative zero. */
    FLOAT8E5M2FNUZ(20, 1, Kind.REAL, null),
    /** 0 to 15. */
    UINT4(21, 1, Kind.UNSIGNED, null),
    /** -8 to 7. */
    INT4(22, 1, Kind.SIGNED, null),
    /** 4-bit float. */
    FLOAT4E2M1(23, 1, Kind.REAL, null),
    /** A power of two. */
    FLOAT8E8M0(24, 1, Kind.REAL, null),
    /** 0 to 3. */
    UINT2(25, 1, Kind.UNSIGNED, null),
    /** -2 to 1. */
    INT2(26, 1, Kind.SIGNED, null);

    /** How elements are read. */
    enum Kind { REAL, SIGNED, UNSIGNED, BOOL, STRING, COMPLEX }

    private static final OnnxType[] BY_CODE = new OnnxType[27];

    static {
        for (OnnxType type : values()) {
            BY_CODE[type.code] = type;
        }
    }

    private final int code;
    private final int byteSize;
    private final Kind kind;
    private final String npy;

    OnnxType(int code, int byteSize, Kind kind, String npy) {
        this.code = code;
        this.byteSize = byteSize;
        this.kind = kind;
        this.npy = npy;
    }

    /** The type of this number, or null. */
    static OnnxType ofCode(long code) {
        return code > 0 && code < BY_CODE.length ? BY_CODE[(int) code] : null;
    }

    /** The number in onnx.proto. */
    public int code() {
        return code;
    }

    /** Bytes of one element in memory. */
    public int byteSize() {
        return byteSize;
    }

    Kind kind() {
        return kind;
    }

    boolean isReal() {
        return kind == Kind.REAL;
    }

    /** Bits of one element in a file. */
    int bits() {
        return switch (this) {
            case UINT4, INT4, FLOAT4E2M1 -> 4;
            case UINT2, INT2 -> 2;
            default -> 8 * byteSize;
        };
    }

    /** Smallest value of an integer type. */
    long min() {
        return kind == Kind.SIGNED ? -1L << bits() - 1 : 0;
    }

    /** Largest value of an integer type of less than 64 unsigned bits. */
    long max() {
        return kind == Kind.SIGNED ? ~(-1L << bits() - 1) : bits() == 64 ? Long.MAX_VALUE : ~(-1L << bits());
    }

    /** numpy's name of the type, or null. */
    public String npy() {
        return npy;
    }
}
