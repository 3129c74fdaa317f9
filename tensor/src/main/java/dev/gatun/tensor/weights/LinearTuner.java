package dev.gatun.tensor.weights;

import dev.gatun.bindings.loader.Setting;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.BoundPlan;
import dev.gatun.tensor.exec.ExecutionContext;
import dev.gatun.tensor.exec.Lifetime;
import dev.gatun.tensor.exec.PlanBuilder;
import dev.gatun.tensor.exec.Value;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.LinearOp;
import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.Map;

/**
 * Chooses who multiplies a shape, by running all for a few milliseconds while a model is loaded; nobody is faster
 * everywhere. Remembers each shape. The property {@code gatun.linear} ({@code onednn}, {@code openblas} or
 * {@code gatun}) decides without measuring. One thread.
 */
public final class LinearTuner {
    private static final int ROUNDS = 5;
    /** Another must be clearly faster: noise must not decide. */
    private static final double MARGIN = 0.92;

    /** For so few our own product, which reads weights at the speed of memory, was the fastest at every shape measured. */
    private static final int FEW_ROWS = 16;

    private final int rows;
    private final Map<Long, LinearWeights.Kernel> chosen = new HashMap<>();

    /** @param rows M of the products that matter, typically the tokens of a chunk */
    public LinearTuner(int rows) {
        this.rows = rows;
    }

    /** The fastest for [rows, K] x [K, N] on one thread. */
    public LinearWeights.Kernel choose(long k, long n) {
        return switch (Setting.LINEAR.text()) {
            case "onednn" -> LinearWeights.Kernel.ONEDNN;
            case "openblas" -> LinearWeights.Kernel.OPENBLAS;
            case "gatun" -> LinearWeights.Kernel.GATUN;
            case "measure" -> rows <= FEW_ROWS ? LinearWeights.Kernel.GATUN : chosen.computeIfAbsent(k << 32 | n, key -> measure(k, n));
            default -> throw new AssertionError(Setting.LINEAR.text());
        };
    }

    private LinearWeights.Kernel measure(long k, long n) {
        // Ours in a draw: what the tuner does not see, requests of fewer rows, gains.
        LinearWeights.Kernel best = LinearWeights.Kernel.GATUN;
        double least = seconds(best, k, n) * MARGIN;
        for (LinearWeights.Kernel other : new LinearWeights.Kernel[] {LinearWeights.Kernel.ONEDNN, LinearWeights.Kernel.OPENBLAS}) {
            double seconds = seconds(other, k, n);
            if (seconds < least) {
                best = other;
                least = seconds;
            }
        }
        return best;
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
