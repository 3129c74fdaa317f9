package dev.gatun.tensor.kernel;

import dev.gatun.tensor.TensorDesc;
import java.util.List;

/** An operation compiled for a shape. Immutable, shared by all contexts; lives as long as its plan. */
public interface CompiledOp {

    /** Type, shape and layout of the first result. */
    TensorDesc dst();

    /** Those of all results; of one by default. Only the first may share an input's memory. */
    default List<TensorDesc> results() {
        return List.of(dst());
    }

    /** Bytes of temporary memory that one execution needs; 0 by default. */
    default long scratchpadByteSize() {
        return 0;
    }

    /** Whether the result may, or must, take the memory of an input. */
    default Sharing sharing() {
        return Sharing.NONE;
    }

    /** Name of the kernel that will run, as {@code brg_matmul:avx512_core}. */
    String implementation();

    /** Stamps memory: everything that {@link Step#execute} needs is made here. */
    Step bind(Binding binding);

    /**
     * How a result relates to an input's memory.
     *
     * @param kind  none, may overwrite, must overwrite, or is the same bytes seen otherwise
     * @param input which input; meaningless for NONE
     */
    record Sharing(Kind kind, int input) {
        /** The result has memory of its own. */
        public static final Sharing NONE = new Sharing(Kind.NONE, -1);

        /** Whether the memory is shared, and on what terms. */
        public enum Kind { NONE, MAY_OVERWRITE, MUST_OVERWRITE, VIEW }

        /** The result may overwrite the input, if nothing reads it later. */
        public static Sharing mayOverwrite(int input) {
            return new Sharing(Kind.MAY_OVERWRITE, input);
        }

        /** The result is written over the input, which nothing may read later. */
        public static Sharing mustOverwrite(int input) {
            return new Sharing(Kind.MUST_OVERWRITE, input);
        }

        /** The result is the input's memory, unchanged. */
        public static Sharing view(int input) {
            return new Sharing(Kind.VIEW, input);
        }
    }
}
