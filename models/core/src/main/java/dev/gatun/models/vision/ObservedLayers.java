package dev.gatun.models.vision;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.exec.PlanBuilder;
import dev.gatun.tensor.exec.Value;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.PoolOp;
import dev.gatun.tensor.op.ReorderOp;
import dev.gatun.tensor.op.Window;

/**
 * Layers whose results, and the inputs of linear ones, are also outputs of the plan, as row-major F32: {@code NAME} and
 * {@code NAME.input}. For calibration and for finding out which layer loses precision.
 *
 * @param layers what computes
 */
public record ObservedLayers(LayerWeights layers) implements LayerWeights {

    @Override
    public LayerBuilder on(PlanBuilder plan) {
        return new Builder(plan, layers.on(plan));
    }

    private record Builder(PlanBuilder plan, LayerBuilder layers) implements LayerBuilder {

        /** A copy, because the value itself may be overwritten by what follows. */
        private Value show(String name, Value value) {
            plan.output(name, plan.add(new ReorderOp(DataType.F32, MemoryFormat.ROW_MAJOR), layers.plain(value)));
            return value;
        }

        @Override
        public Value conv(String name, Value x, Window window, Activation activation) {
            return show(name, layers.conv(name, x, window, activation));
        }

        @Override
        public Value convSum(String name, Value x, Value residual, Window window, Activation activation) {
            return show(name, layers.convSum(name, x, residual, window, activation));
        }

        @Override
        public Value pool(PoolOp op, Value x) {
            return layers.pool(op, x);
        }

        @Override
        public Value plain(Value x) {
            return layers.plain(x);
        }

        @Override
        public Value linear(String name, Value rows, Activation activation) {
            show(name + ".input", rows);
            return show(name, layers.linear(name, rows, activation));
        }
    }

    @Override
    public long nativeByteSize() {
        return layers.nativeByteSize();
    }
}
