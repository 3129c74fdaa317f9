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

    /** Memory of a recurrent layer's steps, by the header's names; offsets is S32, behind the number of sequences. */
    public record CellOperands(MemorySegment gates, MemorySegment products, MemorySegment own, MemorySegment before,
            MemorySegment cellBefore, MemorySegment states, MemorySegment cells, MemorySegment y, MemorySegment dy, MemorySegment dInput,
            MemorySegment dState, MemorySegment dStep, MemorySegment dStates, MemorySegment offsets) {
    }

    /** Steps of a recurrent layer beside their products. */
    public static final class Cell {
        private final MemorySegment args;

        /** @param cell a constant of {@link RecurrentKernels}; @param stride between rows of y and dy */
        public Cell(Arena arena, CellOperands o, int cell, boolean reverse, long hidden, long stride) {
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
            gatun_cell_args.hidden(args, hidden);
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

        /** Gradients of the products. */
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
    public record Sight(float scale, boolean causal, long window, MemorySegment mask, long[] maskStrides, MemorySegment padding) {
    }

    /** Attention within sequences, S32: how many, then their offsets. */
    public static final class Attention {
        private final MemorySegment args;
        private final MemorySegment sequences;

        /** @param heads of queries, of keys and values; @param keys most of a sequence; @param scratch 2 floats for each key and thread */
        public Attention(Arena arena, View[] qkv, MemorySegment y, MemorySegment dy, MemorySegment querySequences,
                MemorySegment keySequences, Sight sight, int[] heads, int headDim, long keys, MemorySegment scratch) {
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
