package dev.gatun.models.checkpoint;

import dev.gatun.tensor.Shape;
import dev.gatun.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Named tensors of one checkpoint. A tensor is read from its file when it is asked for, once, into the arena that the source was
 * opened in; nothing is mapped.
 */
public interface WeightSource {

    /** Names of all tensors. */
    Set<String> names();

    /** Owns the tensors, and what is made of them until a program is loaded. */
    Arena arena();

    /** What the file says of a tensor, and its bytes. Thread-safe. */
    final class Entry {
        private final String type;
        private final Shape shape;
        private final long byteSize;
        private final Supplier<MemorySegment> reader;
        private MemorySegment bytes;

        /**
         * A tensor in memory.
         *
         * @param type  the file's own name of the element type, as {@code F32} or {@code BF16}
         * @param shape dimensions
         * @param bytes row-major elements, little-endian, perhaps unaligned
         */
        public Entry(String type, Shape shape, MemorySegment bytes) {
            this(type, shape, bytes.byteSize(), () -> bytes);
        }

        /**
         * A tensor that is read when it is asked for.
         *
         * @param reader gives exactly {@code byteSize} bytes; called once
         */
        public Entry(String type, Shape shape, long byteSize, Supplier<MemorySegment> reader) {
            this.type = type;
            this.shape = shape;
            this.byteSize = byteSize;
            this.reader = reader;
        }

        /** The file's own name of the element type, as {@code F32} or {@code I64}. */
        public String type() {
            return type;
        }

        /** Dimensions. */
        public Shape shape() {
            return shape;
        }

        /** Bytes in the file. */
        public long byteSize() {
            return byteSize;
        }

        /**
         * Row-major elements, little-endian, in the source's arena; read at the first call.
         *
         * @throws WeightException if the file was changed or cannot be read
         */
        public synchronized MemorySegment bytes() {
            if (bytes == null) {
                bytes = reader.get();
            }
            return bytes;
        }
    }

    /**
     * A tensor as it is in the file, of any element type.
     *
     * @throws WeightException if there is none of this name
     */
    Entry entry(String name);

    /** The file that a tensor is in, for messages. */
    Path file(String name);

    /**
     * A tensor in the type of its file: F32, F16, BF16, S8, U8 or S32; F64 is narrowed to F32. What else there is, as I64 and BOOL, only
     * {@link #entry} gives.
     *
     * @return memory of the source's arena; by default the tensor as F32, of a source that has no other type
     * @throws WeightException if there is none, or it has another type
     */
    default Tensor tensor(String name) {
        return floats(name);
    }

    /**
     * A tensor as F32: as it was read if it is F32, otherwise converted into memory of the source's arena.
     *
     * @throws WeightException if there is none, or its type is not F32, F16, BF16 or F64
     */
    Tensor floats(String name);
}
