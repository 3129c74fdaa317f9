package dev.gatun.bindings.kernels;

import dev.gatun.bindings.kernels.gen.GatunC;
import dev.gatun.bindings.kernels.gen.gatun_gemm_args;
import dev.gatun.bindings.kernels.gen.gatun_narrow_args;
import dev.gatun.bindings.kernels.gen.gatun_recurrent_args;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Recurrent layers over packed sequences: the input's products of all steps at once, then step by step. Argument blocks are filled once;
 * running allocates nothing. Formulas and layouts are in {@code native/include/gatun.h}. A null operand is absent. The operands' owner must
 * outlive the arena.
 */
public final class RecurrentKernels {
    /** What a layer makes of its gates. */
    public static final int TANH = GatunC.GATUN_CELL_TANH();
    public static final int RELU = GatunC.GATUN_CELL_RELU();
    public static final int LSTM = GatunC.GATUN_CELL_LSTM();
    public static final int GRU = GatunC.GATUN_CELL_GRU();
    public static final int GRU_RESET_FIRST = GatunC.GATUN_CELL_GRU_RESET_FIRST();

    private RecurrentKernels() {
    }

    private static long floats(long k, long hidden, long gates) {
        Kernels.load();
        return GatunC.gatun_recurrent_floats(k, hidden, gates);
    }

    /** Bytes of packed weights [k, gates x hidden]; k 1 is a bias. Type: 0 is F32, else a constant of {@link NarrowKernels}. */
    public static long byteSize(int type, long k, long hidden, long gates) {
        return type == 0 ? floats(k, hidden, gates) * Float.BYTES : NarrowKernels.byteSize(type, k, floats(1, hidden, gates));
    }

    /** Packs some gates of weights [all gates x hidden, k]; returns what rounding lost, as of {@link NarrowKernels.Packed}. */
    public static double pack(int type, MemorySegment weights, long k, long hidden, long first, long gates, MemorySegment packed) {
        if (type == 0) {
            Kernels.load();
            GatunC.gatun_recurrent_pack(weights, k, hidden, first, gates, packed);
            return 0;
        }
        long panel = floats(1, 1, 1);
        long columns = floats(1, hidden, gates);
        long row = k * Float.BYTES;
        try (Arena temporary = Arena.ofConfined()) {
            MemorySegment ordered = temporary.allocate(columns * row, Float.BYTES);
            for (long gate = 0; gate < gates; gate++) {
                for (long unit = 0; unit < hidden; unit++) {
                    MemorySegment.copy(weights, ((first + gate) * hidden + unit) * row, ordered,
                            ((unit / panel * gates + gate) * panel + unit % panel) * row, row);
                }
            }
            // Columns of zeros beyond the last unit lose nothing and are not to be counted.
            return NarrowKernels.pack(type, ordered, k, columns, 1, k, packed).lost() * Math.sqrt((double) columns / (gates * hidden));
        }
    }

    /**
     * Weights of one direction, packed.
     *
     * @param input [inputSize, gates x hidden]
     * @param bias  of it and, where nothing comes between, of the state's product
     * @param state [projected or hidden, gates x hidden]; of a GRU that resets first the first two gates'
     * @param more  the projection in plain panels, or the third gate's of a GRU that resets first; or null
     * @param own   of a GRU: what is added to the third gate's product before the reset; or null
     */
    public record Direction(MemorySegment input, MemorySegment bias, MemorySegment state, MemorySegment more, MemorySegment own) {
    }

    /**
     * Sizes.
     *
     * @param cell      one of the constants above
     * @param inputSize columns of x
     * @param hidden    units
     * @param projected columns of a projected state; 0 for none
     * @param rows      most rows of all sequences
     * @param sequences most sequences
     * @param type      of weights: 0 is F32, else a constant of {@link NarrowKernels}
     */
    public record Sizes(int cell, long inputSize, long hidden, long projected, long rows, long sequences, int type) {
        long gates() {
            return cell == LSTM ? 4 : cell == GRU || cell == GRU_RESET_FIRST ? 3 : 1;
        }

        private long gateFloats() {
            return (rows * floats(1, hidden, gates()) + 15) / 16 * 16;
        }

        /** Bytes of temporary memory. */
        public long scratchBytes() {
            Kernels.load();
            try (Arena arena = Arena.ofConfined()) {
                return gateFloats() * Float.BYTES + Math.max(GatunC.gatun_recurrent_scratch_bytes(args(arena)),
                        type == 0 ? 0 : GatunC.gatun_narrow_scratch_bytes(type, rows, inputSize));
            }
        }

        private MemorySegment args(Arena arena) {
            MemorySegment args = gatun_recurrent_args.allocate(arena);
            gatun_recurrent_args.cell(args, cell);
            gatun_recurrent_args.hidden(args, hidden);
            gatun_recurrent_args.projected(args, projected);
            gatun_recurrent_args.num_seqs(args, sequences);
            gatun_recurrent_args.max_seqs(args, sequences);
            gatun_recurrent_args.max_rows(args, rows);
            gatun_recurrent_args.type(args, type);
            return args;
        }
    }

