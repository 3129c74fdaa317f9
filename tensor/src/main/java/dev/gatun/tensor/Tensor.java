package dev.gatun.tensor;

import dev.gatun.bindings.kernels.NativeBuffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A typed, shaped view of off-heap memory. Owns nothing and closes nothing: whoever made it says whose
 * memory it shows, and using it after that owner is closed throws {@link IllegalStateException}.
 * Element access is for tests, small results and edges; kernels work on {@link #segment()}.
 */
public final class Tensor {
    /** Alignment of tensors that Gatun allocates: a cache line, and a vector of the widest instruction set. */
    public static final long ALIGNMENT = 64;

    private static final long LARGE_BYTES = 1 << 20;

    private final TensorDesc desc;
    private final MemorySegment segment;

    private Tensor(TensorDesc desc, MemorySegment segment) {
        this.desc = desc;
        this.segment = segment;
    }

    /**
     * A view of existing memory.
     *
     * @param segment off-heap, at least {@code desc.byteSize()} bytes
     * @throws IllegalArgumentException if it is on the heap or too small
     */
    public static Tensor of(TensorDesc desc, MemorySegment segment) {
        if (!segment.isNative()) {
            throw new IllegalArgumentException("Tensor " + desc + ": the memory is on the heap, expected off-heap");
        }
        if (segment.byteSize() < desc.byteSize()) {
            throw new IllegalArgumentException("Tensor " + desc + ": " + segment.byteSize() + " bytes given, "
                    + desc.byteSize() + " needed");
        }
        return new Tensor(desc, segment.asSlice(0, desc.byteSize()));
    }

    /**
     * A zeroed tensor that lives as long as the arena. Pages of a large one are taken when they are touched.
     *
     * @throws OutOfMemoryError if there is no native memory for it
     */
    public static Tensor allocate(Arena arena, TensorDesc desc) {
        if (desc.byteSize() > LARGE_BYTES) {
            return new Tensor(desc, NativeBuffer.allocate(arena, desc.byteSize()).segment());
        }
        return new Tensor(desc, arena.allocate(Math.max(desc.byteSize(), 1), ALIGNMENT).asSlice(0, desc.byteSize()));
    }

    /** A row-major F32 tensor with these values, that lives as long as the arena. */
    public static Tensor ofFloats(Arena arena, float[] values, long... dims) {
        Tensor tensor = allocate(arena, TensorDesc.of(DataType.F32, dims));
        if (values.length != tensor.shape().elementCount()) {
            throw new IllegalArgumentException("Tensor " + tensor.desc + ": " + values.length + " values given");
        }
        MemorySegment.copy(values, 0, tensor.segment, ValueLayout.JAVA_FLOAT, 0, values.length);
        return tensor;
    }

    /** A row-major S32 tensor with these values, that lives as long as the arena. */
    public static Tensor ofInts(Arena arena, int[] values, long... dims) {
        Tensor tensor = allocate(arena, TensorDesc.of(DataType.S32, dims));
        if (values.length != tensor.shape().elementCount()) {
            throw new IllegalArgumentException("Tensor " + tensor.desc + ": " + values.length + " values given");
        }
        MemorySegment.copy(values, 0, tensor.segment, ValueLayout.JAVA_INT, 0, values.length);
        return tensor;
    }

    /** Type, shape and layout. */
    public TensorDesc desc() {
        return desc;
    }

    /** Logical dimensions. */
    public Shape shape() {
        return desc.shape();
    }

    /** Element type. */
    public DataType type() {
        return desc.type();
    }

    /** The memory: exactly {@code desc().byteSize()} bytes, with the scope of its owner. */
    public MemorySegment segment() {
        return segment;
    }

    /** Element i of a row-major F32 tensor, counted over all dimensions. */
    public float getFloat(long i) {
        return segment.getAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i);
    }

    /** Sets element i of a row-major F32 tensor. */
    public void setFloat(long i, float value) {
        segment.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i, value);
    }

    /** Element i of a row-major S32 tensor. */
    public int getInt(long i) {
        return segment.getAtIndex(ValueLayout.JAVA_INT_UNALIGNED, i);
    }

    /** Sets element i of a row-major S32 tensor. */
    public void setInt(long i, int value) {
        segment.setAtIndex(ValueLayout.JAVA_INT_UNALIGNED, i, value);
    }

    /** A copy on the heap, of a row-major F32 tensor. */
    public float[] toFloats() {
        if (type() != DataType.F32 || !desc.isRowMajor()) {
            throw new IllegalStateException("Tensor " + desc + ": only row-major F32 can be copied to floats");
        }
        float[] values = new float[Math.toIntExact(shape().elementCount())];
        MemorySegment.copy(segment, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, values, 0, values.length);
        return values;
    }

    /** The same memory with other dimensions. */
    public Tensor reshape(long... dims) {
        TensorDesc other = TensorDesc.of(type(), dims);
        if (!desc.isRowMajor() || other.shape().elementCount() != shape().elementCount()) {
            throw new IllegalArgumentException("Tensor " + desc + ": cannot be seen as " + other);
        }
        return new Tensor(other, segment);
    }

    @Override
    public String toString() {
        return "Tensor " + desc;
    }
}
