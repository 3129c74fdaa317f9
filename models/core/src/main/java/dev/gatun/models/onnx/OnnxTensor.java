package dev.gatun.models.onnx;

import dev.gatun.bindings.kernels.NativeBuffer;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * A typed, dense, row-major view of off-heap memory, of every type that ONNX has. Owns nothing; whoever made it says whose memory it
 * shows. Elements are counted over all dimensions.
 */
public final class OnnxTensor implements OnnxValue {
    private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED;
    private static final ValueLayout.OfLong S64 = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final ValueLayout.OfInt S32 = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfShort S16 = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfDouble F64 = ValueLayout.JAVA_DOUBLE_UNALIGNED;

    private static final long LARGE = 1 << 16;

    private final OnnxType type;
    private final Shape shape;
    private final MemorySegment segment;
    private final String[] strings;
    /** Who counts the uses of this memory; null where nobody does. */
    final Memory.Block block;

    OnnxTensor(OnnxType type, Shape shape, MemorySegment segment, String[] strings, Memory.Block block) {
        this.type = type;
        this.shape = shape;
        this.segment = segment;
        this.strings = strings;
        this.block = block;
    }

    /** A zeroed tensor that lives as long as the arena. */
    public static OnnxTensor allocate(Arena arena, OnnxType type, long... dims) {
        Shape shape = Shape.of(dims);
        long bytes = byteSize(type, shape);
        MemorySegment zeroed = bytes < LARGE ? arena.allocate(Math.max(1, bytes), Tensor.ALIGNMENT)
                : NativeBuffer.allocate(arena, bytes).segment(); // is zero when it is touched, not before
        return new OnnxTensor(type, shape, zeroed.asSlice(0, bytes), null, null);
    }

    /**
     * A view of existing memory.
     *
     * @throws IllegalArgumentException if it is on the heap or too small, or the type is STRING
     */
    public static OnnxTensor of(OnnxType type, MemorySegment segment, long... dims) {
        Shape shape = Shape.of(dims);
        long bytes = byteSize(type, shape);
        if (!segment.isNative() || segment.byteSize() < bytes || type == OnnxType.STRING) {
            throw new IllegalArgumentException(type + " " + shape + ": takes " + bytes + " bytes of off-heap memory, found "
                    + segment.byteSize() + (segment.isNative() ? "" : " on the heap"));
        }
        return new OnnxTensor(type, shape, segment.asSlice(0, bytes), null, null);
    }

    private static long byteSize(OnnxType type, Shape shape) {
        if (shape.elementCount() > Long.MAX_VALUE / Math.max(1, type.byteSize())) {
            throw new IllegalArgumentException(type + " " + shape + " is too large");
        }
        return shape.elementCount() * type.byteSize();
    }

    /** FLOAT values. */
    public static OnnxTensor ofFloats(Arena arena, float[] values, long... dims) {
        OnnxTensor tensor = counted(arena, OnnxType.FLOAT, values.length, dims);
        MemorySegment.copy(values, 0, tensor.segment, F32, 0, values.length);
        return tensor;
    }

    /** INT64 values. */
    public static OnnxTensor ofLongs(Arena arena, long[] values, long... dims) {
        OnnxTensor tensor = counted(arena, OnnxType.INT64, values.length, dims);
        MemorySegment.copy(values, 0, tensor.segment, S64, 0, values.length);
        return tensor;
    }

    private static OnnxTensor counted(Arena arena, OnnxType type, int count, long... dims) {
        if (Shape.of(dims).elementCount() != count) {
            throw new IllegalArgumentException(type + " " + Shape.of(dims) + ": " + count + " values given");
        }
        return allocate(arena, type, dims);
    }

    /** Element type. */
    public OnnxType type() {
        return type;
    }

    /** Dimensions. */
    public Shape shape() {
        return shape;
    }

    /** The memory: exactly the elements. */
    public MemorySegment segment() {
        return segment;
    }

    /** Dimensions (a copy). */
    public long[] dims() {
        return shape.dims();
    }

    long dim(int i) {
        return shape.dim(i);
    }

    int rank() {
        return shape.rank();
    }

    long size() {
        return shape.elementCount();
    }

    String[] strings() {
        return strings;
    }

    /** The same memory with other dimensions of the same number of elements. */
    OnnxTensor view(long... dims) {
        Shape other = Shape.of(dims);
        if (other.elementCount() != size()) {
            throw new IllegalArgumentException(shape + " cannot be seen as " + other);
        }
        return new OnnxTensor(type, other, segment, strings, block);
    }

    /** The same memory as another type of the same size. */
    OnnxTensor as(OnnxType other) {
        return new OnnxTensor(other, shape, segment, null, block);
    }

    /** Some rows of the first dimension, without copying. */
    OnnxTensor rows(long from, long count) {
        long[] dims = dims();
        long row = dims[0] == 0 ? 0 : size() / dims[0] * type.byteSize();
        dims[0] = count;
        return new OnnxTensor(type, Shape.of(dims), segment.asSlice(from * row, count * row), strings, block);
    }

    OnnxTensor withStrings(String[] table) {
        return new OnnxTensor(type, shape, segment, table, block);
    }

    /** Element i as a double; of integers and truth values too. */
    public double real(long i) {
        return switch (type) {
            case FLOAT -> segment.getAtIndex(F32, i);
            case DOUBLE -> segment.getAtIndex(F64, i);
            case FLOAT16 -> Float.float16ToFloat(segment.getAtIndex(S16, i));
            case BFLOAT16 -> Float.intBitsToFloat(segment.getAtIndex(S16, i) << 16);
            case FLOAT8E4M3FN, FLOAT8E4M3FNUZ, FLOAT8E5M2, FLOAT8E5M2FNUZ, FLOAT4E2M1, FLOAT8E8M0 ->
                SmallFloats.read(type, segment.get(ValueLayout.JAVA_BYTE, i));
            case UINT64 -> unsigned(segment.getAtIndex(S64, i));
            default -> whole(i);
        };
    }

