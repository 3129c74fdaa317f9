package dev.gatun.tensor;

import dev.gatun.bindings.onednn.MemoryDesc;
import java.lang.foreign.Arena;
import java.util.Objects;

/**
 * Data type, shape and layout of a tensor, without data. Immutable. A {@link MemoryFormat#BLOCKED} one
 * lives as long as the model or plan whose kernel chose it.
 */
public final class TensorDesc {
    private final DataType type;
    private final Shape shape;
    private final MemoryFormat format;
    private final MemoryDesc blocked;

    private TensorDesc(DataType type, Shape shape, MemoryFormat format, MemoryDesc blocked) {
        this.type = Objects.requireNonNull(type, "type");
        this.shape = Objects.requireNonNull(shape, "shape");
        this.format = Objects.requireNonNull(format, "format");
        this.blocked = blocked;
        if (shape.elementCount() > Long.MAX_VALUE / type.byteSize()) {
            throw new IllegalArgumentException(type + " " + shape + " is too large");
        }
    }

    /** A dense row-major tensor. */
    public static TensorDesc of(DataType type, long... dims) {
        return new TensorDesc(type, Shape.of(dims), MemoryFormat.ROW_MAJOR, null);
    }

    /** A dense tensor in a plain format. */
    public static TensorDesc of(DataType type, Shape shape, MemoryFormat format) {
        if (format == MemoryFormat.BLOCKED || format == MemoryFormat.ANY) {
            throw new IllegalArgumentException("a tensor's format must be plain, not " + format);
        }
        if (format == MemoryFormat.CHANNELS_LAST && (shape.rank() < 3 || shape.rank() > 4)) {
            throw new IllegalArgumentException("channels-last tensors have 3 or 4 dimensions, not " + shape);
        }
        return new TensorDesc(type, shape, format, null);
    }

    /** A tensor in the layout that a kernel chose; recognizes plain layouts. */
    public static TensorDesc chosen(DataType type, Shape shape, MemoryDesc desc) {
        try (Arena arena = Arena.ofConfined()) {
            for (MemoryFormat plain : new MemoryFormat[] {MemoryFormat.ROW_MAJOR, MemoryFormat.CHANNELS_LAST}) {
                if (plain == MemoryFormat.CHANNELS_LAST && (shape.rank() < 3 || shape.rank() > 4)) {
                    continue;
                }
                if (MemoryDesc.ofTag(arena, shape.dims(), type.oneDnn(), plain.tag(shape.rank())).sameAs(desc)) {
                    return new TensorDesc(type, shape, plain, null);
                }
            }
        }
        return new TensorDesc(type, shape, MemoryFormat.BLOCKED, desc);
    }

    /** Element type. */
    public DataType type() {
        return type;
    }

    /** Logical dimensions. */
    public Shape shape() {
        return shape;
    }

    /** Layout. */
    public MemoryFormat format() {
        return format;
    }

    /** Bytes the tensor takes, padding of blocked layouts included. */
    public long byteSize() {
        return blocked != null ? blocked.byteSize() : shape.elementCount() * type.byteSize();
    }

    /** oneDNN's descriptor; a plain one is made in the arena. */
    public MemoryDesc memoryDesc(Arena arena) {
        return blocked != null
                ? blocked
                : MemoryDesc.ofTag(arena, shape.dims(), type.oneDnn(), format.tag(shape.rank()));
    }

    /** Whether this is row-major, as the plain loops and our own kernels want it. */
    public boolean isRowMajor() {
        return format == MemoryFormat.ROW_MAJOR;
    }

    /** As {@code F32 [8, 128, 768]}. */
    @Override
    public String toString() {
        return type + " " + shape + (isRowMajor() ? "" : " " + format);
    }
}
