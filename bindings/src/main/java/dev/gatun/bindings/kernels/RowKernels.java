package dev.gatun.bindings.kernels;

import dev.gatun.bindings.kernels.gen.GatunC;
import dev.gatun.bindings.kernels.gen.gatun_bias_act_args;
import dev.gatun.bindings.kernels.gen.gatun_embed_args;
import dev.gatun.bindings.kernels.gen.gatun_gated_args;
import dev.gatun.bindings.kernels.gen.gatun_layer_norm_args;
import dev.gatun.bindings.kernels.gen.gatun_pool_args;
import dev.gatun.bindings.kernels.gen.gatun_sgemm_args;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Calls with their argument block filled once: what is returned computes each time it is run, and allocates nothing.
 * Formulas are in {@code native/include/gatun.h}. A null operand is absent. The operands' owner must
 * outlive the arena.
 */
public final class RowKernels {
    private RowKernels() {
    }

    /** out = (x + residual - mean) / sqrt(variance + eps) * gamma + beta; the mean is 0 for rms. */
    public static Runnable layerNorm(Arena arena, MemorySegment x, MemorySegment residual, MemorySegment gamma,
            MemorySegment beta, MemorySegment out, long rows, long cols, float eps, boolean rms) {
        Kernels.load();
        MemorySegment args = gatun_layer_norm_args.allocate(arena);
        gatun_layer_norm_args.x(args, x);
        gatun_layer_norm_args.residual(args, Kernels.orNull(residual));
        gatun_layer_norm_args.gamma(args, gamma);
        gatun_layer_norm_args.beta(args, Kernels.orNull(beta));
        gatun_layer_norm_args.out(args, out);
        gatun_layer_norm_args.rows(args, rows);
        gatun_layer_norm_args.cols(args, cols);
        gatun_layer_norm_args.eps(args, eps);
        gatun_layer_norm_args.rms(args, rms ? 1 : 0);
        return () -> GatunC.gatun_layer_norm(args);
    }

    /**
     * Tables of an embedding.
     *
     * @param word     F32 [vocabulary, cols], or packed [cols, vocabulary]
     * @param packed   how many words are packed as columns, by {@link MatrixKernels#packPanels} or {@link NarrowKernels#pack}; 0: rows
     * @param type16   {@link NarrowKernels#F16} or {@link NarrowKernels#BF16} of what is packed; 0: F32
     * @param position [positions, cols]; null for none
     * @param type     [types, cols]; null for none
     * @param gamma    [cols]; null for no normalization
     * @param beta     [cols]; null for none
     * @param scale    factor of the word's row
     * @param eps      added to the variance
     */
    public record Tables(MemorySegment word, long packed, int type16, MemorySegment position, MemorySegment type, MemorySegment gamma,
            MemorySegment beta, float scale, float eps) {
    }

    /** out[t] = norm(scale * word[ids[t]] + position[positions[t]] + type[types[t]]); types null means type 0. */
    public static Runnable embed(Arena arena, Tables tables, MemorySegment ids, MemorySegment positions,
            MemorySegment types, MemorySegment out, long rows, long cols) {
        Kernels.load();
        MemorySegment args = gatun_embed_args.allocate(arena);
        gatun_embed_args.word(args, tables.word());
        gatun_embed_args.word_columns(args, tables.packed());
        gatun_embed_args.word_type(args, tables.type16());
        gatun_embed_args.position(args, Kernels.orNull(tables.position()));
        gatun_embed_args.type(args, Kernels.orNull(tables.type()));
        gatun_embed_args.gamma(args, Kernels.orNull(tables.gamma()));
        gatun_embed_args.beta(args, Kernels.orNull(tables.beta()));
        gatun_embed_args.scale(args, tables.scale());
        gatun_embed_args.eps(args, tables.eps());
        gatun_embed_args.ids(args, ids);
        gatun_embed_args.positions(args, Kernels.orNull(positions));
        gatun_embed_args.types(args, Kernels.orNull(types));
        gatun_embed_args.out(args, out);
        gatun_embed_args.rows(args, rows);
        gatun_embed_args.cols(args, cols);
        return () -> GatunC.gatun_embed(args);
    }

