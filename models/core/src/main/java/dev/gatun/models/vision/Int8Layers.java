package dev.gatun.models.vision;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.exec.PlanBuilder;
import dev.gatun.tensor.exec.Value;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.Int8ConvOp;
import dev.gatun.tensor.op.Int8LinearOp;
import dev.gatun.tensor.op.Int8Weights;
import dev.gatun.tensor.op.PoolOp;
import dev.gatun.tensor.op.ScaledReorderOp;
import dev.gatun.tensor.op.Window;
import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.Map;

/**
 * Weights for byte arithmetic with scales that were calibrated; layers that were kept in F32 are computed so, and their inputs and
 * results converted. Activations are channels-last bytes from layer to layer.
 */
public final class Int8Layers implements LayerWeights {
    private final Map<String, Layer> layers = new HashMap<>();
    private final FloatLayers kept;
    private final NamedLayers keptNames;

    /**
     * What a byte of an activation is worth.
     *
     * @param scale  above 0
     * @param signed whether bytes are S8, otherwise U8
     */
    public record Range(float scale, boolean signed) {
        /** Checks the scale. */
        public Range {
            if (!(scale > 0) || Float.isInfinite(scale)) {
                throw new IllegalArgumentException("scale " + scale + " must be above 0 and finite");
            }
        }

        DataType type() {
            return signed ? DataType.S8 : DataType.U8;
        }
    }

    /**
     * A quantized layer as a checkpoint stores it.
     *
     * @param weight S8, or null for a layer that is kept in F32
     * @param scales F32 [OC], or null
     * @param bias   F32 [OC], or null
     * @param input  range of its input, where that is F32: of a first and of a linear layer; or null
     * @param output range of its result; null of a linear layer
     */
    public record Source(Tensor weight, Tensor scales, Tensor bias, Range input, Range output) {
    }

    private record Layer(Int8Weights weights, Range input, Range output) {
    }

    /**
     * Copies into the model's arena.
     *
     * @param sources by layer name
     * @param kept    layers in F32; they must live until the first plan is compiled
     */
    public Int8Layers(Map<String, Source> sources, NamedLayers kept, Arena arena) {
        sources.forEach((name, s) -> layers.put(name, new Layer(
                s.weight == null ? null : Int8Weights.of(arena, s.weight, s.scales, s.bias), s.input, s.output)));
        this.kept = new FloatLayers(kept, arena);
        this.keptNames = kept;
    }

    @Override
    public LayerBuilder on(PlanBuilder plan) {
        return new Builder(plan);
    }

    private final class Builder implements LayerBuilder {
        private final PlanBuilder plan;
        private final LayerBuilder floats;
        private final Map<Integer, Range> ranges = new HashMap<>();

        private Builder(PlanBuilder plan) {
            this.plan = plan;
            this.floats = kept.on(plan);
        }

        @Override
        public Value conv(String name, Value x, Window window, Activation activation) {
            Layer layer = require(name);
            if (keptNames.convs().containsKey(name)) {
                return quantize(floats.conv(name, plain(x), window, activation), layer.output);
            }
            Value bytes = bytes(x, layer);
            Range output = output(name, layer);
            return track(plan.add(new Int8ConvOp(layer.weights, window, activation, ranges.get(bytes.id()).scale, 0,
                    output.type(), output.scale), bytes), output);
        }

        @Override
        public Value convSum(String name, Value x, Value residual, Window window, Activation activation) {
            Layer layer = require(name);
            if (keptNames.convs().containsKey(name)) {
                return quantize(floats.convSum(name, plain(x), plain(residual), window, activation), layer.output);
            }
            Value bytes = bytes(x, layer);
            Range output = output(name, layer);
            return track(plan.add(new Int8ConvOp(layer.weights, window, activation, ranges.get(bytes.id()).scale,
                    ranges.get(residual.id()).scale, output.type(), output.scale), bytes, residual), output);
        }

        private Layer require(String name) {
            Layer layer = layers.get(name);
            if (layer == null || layer.weights == null && !keptNames.convs().containsKey(name)) {
                throw new IllegalArgumentException("has no weights of layer " + name);
            }
            return layer;
        }

        private static Range output(String name, Layer layer) {
            if (layer.output == null) {
                throw new IllegalArgumentException("has no scale for the result of layer " + name);
            }
            return layer.output;
        }

        private Value bytes(Value x, Layer layer) {
            return ranges.containsKey(x.id()) ? x : quantize(x, layer.input);
        }

        private Value quantize(Value x, Range range) {
            if (range == null) {
                throw new IllegalArgumentException("has no scale for an activation of " + x.desc());
            }
            MemoryFormat format = x.desc().shape().rank() == 4 ? MemoryFormat.CHANNELS_LAST : MemoryFormat.ROW_MAJOR;
            return track(plan.add(ScaledReorderOp.quantize(range.type(), format, range.scale), x), range);
        }

        private Value track(Value value, Range range) {
            ranges.put(value.id(), range);
            return value;
        }

        @Override
        public Value pool(PoolOp op, Value x) {
            Value y = plan.add(op, x);
            return ranges.containsKey(x.id()) ? track(y, ranges.get(x.id())) : y;
        }

        @Override
        public Value plain(Value x) {
            Range range = ranges.get(x.id());
            return range == null ? x : plan.add(ScaledReorderOp.dequantize(MemoryFormat.CHANNELS_LAST, range.scale), x);
        }

        @Override
        public Value linear(String name, Value rows, Activation activation) {
            if (keptNames.linears().containsKey(name)) {
                return floats.linear(name, rows, activation);
            }
            Layer layer = require(name);
            Value bytes = quantize(rows, layer.input);
            return plan.add(new Int8LinearOp(layer.weights, activation, layer.input.scale), bytes);
        }
    }

    @Override
    public long nativeByteSize() {
        return kept.nativeByteSize() + layers.values().stream().filter(l -> l.weights != null)
                .mapToLong(l -> l.weights.nativeByteSize()).sum();
    }
}
