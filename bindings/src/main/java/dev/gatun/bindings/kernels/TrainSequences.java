package dev.gatun.bindings.kernels;

import dev.gatun.bindings.kernels.gen.GatunC;
import dev.gatun.bindings.kernels.gen.gatun_cell_args;
import dev.gatun.bindings.kernels.gen.gatun_trained_attention_args;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** What training does with sequences, over F32. Formulas are in {@code native/include/gatun.h}; running allocates nothing. */
public final class TrainSequences {
    private TrainSequences() {
    }

    /** Of a second product within a step, by the header's names. */
    public record Second(MemorySegment middle, MemorySegment product, MemorySegment middleRows, MemorySegment dSecond) {
    }

    /** Memory of a recurrent layer's steps, by the header's names; offsets is S32, behind the number of sequences; second may be null. */
    public record CellOperands(MemorySegment gates, MemorySegment products, MemorySegment own, MemorySegment before,
            MemorySegment cellBefore, MemorySegment states, MemorySegment cells, MemorySegment y, MemorySegment dy, MemorySegment dInput,
            MemorySegment dState, MemorySegment dStep, MemorySegment dStates, MemorySegment offsets, Second second) {
    }

    /** Steps of a recurrent layer beside their products. */
    public static final class Cell {
        private final MemorySegment args;

        /** @param cell a constant of {@link RecurrentKernels}; @param width of a state; @param stride between rows of y and dy */
        public Cell(Arena arena, CellOperands o, int cell, boolean reverse, long hidden, long width, long stride) {
            Kernels.load();
            args = gatun_cell_args.allocate(arena);
            gatun_cell_args.gates(args, o.gates);
            gatun_cell_args.products(args, o.products);
            gatun_cell_args.own(args, o.own);
            gatun_cell_args.before(args, o.before);
            gatun_cell_args.cell_before(args, o.cellBefore);
            gatun_cell_args.states(args, o.states);
            gatun_cell_args.cells(args, o.cells);
            gatun_cell_args.y(args, o.y);
            gatun_cell_args.dy(args, o.dy);
            gatun_cell_args.d_input(args, o.dInput);
            gatun_cell_args.d_state(args, o.dState);
            gatun_cell_args.d_step(args, o.dStep);
            gatun_cell_args.d_states(args, o.dStates);
            gatun_cell_args.offsets(args, o.offsets);
            if (o.second != null) {
                gatun_cell_args.middle(args, o.second.middle);
                gatun_cell_args.second(args, o.second.product);
                gatun_cell_args.middle_rows(args, o.second.middleRows);
                gatun_cell_args.d_second(args, o.second.dSecond);
            }
            gatun_cell_args.hidden(args, hidden);
            gatun_cell_args.width(args, width);
            gatun_cell_args.y_stride(args, stride);
            gatun_cell_args.cell(args, cell);
            gatun_cell_args.reverse(args, reverse ? 1 : 0);
        }

        private void run(long step, long sequences, int way) {
            gatun_cell_args.step(args, step);
            gatun_cell_args.num_seqs(args, sequences);
            GatunC.gatun_cell(args, way);
        }

        /** What becomes of the products. */
        public void forward(long step, long sequences) {
            run(step, sequences, GatunC.GATUN_CELL_FORWARD());
        }

        /** What becomes of the second product. */
        public void forwardSecond(long step, long sequences) {
            run(step, sequences, GatunC.GATUN_CELL_FORWARD_SECOND());
        }

        /** From the second product's gradient on. */
        public void backSecond(long step, long sequences) {
            run(step, sequences, GatunC.GATUN_CELL_BACK_SECOND());
        }

        /** Gradients of the products, or of the second product. */
        public void back(long step, long sequences) {
            run(step, sequences, GatunC.GATUN_CELL_BACK());
        }

        /** What came back through the states' product. */
        public void rest(long step, long sequences) {
            run(step, sequences, GatunC.GATUN_CELL_REST());
        }
    }

    /** Queries, keys or values: the first element of the first row, its gradient or null, and elements between rows. */
    public record View(MemorySegment x, MemorySegment dx, long stride) {
    }

