package dev.gatun.tensor.op;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.BoundPlan;
import dev.gatun.tensor.exec.ExecutionContext;
import dev.gatun.tensor.exec.Lifetime;
import dev.gatun.tensor.exec.PlanBuilder;
import dev.gatun.tensor.exec.Value;
import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.Map;

/**
 * Chooses which library multiplies a shape, by running both for a few milliseconds while a model is loaded; no
 * library is faster everywhere. Remembers each shape. The property {@code gatun.linear} ({@code onednn} or
 * {@code openblas}) decides without measuring. One thread.
 */
public final class LinearTuner {
    private static final int ROUNDS = 5;
    /** A change of library must be worth it: noise must not decide. */
    private static final double MARGIN = 0.95;

    private final int rows;
    private final Map<Long, LinearWeights.Kernel> chosen = new HashMap<>();

    /** @param rows M of the products that matter, typically the tokens of a chunk */
    public LinearTuner(int rows) {
        this.rows = rows;
    }

    /** The faster library for [rows, K] x [K, N] on one thread. */
    public LinearWeights.Kernel choose(long k, long n) {
        String property = System.getProperty("gatun.linear", "measure");
        return switch (property) {
            case "onednn" -> LinearWeights.Kernel.ONEDNN;
            case "openblas" -> LinearWeights.Kernel.OPENBLAS;
            case "measure" -> chosen.computeIfAbsent(k << 32 | n, key -> measure(k, n));
            default -> throw new IllegalArgumentException(
                    "-Dgatun.linear=" + property + ": expected onednn, openblas or measure");
        };
    }

    private LinearWeights.Kernel measure(long k, long n) {
        double oneDnn = seconds(LinearWeights.Kernel.ONEDNN, k, n);
        double openBlas = seconds(LinearWeights.Kernel.OPENBLAS, k, n);
        return openBlas < oneDnn * MARGIN ? LinearWeights.Kernel.OPENBLAS : LinearWeights.Kernel.ONEDNN;
    }

    private double seconds(LinearWeights.Kernel kernel, long k, long n) {
        try (Arena arena = Arena.ofShared(); ExecutionContext context = new ExecutionContext()) {
            Tensor weight = Tensor.allocate(arena, TensorDesc.of(DataType.F32, k, n));
            LinearWeights weights = LinearWeights.pack(arena, kernel, new LinearWeights.Source(weight, true, null));
            PlanBuilder builder = new PlanBuilder("tune " + kernel, new Lifetime("the tuner"), arena, 1);
            Value x = builder.input("x", TensorDesc.of(DataType.F32, rows, k));
            builder.output("y", builder.add(new LinearOp(weights, Activation.NONE), x));
            BoundPlan plan = context.bind(builder.build());
            plan.execute();
            long best = Long.MAX_VALUE;
            for (int i = 0; i < ROUNDS; i++) {
                long start = System.nanoTime();
                plan.execute();
                best = Math.min(best, System.nanoTime() - start);
            }
            return best * 1e-9;
        }
    }
}