    /** One vector a sequence; the number of sequences is read from {@code sequences} at each run. */
    public static Runnable pool(Arena arena, MemorySegment x, MemorySegment sequences, MemorySegment out, long cols,
            int kind, boolean normalize) {
        MemorySegment args = poolArgs(arena, x, sequences, out, cols, kind);
        gatun_pool_args.normalize(args, normalize ? 1 : 0);
        return () -> {
            gatun_pool_args.num_seqs(args, sequences.get(ValueLayout.JAVA_INT, 0));
            GatunC.gatun_pool(args);
        };
    }

    /** dx += what {@link #pool}, not normalized, makes of dy. */
    public static Runnable poolBackward(Arena arena, MemorySegment x, MemorySegment sequences, MemorySegment dy, MemorySegment dx,
            long cols, int kind) {
        MemorySegment args = poolArgs(arena, x, sequences, dy, cols, kind);
        return () -> {
            gatun_pool_args.num_seqs(args, sequences.get(ValueLayout.JAVA_INT, 0));
            GatunC.gatun_pool_backward(args, dx);
        };
    }

    private static MemorySegment poolArgs(Arena arena, MemorySegment x, MemorySegment sequences, MemorySegment out, long cols, int kind) {
        Kernels.load();
        MemorySegment args = gatun_pool_args.allocate(arena);
        gatun_pool_args.x(args, x);
        gatun_pool_args.out(args, out);
        gatun_pool_args.offsets(args, sequences.asSlice(Integer.BYTES));
        gatun_pool_args.cols(args, cols);
        gatun_pool_args.kind(args, kind);
        return args;
    }

    /**
     * c = activation(scale * (a x b + bias)) + residual with OpenBLAS on blocks of rows.
     *
     * @param sgemm      {@code OpenBlas.sgemmAddress()}
     * @param activation a {@code GATUN_} constant, see {@link Kernels}
     */
    public static Runnable sgemm(Arena arena, MemorySegment sgemm, MemorySegment a, MemorySegment b, MemorySegment bias,
            MemorySegment residual, MemorySegment c, long m, long n, long k, float scale, int activation) {
        Kernels.load();
        MemorySegment args = gatun_sgemm_args.allocate(arena);
        gatun_sgemm_args.cblas_sgemm(args, sgemm);
        gatun_sgemm_args.a(args, a);
        gatun_sgemm_args.b(args, b);
        gatun_sgemm_args.bias(args, Kernels.orNull(bias));
        gatun_sgemm_args.residual(args, Kernels.orNull(residual));
        gatun_sgemm_args.c(args, c);
        gatun_sgemm_args.m(args, m);
        gatun_sgemm_args.n(args, n);
        gatun_sgemm_args.k(args, k);
        gatun_sgemm_args.scale(args, scale);
        gatun_sgemm_args.activation(args, activation);
        return () -> GatunC.gatun_sgemm(args);
    }

    /** x = activation(scale * (x + bias)) + residual. */
    public static Runnable biasActivation(Arena arena, MemorySegment x, MemorySegment bias, MemorySegment residual,
            long rows, long cols, float scale, int activation) {
        Kernels.load();
        MemorySegment args = gatun_bias_act_args.allocate(arena);
        gatun_bias_act_args.x(args, x);
        gatun_bias_act_args.bias(args, Kernels.orNull(bias));
        gatun_bias_act_args.residual(args, Kernels.orNull(residual));
        gatun_bias_act_args.rows(args, rows);
        gatun_bias_act_args.cols(args, cols);
        gatun_bias_act_args.scale(args, scale);
        gatun_bias_act_args.activation(args, activation);
        return () -> GatunC.gatun_bias_act(args);
    }

    /** out[rows, cols] = activation(gate) * up, which lie side by side in rows of x. */
    public static Runnable gated(Arena arena, MemorySegment x, MemorySegment out, long rows, long cols, int activation, boolean gateLast) {
        Kernels.load();
        MemorySegment args = gatun_gated_args.allocate(arena);
        gatun_gated_args.x(args, x);
        gatun_gated_args.out(args, out);
        gatun_gated_args.rows(args, rows);
        gatun_gated_args.cols(args, cols);
        gatun_gated_args.activation(args, activation);
        gatun_gated_args.gate_last(args, gateLast ? 1 : 0);
        return () -> GatunC.gatun_gated(args);
    }
}
