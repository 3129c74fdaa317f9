package dev.gatun.models.vision;

import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.exec.PlanBuilder;
import dev.gatun.tensor.exec.Value;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.ConvOp;
import dev.gatun.tensor.op.ConvPoolOp;
import dev.gatun.tensor.op.ConvWeights;
import dev.gatun.tensor.op.LinearOp;
import dev.gatun.tensor.op.LinearWeights;
import dev.gatun.tensor.op.PoolOp;
import dev.gatun.tensor.op.Window;
import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.Map;

/** Weights for F32 arithmetic, packed for the kernels. */
public final class FloatLayers implements LayerWeights {
    private final Map<String, ConvWeights> convs = new HashMap<>();
    private final Map<String, LinearWeights> linears = new HashMap<>();

    /** Packs into the model's arena; the layers must live until the first plan is compiled. */
    public FloatLayers(NamedLayers layers, Arena arena) {
        layers.convs().forEach((name, source) -> convs.put(name, ConvWeights.of(arena, source)));
        // From one row, read at the speed of memory on any number of threads, to a batch: oneDNN uses one thread for one row.
        layers.linears().forEach((name, source) -> linears.put(name, LinearWeights.pack(arena, LinearWeights.Kernel.GATUN, source)));
    }

    @Override
    public LayerBuilder on(PlanBuilder plan) {
        return new Builder(plan);
    }

    private final class Builder implements LayerBuilder {
        private final PlanBuilder plan;

        private Builder(PlanBuilder plan) {
            this.plan = plan;
        }

        @Override
        public Value conv(String name, Value x, Window window, Activation activation) {
            return plan.add(new ConvOp(convs.get(name), window, activation), x);
        }

        @Override
        public Value convSum(String name, Value x, Value residual, Window window, Activation activation) {
            return plan.add(new ConvOp(convs.get(name), window, activation, true, MemoryFormat.ANY), x, residual);
        }

        @Override
        public Value convPool(String name, Value x, Window window, Activation activation) {
            ConvOp conv = new ConvOp(convs.get(name), window, activation);
            return ConvPoolOp.fuses(conv, x.desc()) ? plan.add(new ConvPoolOp(conv), x) : pool(PoolOp.max(2), plan.add(conv, x));
        }

        @Override
        public Value pool(PoolOp op, Value x) {
            return plan.add(op, x);
        }

        @Override
        public Value plain(Value x) {
            return x;
        }

        @Override
        public Value linear(String name, Value rows, Activation activation) {
            return plan.add(new LinearOp(linears.get(name), activation), rows);
        }
    }

    @Override
    public long nativeByteSize() {
        return convs.values().stream().mapToLong(ConvWeights::nativeByteSize).sum()
                + linears.values().stream().mapToLong(LinearWeights::nativeByteSize).sum();
    }
}
