package dev.gatun.tensor.weights;

import dev.gatun.bindings.kernels.Functions;
import dev.gatun.bindings.kernels.Kernels;
import dev.gatun.bindings.kernels.MatrixKernels;
import dev.gatun.bindings.kernels.RowKernels;
import dev.gatun.bindings.loader.Setting;
import dev.gatun.bindings.onednn.Args;
import dev.gatun.bindings.onednn.Attributes;
import dev.gatun.bindings.onednn.Memory;
import dev.gatun.bindings.onednn.MemoryDesc;
import dev.gatun.bindings.onednn.Primitive;
import dev.gatun.bindings.onednn.PrimitiveDesc;
import dev.gatun.bindings.onednn.Stream;
import dev.gatun.bindings.onednn.Tags;
import dev.gatun.bindings.openblas.OpenBlas;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.weights.LinearWeights.Kernel;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Chooses who multiplies a shape, by running all in turns while a model is loaded: our own product, unless another is clearly and steadily
 * faster. Remembers each shape. The property {@code gatun.linear} ({@code onednn}, {@code openblas} or {@code gatun}) decides without
 * measuring. One thread.
 */
public final class LinearTuner {
    /** After so many rounds it is over, unless another looks faster. */
    private static final int FIRST_ROUNDS = 4;
    private static final int ROUNDS = 16;
    /** Another must be clearly faster: what the tuner does not see, requests of fewer rows and fused functions, gains by our own. */
    private static final double MARGIN = 0.92;
    /** And in so many rounds out of all: a machine that was busy for a moment does not decide. */
    private static final double STEADY = 0.75;

    /** For so few our own product, which reads weights at the speed of memory, was the fastest at every shape measured. */
    private static final int FEW_ROWS = 16;

    private record Product(long k, long n) {
    }

    private final int rows;
    private final Map<Product, Kernel> chosen = new HashMap<>();

    /** @param rows M of the products that matter, typically the tokens of a chunk */
    public LinearTuner(int rows) {
        this.rows = rows;
    }

    /** The fastest for [rows, K] x [K, N] on one thread. */
    public Kernel choose(long k, long n) {
        return switch (Setting.LINEAR.text()) {
            case "onednn" -> Kernel.ONEDNN;
            case "openblas" -> Kernel.OPENBLAS;
            case "gatun" -> Kernel.GATUN;
            case "measure" -> rows <= FEW_ROWS ? Kernel.GATUN : chosen.computeIfAbsent(new Product(k, n), this::measure);
            default -> throw new AssertionError(Setting.LINEAR.text());
        };
    }

    private Kernel measure(Product product) {
        int before = Kernels.maxThreads();
        Kernels.setThreads(1);
        try (Arena arena = Arena.ofConfined()) {
            List<Runnable> candidates = candidates(arena, product);
            candidates.forEach(Runnable::run);
            List<long[]> rounds = new ArrayList<>();
            while (rounds.size() < FIRST_ROUNDS || rounds.size() < ROUNDS && fastest(rounds) != Kernel.GATUN) {
                rounds.add(round(candidates, rounds.size()));
            }
            return clearWinner(rounds);
        } finally {
            Kernels.setThreads(before);
        }
    }

    /** Nanoseconds of each, which take turns in beginning. */
    private static long[] round(List<Runnable> candidates, int number) {
        long[] nanos = new long[candidates.size()];
        for (int i = 0; i < nanos.length; i++) {
            int which = (i + number) % nanos.length;
            long start = System.nanoTime();
            candidates.get(which).run();
            nanos[which] = System.nanoTime() - start;
        }
        return nanos;
    }

    private static long best(List<long[]> rounds, Kernel kernel) {
        return rounds.stream().mapToLong(nanos -> nanos[kernel.ordinal()]).min().orElseThrow();
    }

    /** The kernel with the best time of all rounds, ours in a draw. */
    private static Kernel fastest(List<long[]> rounds) {
        Kernel fastest = Kernel.GATUN;
        double least = best(rounds, fastest) * MARGIN;
        for (Kernel other : Kernel.values()) {
            if (best(rounds, other) < least) {
                fastest = other;
                least = best(rounds, other);
            }
        }
        return fastest;
    }

    /**
     * Who multiplies.
     *
     * @param rounds nanoseconds by the kernels' ordinals
     */
    static Kernel clearWinner(List<long[]> rounds) {
        Kernel fastest = fastest(rounds);
        long wins = rounds.stream().filter(nanos -> nanos[fastest.ordinal()] < nanos[Kernel.GATUN.ordinal()] * MARGIN).count();
        return wins >= STEADY * rounds.size() ? fastest : Kernel.GATUN;
    }

    /** By the kernels' ordinals. */
    private List<Runnable> candidates(Arena arena, Product p) {
        Tensor weight = filled(arena, p.k, p.n);
        MemorySegment x = filled(arena, rows, p.k).segment();
        MemorySegment y = filled(arena, rows, p.n).segment();
        List<Runnable> candidates = new ArrayList<>();
        for (Kernel kernel : Kernel.values()) {
            LinearWeights packed = LinearWeights.pack(arena, kernel, new LinearWeights.Source(weight, true, null));
            candidates.add(switch (kernel) {
                case ONEDNN -> oneDnn(arena, packed, x, y);
                case OPENBLAS -> RowKernels.sgemm(arena, OpenBlas.sgemmAddress(), x, packed.data().segment(), null, null, y, rows, p.n, p.k,
                        1f, Functions.NONE);
                case GATUN -> MatrixKernels.gemm(arena, x, packed.panels(), null, null, y, rows, p.n, p.k, Functions.NONE);
            });
        }
        return candidates;
    }

    /** Zeros would be less work for the processor than numbers are. */
    private static Tensor filled(Arena arena, long m, long n) {
        Tensor tensor = Tensor.allocate(arena, TensorDesc.of(DataType.F32, m, n));
        tensor.segment().fill((byte) 0x3c);
        return tensor;
    }

    private Runnable oneDnn(Arena arena, LinearWeights weights, MemorySegment x, MemorySegment y) {
        MemoryDesc src = MemoryDesc.ofTag(arena, new long[] {rows, weights.inFeatures()}, DataType.F32.oneDnn(), Tags.AB);
        MemoryDesc dst = MemoryDesc.ofTag(arena, new long[] {rows, weights.outFeatures()}, DataType.F32.oneDnn(), Tags.AB);
        PrimitiveDesc desc = PrimitiveDesc.matmul(arena, src, weights.desc(), null, dst, Attributes.create(arena));
        Args args = new Args().with(Args.SRC, Memory.of(arena, src, x)).with(Args.DST, Memory.of(arena, dst, y))
                .with(Args.WEIGHTS, Memory.of(arena, weights.desc(), weights.data().segment()));
        MemoryDesc scratchpad = desc.scratchpad(arena);
        if (scratchpad.byteSize() > 0) {
            args.with(Args.SCRATCHPAD, Memory.of(arena, scratchpad, arena.allocate(scratchpad.byteSize(), Tensor.ALIGNMENT)));
        }
        return Primitive.create(arena, desc).bind(arena, Stream.create(arena), args)::run;
    }
}
