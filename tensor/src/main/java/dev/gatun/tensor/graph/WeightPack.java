package dev.gatun.tensor.graph;

import dev.gatun.bindings.kernels.NarrowKernels;
import dev.gatun.bindings.kernels.NativeBuffer;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Precision;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.EmbeddingOp;
import dev.gatun.tensor.weights.BatchNormFold;
import dev.gatun.tensor.weights.ConvWeights;
import dev.gatun.tensor.weights.Int8Weights;
import dev.gatun.tensor.weights.LayerNormWeights;
import dev.gatun.tensor.weights.LinearTuner;
import dev.gatun.tensor.weights.LinearWeights;
import dev.gatun.tensor.weights.RecurrentWeights;
import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Packs the weights of a program's layers, each set of them once, in the form and type that its kernel wants. One thread, while the program
 * is loaded.
 */
public final class WeightPack {
    private final Arena arena;
    private final Map<Integer, LinearTuner> tuners = new HashMap<>();
    private final Map<Object, Object> packed = new HashMap<>();
    private final Map<Weight, LinearWeights> scores = new HashMap<>();

    private record Key(String form, List<?> weights) {
    }

    /**
     * An empty one.
     *
     * @param arena the program's
     */
    public WeightPack(Arena arena) {
        this.arena = arena;
    }

    @SuppressWarnings("unchecked") // a form has one type
    private <T> T once(String form, List<?> weights, Supplier<T> make) {
        Key key = new Key(form, weights);
        Object found = packed.get(key);
        if (found == null) {
            found = make.get();
            packed.put(key, found);
        }
        return (T) found;
    }

    /** The tables of words of a graph. */
    public static Set<Weight> words(Graph graph) {
        return graph.nodes().stream().filter(node -> node.layer() instanceof Embedding).map(node -> ((Embedding) node.layer()).words())
                .collect(Collectors.toSet());
    }

    /**
     * Packs what scores words by their own table, so that {@link #words} finds one copy for both.
     *
     * @param words of all graphs of the program, none of which is lowered yet
     */
    public void tie(Graph graph, Target target, Set<Weight> words) {
        for (Node node : graph.nodes()) {
            if (node.layer() instanceof Linear linear && linear.parts().size() == 1 && !linear.isOfBytes()
                    && !linear.parts().getFirst().inOut() && words.contains(linear.parts().getFirst().weight())) {
                LinearWeights weights = linear(linear, target).weights();
                if (weights.panels() != null || weights.narrow() != null && weights.narrow().type() != NarrowKernels.INT8) {
                    scores.putIfAbsent(linear.parts().getFirst().weight(), weights);
                }
            }
        }
    }

    /** Where words are looked up: in the scores if they are tied; in halves if the file or the precision has no more; else in F32. */
    EmbeddingOp.Words words(Weight weight, Precision precision) {
        DataType type = weight.tensor().type();
        if (scores.containsKey(weight)) {
            return new EmbeddingOp.Words(null, scores.get(weight));
        }
        boolean wide = precision == Precision.F32 || precision == Precision.AUTO;
        if (type != DataType.F16 && type != DataType.BF16 && (wide || type != DataType.F32)) {
            return new EmbeddingOp.Words(table(weight), null);
        }
        Precision halves = type == DataType.BF16 ? Precision.BF16 : Precision.F16;
        LinearWeights packedWords = once("words " + halves, List.of(weight), () -> {
            try (Arena widened = Arena.ofConfined()) {
                List<LinearWeights.Source> source = List.of(new LinearWeights.Source(weight.floats(widened), false, null));
                NarrowKernels.Packed narrow = LinearWeights.packNarrow(widened, halves, source);
                return Narrowing.keeps(halves, narrow.lost()) ? LinearWeights.of(arena, narrow, source) : null;
            }
        });
        return packedWords == null ? new EmbeddingOp.Words(table(weight), null) : new EmbeddingOp.Words(null, packedWords);
    }

    /**
     * Packed weights of a linear layer.
     *
     * @param lost by rounding, even if they stayed F32 because of it
     */
    record Packed(LinearWeights weights, double lost) {
    }

    /** In the layer's precision, unless rounding loses too much. */
    Packed linear(Linear linear, Target target) {
        if (linear.isOfBytes()) {
            return once("bytes", linear.parts(), () -> new Packed(LinearWeights.packBytes(arena, linear.parts().stream().map(part ->
                    new LinearWeights.ByteSource(part.weight().tensor(), part.inOut(), part.bytes().scales().tensor(),
                            part.bytes().zeros() == null ? null : part.bytes().zeros().tensor(),
                            part.bias() == null ? null : part.bias().tensor())).toList()), 0));
        }
        return once("linear " + linear.precision(), linear.parts(), () -> {
            try (Arena widened = Arena.ofConfined()) {
                List<LinearWeights.Source> sources = linear.parts().stream().map(part -> new LinearWeights.Source(
                        floats(part.weight(), widened), part.inOut(), part.bias() == null ? null : floats(part.bias(), widened))).toList();
                if (linear.precision() == Precision.F32) {
                    return new Packed(wide(linear, target, sources), 0);
                }
                NarrowKernels.Packed narrow = LinearWeights.packNarrow(widened, linear.precision(), sources);
                return new Packed(Narrowing.keeps(linear.precision(), narrow.lost()) ? LinearWeights.of(arena, narrow, sources)
                        : wide(linear, target, sources), narrow.lost());
            }
        });
    }

