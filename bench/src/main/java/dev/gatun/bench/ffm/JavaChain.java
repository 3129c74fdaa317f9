package dev.gatun.bench.ffm;

import dev.gatun.bench.harness.Contender;
import dev.gatun.bench.harness.Workload;
import dev.gatun.bindings.onednn.OneDnn;
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
import dev.gatun.tensor.weights.LinearWeights;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** The chain as a plan, on one thread. */
final class JavaChain implements Contender {
    private final Arena arena = Arena.ofShared();
    private final ExecutionContext context = new ExecutionContext();
    private final BoundPlan plan;

    JavaChain(Workload workload) {
        int m = workload.get("m");
        int k = workload.get("k");
        int n = workload.get("n");
        PlanBuilder builder = new PlanBuilder("chain", new Lifetime("chain"), arena, 1);
        Value x = builder.input("src", TensorDesc.of(DataType.F32, m, k));
        for (int layer = 0; layer < workload.get("layers"); layer++) {
            x = builder.add(new LinearOp(weights(4 * layer + 1, k, n), Activation.GELU_ERF), x);
            x = builder.add(new LinearOp(weights(4 * layer + 3, n, k), Activation.NONE), x);
        }
        builder.output("dst", x);
        plan = context.bind(builder.build());
        MemorySegment.copy(FfmSuite.numbers(1000, m * k, 1f), 0, plan.input("src").segment(), ValueLayout.JAVA_FLOAT, 0, m * k);
    }

    private LinearWeights weights(int seed, int in, int out) {
        try (Arena temporary = Arena.ofConfined()) {
            float scale = (float) (2 / Math.sqrt(in));
            return LinearWeights.pack(arena, LinearWeights.Kernel.ONEDNN, new LinearWeights.Source(
                    Tensor.ofFloats(temporary, FfmSuite.numbers(seed, in * out, scale), in, out), true,
                    Tensor.ofFloats(temporary, FfmSuite.numbers(seed + 1, out, 1f), out)));
        }
    }

    @Override
    public String version() {
        return "Java " + Runtime.version().feature() + ", oneDNN " + OneDnn.version();
    }

    @Override
    public void run() {
        plan.execute();
    }

    @Override
    public float[] output() {
        return plan.output("dst").toFloats();
    }

    @Override
    public void close() {
        context.close();
        arena.close();
    }
}
