package dev.gatun.tensor.testing;

import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.BoundPlan;
import dev.gatun.tensor.exec.ExecutionContext;
import dev.gatun.tensor.exec.Lifetime;
import dev.gatun.tensor.exec.PlanBuilder;
import dev.gatun.tensor.exec.Value;
import dev.gatun.tensor.op.Op;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Runs one operation as a plan of its own. */
public final class OpRunner {
    private OpRunner() {
    }

    /** The result of an operation over inputs, copied from the plan's memory. */
    public static Tensor run(Arena arena, Op op, Tensor... inputs) {
        return run(arena, 1, op, inputs);
    }

    /** The same with several threads. */
    public static Tensor run(Arena arena, int threads, Op op, Tensor... inputs) {
        try (Arena plans = Arena.ofShared(); ExecutionContext context = new ExecutionContext()) {
            PlanBuilder builder = new PlanBuilder(op.toString(), new Lifetime("test model"), plans, threads);
            Value[] values = new Value[inputs.length];
            for (int i = 0; i < inputs.length; i++) {
                values[i] = builder.input("in" + i, inputs[i].desc());
            }
            Value result = builder.add(op, values);
            builder.output("out", result);
            BoundPlan bound = context.bind(builder.build());
            for (int i = 0; i < inputs.length; i++) {
                bound.input("in" + i).segment().copyFrom(inputs[i].segment());
            }
            bound.execute();
            bound.execute();
            TensorDesc desc = result.desc();
            MemorySegment copy = arena.allocate(Math.max(1, desc.byteSize()), Tensor.ALIGNMENT);
            MemorySegment.copy(bound.output("out").segment(), 0, copy, 0, desc.byteSize());
            return Tensor.of(desc, copy);
        }
    }
}
