package dev.gatun.tensor.graph;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * A parameter of a layer, in the type of its file until a kernel wants another. Its memory is the checkpoint's: it is read when a
 * program is loaded, and not needed afterwards. Layers that are given the same weight share what is packed of it.
 *
 * @param name   in the checkpoint
 * @param tensor row-major F32, F16, BF16, S8 or U8
 * @param origin what it was made of, or null if it is the checkpoint's own
 */
public record Weight(String name, Tensor tensor, Origin origin) {

    /**
     * What a weight was made of, for whoever trains.
     *
     * @param table [rows, n], or null: the weight is a constant that nobody learns
     * @param rows  column c of the weight [n, columns] is row {@code rows[c]} of the table
     */
    public record Origin(Weight table, List<Integer> rows) {
        /** Copies the list. */
        public Origin {
            rows = List.copyOf(rows);
        }
    }

    /** The checkpoint's own. */
    public Weight(String name, Tensor tensor) {
        this(name, tensor, null);
    }

    /** Checks the layout. */
    public Weight {
        if (!tensor.desc().isRowMajor()) {
            throw new IllegalArgumentException("weight " + name + ": " + tensor.desc() + " must be row-major");
        }
    }

    /** Dimensions. */
    public Shape shape() {
        return tensor.shape();
    }

    /**
     * The values as F32.
     *
     * @param temporary owns them if they had to be widened
     */
    public Tensor floats(Arena temporary) {
        if (tensor.type() == DataType.F32) {
            return tensor;
        }
        Tensor wide = Tensor.allocate(temporary, TensorDesc.of(DataType.F32, tensor.shape().dims()));
        MemorySegment bytes = tensor.segment();
        long count = tensor.shape().elementCount();
        for (long i = 0; i < count; i++) {
            wide.setFloat(i, switch (tensor.type()) {
                case F16 -> Float.float16ToFloat(bytes.getAtIndex(ValueLayout.JAVA_SHORT_UNALIGNED, i));
                case BF16 -> Float.intBitsToFloat(bytes.getAtIndex(ValueLayout.JAVA_SHORT_UNALIGNED, i) << 16);
                case S8 -> bytes.get(ValueLayout.JAVA_BYTE, i);
                case U8 -> bytes.get(ValueLayout.JAVA_BYTE, i) & 0xff;
                default -> throw new IllegalArgumentException("weight " + name + " is " + tensor.type() + ", expected a type of weights");
            });
        }
        return wide;
    }

    @Override
    public String toString() {
        return name + " " + tensor.desc();
    }
}