    private static double unsigned(long v) {
        return v >= 0 ? v : (v >>> 1 | v & 1) * 2.0;
    }

    /** Element i as a long; fractions are cut off, UINT64 is taken bit by bit. */
    public long whole(long i) {
        return switch (type) {
            case INT64, UINT64, STRING -> segment.getAtIndex(S64, i);
            case INT32 -> segment.getAtIndex(S32, i);
            case UINT32 -> segment.getAtIndex(S32, i) & 0xffffffffL;
            case INT16 -> segment.getAtIndex(S16, i);
            case UINT16 -> segment.getAtIndex(S16, i) & 0xffff;
            case INT8, INT4, INT2 -> segment.get(ValueLayout.JAVA_BYTE, i);
            case UINT8, UINT4, UINT2, BOOL -> segment.get(ValueLayout.JAVA_BYTE, i) & 0xff;
            case COMPLEX64, COMPLEX128 -> throw new IllegalArgumentException("complex numbers are not computed");
            default -> (long) real(i);
        };
    }

    /** Sets element i: rounded to nearest for types of reals, cut off for integers. */
    void put(long i, double value) {
        switch (type) {
            case FLOAT -> segment.setAtIndex(F32, i, (float) value);
            case DOUBLE -> segment.setAtIndex(F64, i, value);
            case FLOAT16 -> segment.setAtIndex(S16, i, half(value));
            case BFLOAT16 -> segment.setAtIndex(S16, i, brain((float) value));
            case FLOAT8E4M3FN, FLOAT8E4M3FNUZ, FLOAT8E5M2, FLOAT8E5M2FNUZ, FLOAT4E2M1, FLOAT8E8M0 ->
                segment.set(ValueLayout.JAVA_BYTE, i, SmallFloats.write(type, value, true));
            case BOOL -> segment.set(ValueLayout.JAVA_BYTE, i, (byte) (value != 0 ? 1 : 0));
            case COMPLEX64, COMPLEX128 -> throw new IllegalArgumentException("complex numbers are not computed");
            case UINT64 -> putWhole(i, value >= 0x1p63 ? (long) (value - 0x1p63) ^ Long.MIN_VALUE : (long) value);
            default -> putWhole(i, (long) value);
        }
    }

    /** Sets element i; what the type has not room for is cut off. */
    public void setWhole(long i, long value) {
        putWhole(i, value);
    }

    void putWhole(long i, long value) {
        switch (type) {
            case INT64, UINT64, STRING -> segment.setAtIndex(S64, i, value);
            case INT32, UINT32 -> segment.setAtIndex(S32, i, (int) value);
            case INT16, UINT16 -> segment.setAtIndex(S16, i, (short) value);
            case INT8, UINT8 -> segment.set(ValueLayout.JAVA_BYTE, i, (byte) value);
            case UINT4 -> segment.set(ValueLayout.JAVA_BYTE, i, (byte) (value & 15));
            case INT4 -> segment.set(ValueLayout.JAVA_BYTE, i, (byte) (value << 60 >> 60));
            case UINT2 -> segment.set(ValueLayout.JAVA_BYTE, i, (byte) (value & 3));
            case INT2 -> segment.set(ValueLayout.JAVA_BYTE, i, (byte) (value << 62 >> 62));
            case BOOL -> segment.set(ValueLayout.JAVA_BYTE, i, (byte) (value != 0 ? 1 : 0));
            default -> put(i, (double) value);
        }
    }

    static short brain(float value) {
        int bits = Float.floatToRawIntBits(value);
        return (short) (Float.isNaN(value) ? bits >> 16 | 0x40 : bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
    }

    /** To nearest even in one step: a double that is rounded to a float first could be rounded twice. */
    static short half(double value) {
        float f = (float) value;
        if (f != value && !Double.isNaN(value) && (Float.floatToRawIntBits(f) & 0xfff) == 0) {
            f = Math.abs(f) > Math.abs(value) ? Float.intBitsToFloat(Float.floatToRawIntBits(f) - 1)
                    : Float.intBitsToFloat(Float.floatToRawIntBits(f) | 1);
        }
        return Float.floatToFloat16(f);
    }

    /** Element i of a STRING tensor. */
    public String text(long i) {
        return strings[(int) whole(i)];
    }

    /** All elements as longs. */
    long[] longs() {
        long[] values = new long[Math.toIntExact(size())];
        if (type == OnnxType.INT64) {
            MemorySegment.copy(segment, S64, 0, values, 0, values.length);
            return values;
        }
        for (int i = 0; i < values.length; i++) {
            values[i] = whole(i);
        }
        return values;
    }

    /** A copy on the heap of a FLOAT tensor. */
    public float[] toFloats() {
        if (type != OnnxType.FLOAT) {
            throw new IllegalStateException(this + ": expected FLOAT");
        }
        return segment.toArray(F32);
    }

    /** As a tensor of Gatun's operations. */
    Tensor tensor(long... dims) {
        DataType as = switch (type) {
            case FLOAT -> DataType.F32;
            case INT8 -> DataType.S8;
            case UINT8 -> DataType.U8;
            case INT32 -> DataType.S32;
            default -> throw new IllegalArgumentException(this + " has no type of Gatun's operations");
        };
        return Tensor.of(TensorDesc.of(as, dims), segment);
    }

    /** As {@code FLOAT [8, 128, 768]}. */
    @Override
    public String toString() {
        return type + " " + Arrays.toString(shape.dims());
    }
}