    /**
     * First and last states, each [sequences, width] and, of an LSTM, [sequences, hidden]; null for zeros, and for not wanted. The last may
     * be the first's memory: then states behind the last sequence are left alone.
     */
    public record States(MemorySegment h0, MemorySegment c0, MemorySegment hn, MemorySegment cn) {
    }

    /**
     * One direction of a layer; the number of sequences and their offsets, which must be valid, are read at each run.
     *
     * @param x         F32 [rows, inputSize]
     * @param sequences S32 [2 + sequences]
     * @param out       the first element of this direction's columns
     * @param outStride between rows
     */
    public static Runnable layer(Arena arena, Sizes sizes, Direction weights, boolean reverse, MemorySegment x, MemorySegment sequences,
            States states, MemorySegment out, long outStride, MemorySegment scratch) {
        Kernels.load();
        long columns = floats(1, sizes.hidden, sizes.gates());
        MemorySegment behind = scratch.asSlice(sizes.gateFloats() * Float.BYTES);
        boolean wide = sizes.type == 0;
        MemorySegment product = wide ? wide(arena, sizes, weights, x, scratch) : narrow(arena, sizes, weights, x, scratch, behind);
        MemorySegment args = sizes.args(arena);
        gatun_recurrent_args.gates(args, scratch);
        gatun_recurrent_args.scratch(args, behind);
        gatun_recurrent_args.gates_stride(args, columns);
        gatun_recurrent_args.weights(args, weights.state);
        gatun_recurrent_args.more_weights(args, Kernels.orNull(weights.more));
        gatun_recurrent_args.bias(args, Kernels.orNull(weights.own));
        gatun_recurrent_args.out(args, out);
        gatun_recurrent_args.out_stride(args, outStride);
        gatun_recurrent_args.h0(args, Kernels.orNull(states.h0));
        gatun_recurrent_args.c0(args, Kernels.orNull(states.c0));
        gatun_recurrent_args.hn(args, Kernels.orNull(states.hn));
        gatun_recurrent_args.cn(args, Kernels.orNull(states.cn));
        gatun_recurrent_args.offsets(args, sequences.asSlice(Integer.BYTES));
        gatun_recurrent_args.reverse(args, reverse ? 1 : 0);
        // Where a sequence begins with zeros, its first product is known unless a weight is NaN or infinite.
        boolean finite = wide && states.h0 == null && Double.isFinite(GatunC.gatun_squares(weights.state, weights.state.byteSize()
                / Float.BYTES));
        gatun_recurrent_args.finite(args, finite ? 1 : 0);
        boolean kept = states.h0 != null && states.h0.equals(states.hn);
        return () -> {
            int count = sequences.get(ValueLayout.JAVA_INT, 0);
            int rows = sequences.getAtIndex(ValueLayout.JAVA_INT, count + 1L);
            gatun_recurrent_args.num_seqs(args, count);
            gatun_recurrent_args.max_seqs(args, kept ? count : sizes.sequences);
            if (wide) {
                gatun_gemm_args.m(product, rows);
                GatunC.gatun_gemm(product);
            } else {
                gatun_narrow_args.m(product, rows);
                GatunC.gatun_narrow(product);
            }
            GatunC.gatun_recurrent(args);
        };
    }

    private static MemorySegment wide(Arena arena, Sizes sizes, Direction weights, MemorySegment x, MemorySegment to) {
        MemorySegment product = gatun_gemm_args.allocate(arena);
        gatun_gemm_args.a(product, x);
        gatun_gemm_args.b(product, weights.input);
        gatun_gemm_args.bias(product, weights.bias);
        gatun_gemm_args.c(product, to);
        gatun_gemm_args.lda(product, sizes.inputSize);
        gatun_gemm_args.ldc(product, floats(1, sizes.hidden, sizes.gates()));
        gatun_gemm_args.n(product, floats(1, sizes.hidden, sizes.gates()));
        gatun_gemm_args.k(product, sizes.inputSize);
        return product;
    }

    private static MemorySegment narrow(Arena arena, Sizes sizes, Direction weights, MemorySegment x, MemorySegment to,
            MemorySegment scratch) {
        MemorySegment product = gatun_narrow_args.allocate(arena);
        gatun_narrow_args.type(product, sizes.type);
        gatun_narrow_args.scratch(product, scratch);
        gatun_narrow_args.a(product, x);
        gatun_narrow_args.b(product, weights.input);
        gatun_narrow_args.bias(product, weights.bias);
        gatun_narrow_args.c(product, to);
        gatun_narrow_args.lda(product, sizes.inputSize);
        gatun_narrow_args.ldc(product, floats(1, sizes.hidden, sizes.gates()));
        gatun_narrow_args.n(product, floats(1, sizes.hidden, sizes.gates()));
        gatun_narrow_args.k(product, sizes.inputSize);
        return product;
    }
}