    /** For the number of rows of the first graph that has the layer. */
    private LinearWeights wide(Linear linear, Target target, List<LinearWeights.Source> sources) {
        return LinearWeights.pack(arena, tuners.computeIfAbsent(target.rows(), LinearTuner::new)
                .choose(linear.parts().getFirst().in(), linear.outFeatures()), sources);
    }

    /** @param temporary lives until the first plan is compiled */
    ConvWeights conv(Conv conv, Arena temporary) {
        return once("conv" + conv.groups(), conv.weights(), () -> ConvWeights.of(arena, new ConvWeights.Source(
                floats(conv.weight(), temporary), conv.bias() == null ? null : floats(conv.bias(), temporary), conv.groups())));
    }

    /** Bytes are worth something by their scales only, which a quantized layer has. */
    private static Tensor floats(Weight weight, Arena temporary) {
        if (weight.tensor().type() == DataType.S8 || weight.tensor().type() == DataType.U8) {
            throw new IllegalArgumentException("weight " + weight + " has bytes without scales: the layer was not quantized");
        }
        return weight.floats(temporary);
    }

    BatchNormFold.Affine affine(BatchNorm norm, Arena temporary) {
        return once("affine " + norm.epsilon(), norm.weights(), () -> BatchNormFold.affine(arena, new BatchNormFold.Parameters(
                norm.scale().floats(temporary), norm.shift().floats(temporary), norm.mean().floats(temporary),
                norm.variance().floats(temporary), norm.epsilon())));
    }

    LayerNormWeights norm(LayerNorm norm) {
        return new LayerNormWeights(norm.offset() == 0f ? table(norm.gamma()) : shifted(norm.gamma(), norm.offset()),
                norm.beta() == null ? null : table(norm.beta()), norm.epsilon(), norm.rms());
    }

    private Tensor shifted(Weight weight, float offset) {
        return once("table + " + offset, List.of(weight), () -> {
            Tensor copy = copy(weight);
            for (long i = 0; i < copy.shape().elementCount(); i++) {
                copy.setFloat(i, copy.getFloat(i) + offset);
            }
            return copy;
        });
    }

    /**
     * Packed weights of a recurrent layer.
     *
     * @param lost by rounding, even if they stayed F32 because of it
     */
    record PackedRecurrent(RecurrentWeights weights, double lost) {
    }

    /** In the layer's precision, unless rounding loses too much. */
    PackedRecurrent recurrent(Recurrent layer) {
        return once("recurrent " + layer.cell() + layer.precision(), List.of(layer.directions(), layer.order()), () -> {
            try (Arena widened = Arena.ofConfined()) {
                List<RecurrentWeights.Source> sources = layer.directions().stream().map(d -> new RecurrentWeights.Source(
                        gates(d.input(), layer, widened), gates(d.state(), layer, widened), gates(d.inputBias(), layer, widened),
                        gates(d.stateBias(), layer, widened), d.projection() == null ? null : floats(d.projection(), widened),
                        d.reverse())).toList();
                double lost = layer.precision() == Precision.F32 ? 0
                        : RecurrentWeights.pack(widened, layer.shape(), sources, layer.precision()).lost();
                return new PackedRecurrent(RecurrentWeights.pack(arena, layer.shape(), sources,
                        Narrowing.keeps(layer.precision(), lost) ? layer.precision() : Precision.F32), lost);
            }
        });
    }

    /** Rows of each gate where the cell wants them. */
    private static Tensor gates(Weight weight, Recurrent layer, Arena temporary) {
        if (weight == null) {
            return null;
        }
        Tensor file = floats(weight, temporary);
        Tensor ordered = Tensor.allocate(temporary, file.desc());
        long bytes = file.segment().byteSize() / layer.cell().gates();
        for (int gate = 0; gate < layer.cell().gates(); gate++) {
            ordered.segment().asSlice(gate * bytes, bytes).copyFrom(file.segment().asSlice(layer.order().get(gate) * bytes, bytes));
        }
        return ordered;
    }

    Int8Weights bytes(Weight weight, Weight scales, Weight bias) {
        return once("int8", bias == null ? List.of(weight, scales) : List.of(weight, scales, bias),
                () -> Int8Weights.of(arena, weight.tensor(), scales.tensor(), bias == null ? null : bias.tensor()));
    }

    Tensor ints(List<Integer> values) {
        return once("ints", values, () -> Tensor.ofInts(arena, values.stream().mapToInt(i -> i).toArray(), values.size()));
    }

    /** A copy as F32: a file that shrinks under its mapping would end the process. */
    Tensor table(Weight weight) {
        return once("table", List.of(weight), () -> copy(weight));
    }

    private Tensor copy(Weight weight) {
        TensorDesc desc = TensorDesc.of(DataType.F32, weight.shape().dims());
        Tensor copy = Tensor.of(desc, NativeBuffer.allocate(arena, desc.byteSize()).segment());
        try (Arena widened = Arena.ofConfined()) {
            copy.segment().copyFrom(weight.floats(widened).segment());
        }
        return copy;
    }
}
