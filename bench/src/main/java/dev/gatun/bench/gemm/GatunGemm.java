package dev.gatun.bench.gemm;

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
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.LinearOp;
import dev.gatun.tensor.weights.LinearWeights;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A plan of one linear layer. */
final class GatunGemm implements Contender {
    private final LinearWeights.Kernel kernel;
    private final Arena arena = Arena.ofShared();
    private final ExecutionContext context = new ExecutionContext();
    private final BoundPlan plan;

    GatunGemm(LinearWeights.Kernel kernel, float[] a, float[] b, Workload workload) {
        this.kernel = kernel;
        int m = workload.get("m");
        int k = workload.get("k");
        LinearWeights weights;
        try (Arena temporary = Arena.ofConfined()) {
            weights = LinearWeights.pack(arena, kernel,
                    new LinearWeights.Source(Tensor.ofFloats(temporary, b, k, workload.get("n")), true, null));
        }
        PlanBuilder builder = new PlanBuilder("gemm", new Lifetime("gemm"), arena, workload.get("threads"));
        builder.output("dst", builder.add(new LinearOp(weights, Activation.NONE),
                builder.input("src", TensorDesc.of(DataType.F32, m, k))));
        plan = context.bind(builder.build());
        MemorySegment.copy(a, 0, plan.input("src").segment(), ValueLayout.JAVA_FLOAT, 0, a.length);
    }

    @Override
    public String version() {
        return "Gatun, " + switch (kernel) {
            case GATUN -> "its own product";
            case ONEDNN -> "oneDNN " + OneDnn.version();
            case OPENBLAS -> "OpenBLAS";
        };
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
