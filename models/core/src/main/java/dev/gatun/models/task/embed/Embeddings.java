package dev.gatun.models.task.embed;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Vectors of a list of texts: F32 [size, dimension], off-heap, in the order of the texts. The model owns the memory:
 * {@link #close} gives it back for reuse, and what is never closed is freed with the model. Read-only and thread-safe;
 * after {@code close}, or after the model is closed, every access throws {@link IllegalStateException}.
 */
public final class Embeddings implements AutoCloseable {
    private final ResultPool pool;
    private final MemorySegment block;
    private final MemorySegment vectors;
    private final int size;
    private final int dimension;
    private final long tokens;
    private final boolean[] truncated;
    private final AtomicBoolean closed = new AtomicBoolean();

    Embeddings(ResultPool pool, MemorySegment block, int size, int dimension, long tokens, boolean[] truncated) {
        this.pool = pool;
        this.block = block;
        this.vectors = block.asSlice(0, (long) size * dimension * Float.BYTES).asReadOnly();
        this.size = size;
        this.dimension = dimension;
        this.tokens = tokens;
        this.truncated = truncated;
    }

    /** Number of vectors. */
    public int size() {
        return size;
    }

    /** Elements of a vector. */
    public int dimension() {
        return dimension;
    }

    /** Tokens of all texts together, special tokens included. */
    public long tokens() {
        return tokens;
    }

    /** Whether a text was longer than the model's positions, so that its end was not read. */
    public boolean truncated(int row) {
        return truncated[check(row)];
    }

    /** Element of a vector. */
    public float get(int row, int column) {
        if (column < 0 || column >= dimension) {
            throw new IndexOutOfBoundsException("column " + column + " of " + dimension);
        }
        return vectors().getAtIndex(ValueLayout.JAVA_FLOAT, (long) check(row) * dimension + column);
    }

    /** All vectors, row after row: a read-only view of the model's memory, valid until this is closed. */
    public MemorySegment vectors() {
        if (closed.get()) {
            throw new IllegalStateException("these embeddings are closed");
        }
        return vectors;
    }

    /** One vector: a read-only view of the model's memory, valid until this is closed. */
    public MemorySegment vector(int row) {
        long bytes = (long) dimension * Float.BYTES;
        return vectors().asSlice(check(row) * bytes, bytes);
    }

    /** A copy of one vector on the heap. */
    public float[] toFloats(int row) {
        return vector(row).toArray(ValueLayout.JAVA_FLOAT);
    }

    /** Cosine of the angle between two vectors; 0 if one is zero. */
    public float cosine(int row, int otherRow) {
        return cosine(vector(row), vector(otherRow));
    }

    /** Cosine of the angle between a vector of this and one of another of the same dimension. */
    public float cosine(int row, Embeddings other, int otherRow) {
        if (other.dimension != dimension) {
            throw new IllegalArgumentException("dimension " + dimension + " != " + other.dimension);
        }
        return cosine(vector(row), other.vector(otherRow));
    }

    private float cosine(MemorySegment a, MemorySegment b) {
        double dot = 0;
        double aa = 0;
        double bb = 0;
        for (int i = 0; i < dimension; i++) {
            float x = a.getAtIndex(ValueLayout.JAVA_FLOAT, i);
            float y = b.getAtIndex(ValueLayout.JAVA_FLOAT, i);
            dot += x * y;
            aa += x * x;
            bb += y * y;
        }
        return aa == 0 || bb == 0 ? 0f : (float) (dot / Math.sqrt(aa * bb));
    }

    private int check(int row) {
        if (row < 0 || row >= size) {
            throw new IndexOutOfBoundsException("row " + row + " of " + size);
        }
        return row;
    }

    /** Gives the memory back. Closing twice is harmless. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            pool.giveBack(block);
        }
    }

    @Override
    public String toString() {
        return "Embeddings [" + size + ", " + dimension + "]";
    }
}