    /** Which keys a query sees, and how: mask and padding may be null, strides of the mask are between sequences, heads and rows. */
    public record Sight(float scale, float softcap, boolean causal, long window, MemorySegment mask, long[] maskStrides,
            MemorySegment padding) {
    }

    /** What distances add: [1 or heads, 2 reach + 1], its gradient or null, and elements between heads, 0 if they share a row. */
    public record Distances(MemorySegment x, MemorySegment dx, long stride, long reach) {
    }

    /** Attention within sequences, S32: how many, then their offsets. */
    public static final class Attention {
        private final MemorySegment args;
        private final MemorySegment sequences;

        /**
         * Of these operands.
         *
         * @param distances or null
         * @param heads     of queries, of keys and values
         * @param keys      most of a sequence
         * @param scratch   2 floats for each key and thread
         */
        public Attention(Arena arena, View[] qkv, MemorySegment y, MemorySegment dy, MemorySegment querySequences,
                MemorySegment keySequences, Sight sight, Distances distances, int[] heads, int headDim, long keys, MemorySegment scratch) {
            Kernels.load();
            sequences = querySequences;
            args = gatun_trained_attention_args.allocate(arena);
            gatun_trained_attention_args.q(args, qkv[0].x);
            gatun_trained_attention_args.k(args, qkv[1].x);
            gatun_trained_attention_args.v(args, qkv[2].x);
            gatun_trained_attention_args.dq(args, Kernels.orNull(qkv[0].dx));
            gatun_trained_attention_args.dk(args, Kernels.orNull(qkv[1].dx));
            gatun_trained_attention_args.dv(args, Kernels.orNull(qkv[2].dx));
            gatun_trained_attention_args.q_stride(args, qkv[0].stride);
            gatun_trained_attention_args.k_stride(args, qkv[1].stride);
            gatun_trained_attention_args.v_stride(args, qkv[2].stride);
            gatun_trained_attention_args.y(args, y);
            gatun_trained_attention_args.dy(args, dy);
            gatun_trained_attention_args.query_offsets(args, querySequences.asSlice(Integer.BYTES));
            gatun_trained_attention_args.key_offsets(args, keySequences.asSlice(Integer.BYTES));
            gatun_trained_attention_args.mask(args, Kernels.orNull(sight.mask));
            gatun_trained_attention_args.mask_seq_stride(args, sight.maskStrides[0]);
            gatun_trained_attention_args.mask_head_stride(args, sight.maskStrides[1]);
            gatun_trained_attention_args.mask_row_stride(args, sight.maskStrides[2]);
            gatun_trained_attention_args.padding(args, Kernels.orNull(sight.padding));
            gatun_trained_attention_args.scratch(args, scratch);
            gatun_trained_attention_args.heads(args, heads[0]);
            gatun_trained_attention_args.kv_heads(args, heads[1]);
            gatun_trained_attention_args.head_dim(args, headDim);
            gatun_trained_attention_args.max_keys(args, keys);
            gatun_trained_attention_args.window(args, sight.window);
            gatun_trained_attention_args.scale(args, sight.scale);
            gatun_trained_attention_args.softcap(args, sight.softcap);
            if (distances != null) {
                gatun_trained_attention_args.distances(args, distances.x);
                gatun_trained_attention_args.d_distances(args, Kernels.orNull(distances.dx));
                gatun_trained_attention_args.distance_head_stride(args, distances.stride);
                gatun_trained_attention_args.reach(args, distances.reach);
            }
            gatun_trained_attention_args.causal(args, sight.causal ? 1 : 0);
        }

        /** Adds to y. Offsets were checked. */
        public void forward() {
            run(0);
        }

        /** Adds to the gradients. */
        public void backward() {
            run(1);
        }

        private void run(int backward) {
            gatun_trained_attention_args.num_seqs(args, sequences.get(java.lang.foreign.ValueLayout.JAVA_INT, 0));
            GatunC.gatun_trained_attention(args, backward);
        }
    }
}
