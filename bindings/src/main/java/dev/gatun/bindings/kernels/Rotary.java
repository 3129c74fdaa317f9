package dev.gatun.bindings.kernels;

import dev.gatun.bindings.kernels.gen.GatunC;
import dev.gatun.bindings.kernels.gen.gatun_rotary_args;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Norms and rotations of heads: {@code gatun_rotary} in {@code native/include/gatun.h}. */
public final class Rotary {
    private Rotary() {
    }

    /**
     * What is done to each head.
     *
     * @param queryHeads  heads of a row that {@code queryGamma} belongs to
     * @param keyHeads    heads behind them, that {@code keyGamma} belongs to
     * @param headDim     elements of a head
     * @param queryGamma  [headDim]; null for no norm
     * @param keyGamma    [headDim]; null for no norm
     * @param eps         added to the mean square
     * @param table       [positions, rotaryDim], cosines, then sines; null for no rotation
     * @param rotaryDim   elements of a head that are rotated, an even number
     * @param interleaved whether pairs are neighbours
     */
    public record Heads(long queryHeads, long keyHeads, long headDim, MemorySegment queryGamma, MemorySegment keyGamma, float eps,
            MemorySegment table, long rotaryDim, boolean interleaved) {
    }

    /** Rows of so many columns; the positions S32 [rows] are read at each run; null where nothing is rotated. */
    public static Runnable atPositions(Arena arena, Heads heads, MemorySegment x, MemorySegment out, long rows, long cols,
            MemorySegment positions) {
        MemorySegment args = args(arena, heads, x, out, rows, cols);
        gatun_rotary_args.positions(args, Kernels.orNull(positions));
        return () -> GatunC.gatun_rotary(args);
    }

    /** The same with positions that count from 0 in each sequence: how many, then their offsets in rows, read at each run. */
    public static Runnable inSequences(Arena arena, Heads heads, MemorySegment x, MemorySegment out, long rows, long cols,
            MemorySegment sequences) {
        MemorySegment args = args(arena, heads, x, out, rows, cols);
        gatun_rotary_args.offsets(args, sequences.asSlice(Integer.BYTES));
        return () -> {
            gatun_rotary_args.num_seqs(args, sequences.get(ValueLayout.JAVA_INT, 0));
            GatunC.gatun_rotary(args);
        };
    }

    private static MemorySegment args(Arena arena, Heads heads, MemorySegment x, MemorySegment out, long rows, long cols) {
        Kernels.load();
        MemorySegment args = gatun_rotary_args.allocate(arena);
        gatun_rotary_args.x(args, x);
        gatun_rotary_args.out(args, out);
        gatun_rotary_args.rows(args, rows);
        gatun_rotary_args.cols(args, cols);
        gatun_rotary_args.q_heads(args, heads.queryHeads());
        gatun_rotary_args.k_heads(args, heads.keyHeads());
        gatun_rotary_args.head_dim(args, heads.headDim());
        gatun_rotary_args.q_gamma(args, Kernels.orNull(heads.queryGamma()));
        gatun_rotary_args.k_gamma(args, Kernels.orNull(heads.keyGamma()));
        gatun_rotary_args.eps(args, heads.eps());
        gatun_rotary_args.table(args, Kernels.orNull(heads.table()));
        gatun_rotary_args.rotary_dim(args, heads.rotaryDim());
        gatun_rotary_args.interleaved(args, heads.interleaved() ? 1 : 0);
        return args;
    }
}
