package dev.gatun.tensor.graph.pass;

import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.Apply;
import dev.gatun.tensor.graph.Conv;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Layer;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Node;
import dev.gatun.tensor.graph.Pass;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.QuantizedConv;
import dev.gatun.tensor.graph.QuantizedLinear;
import dev.gatun.tensor.graph.Range;
import dev.gatun.tensor.graph.Rewrite;
import dev.gatun.tensor.graph.Target;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.PoolOp;
import dev.gatun.tensor.op.ScaledReorderOp;
import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Convolutions and linear layers compute with bytes, by weights and ranges that were calibrated. Activations stay bytes from convolution to
 * convolution, through poolings too; they are converted only where a layer wants the other kind. Runs after {@link FuseResidual} and
 * {@link FuseActivation}: what a layer's output range is of is the sum and its activation.
 */
public final class Quantize implements Pass {
    private final Map<String, Parameters> layers;

    /**
     * What is known of one layer.
     *
     * @param weight S8 [OC, IC, KH, KW] or [out, in]; null of a layer that is kept in F32
     * @param scales F32 [OC]: what a byte of each output channel's weights is worth; null of a layer that is kept
     * @param bias   F32 [OC], or null
     * @param input  range of its source, where that is F32: of a first convolution and of every linear layer; otherwise null
     * @param output range of a convolution's result; null of a linear layer, whose result is F32, and of a kept convolution whose is
     */
    public record Parameters(Weight weight, Weight scales, Weight bias, Range input, Range output) {
        /** Checks that scales belong to bytes. */
        public Parameters {
            if ((weight == null) != (scales == null)) {
                throw new IllegalArgumentException("weight " + weight + ", scales " + scales + ": expected both or none");
            }
        }

        /** Of a layer that is kept in F32. */
        public static Parameters kept(Range output) {
            return new Parameters(null, null, null, null, output);
        }

        boolean isKept() {
            return weight == null;
        }
    }

    /** @param layers by node name; one entry for each convolution and linear layer of the graph, and perhaps others */
    public Quantize(Map<String, Parameters> layers) {
        this.layers = Map.copyOf(layers);
    }

    @Override
    public String name() {
        return "quantize";
    }

    /**
     * @throws IllegalArgumentException if a layer or a range is missing, or a layer has no kernel over bytes; the message names the layer
     */
    @Override
    public Graph run(Graph graph, Target target, Arena temporary) {
        return new Run(graph).run();
    }

    private final class Run {
        private final Graph graph;
        private final Map<Port, TensorDesc> descs;
        private final Rewrite rewrite;
        /** Values that are bytes in the new graph. */
        private final Map<Port, Range> bytes = new HashMap<>();
        private final Map<Port, Port> floats = new HashMap<>();

        private Run(Graph graph) {
            this.graph = graph;
            this.descs = graph.infer(graph.typicalSizes());
            this.rewrite = new Rewrite(graph);
        }

        private Graph run() {
            for (Node node : graph.nodes()) {
                switch (node.layer()) {
                    case Conv conv when require(node).isKept() -> kept(node, conv, require(node));
                    case Conv conv -> conv(node, conv, require(node));
                    case Linear linear when !require(node).isKept() -> linear(node, linear, require(node));
                    case QuantizedConv _, QuantizedLinear _ ->
                            throw new IllegalArgumentException("layer " + node.name() + " is quantized already");
                    case Apply(PoolOp _) when bytes.containsKey(node.operands().getFirst()) -> {
                        rewrite.keep(node);
                        bytes.put(node.result(), bytes.get(node.operands().getFirst()));
                    }
                    default -> rewrite.replace(node, node.layer(), node.operands().stream().map(this::plain).toList());
                }
            }
            graph.outputs().values().stream().filter(bytes::containsKey).forEach(port -> rewrite.stand(port, plain(port)));
            return rewrite.build();
        }

        private Parameters require(Node node) {
            Parameters layer = layers.get(node.name());
            if (layer == null) {
                throw new IllegalArgumentException("has no weights of layer " + node.name());
            }
            return layer;
        }

        private void conv(Node node, Conv conv, Parameters layer) {
            if (conv.groups() != 1 || conv.window().rank() != 2 || layer.output == null) {
                throw new IllegalArgumentException(layer.output == null ? "has no scale for the result of layer " + node.name()
                        : "layer " + node.name() + ": only pictures are convolved in bytes, and only in one group");
            }
            Port src = node.operands().getFirst();
            Range input = bytes.getOrDefault(src, layer.input);
            Port source = bytes.containsKey(src) ? src : quantized(node, src, layer.input);
            Range residual = conv.residual() ? bytes.get(node.operands().get(1)) : null;
            if (conv.residual() && residual == null) {
                throw new IllegalArgumentException("has no scale for the residual of layer " + node.name());
            }
            Layer quantized = new QuantizedConv(layer.weight, layer.scales, layer.bias, conv.window(), conv.activation(), input, residual,
                    layer.output);
            List<Port> operands = conv.residual() ? List.of(source, node.operands().get(1)) : List.of(source);
            if (conv.pooled()) {
                Port all = rewrite.add(node.name(), quantized, operands);
                rewrite.add(node, node.name() + ".pool", new Apply(PoolOp.max(2)), List.of(all));
            } else {
                rewrite.replace(node, quantized, operands);
            }
            bytes.put(node.result(), layer.output);
        }

        /** In F32; the result becomes bytes for the layers that follow. */
        private void kept(Node node, Conv conv, Parameters layer) {
            List<Port> operands = node.operands().stream().map(this::plain).toList();
            if (layer.output == null) {
                rewrite.replace(node, conv, operands);
                return;
            }
            Layer quantize = quantize(node.result(), layer.output);
            Port exact = rewrite.add(node.name(), conv.pooled() ? conv.withoutPool() : conv, operands);
            if (conv.pooled()) {
                Port all = rewrite.add(node.name() + ".quantize", quantize, List.of(exact));
                rewrite.add(node, node.name() + ".pool", new Apply(PoolOp.max(2)), List.of(all));
            } else {
                rewrite.add(node, node.name() + ".quantize", quantize, List.of(exact));
            }
            bytes.put(node.result(), layer.output);
        }

        private void linear(Node node, Linear linear, Parameters layer) {
            if (linear.parts().size() != 1 || linear.scale() != 1f || linear.residual() || linear.parts().getFirst().inOut()) {
                throw new IllegalArgumentException("layer " + node.name() + ": only plain linear layers are computed in bytes");
            }
            Port source = quantized(node, plain(node.operands().getFirst()), layer.input);
            Layer quantized = new QuantizedLinear(layer.weight, layer.scales, layer.bias, linear.activation(), layer.input);
            rewrite.replace(node, quantized, List.of(source));
        }

        private Port quantized(Node node, Port port, Range range) {
            if (range == null) {
                throw new IllegalArgumentException("has no scale for the input of layer " + node.name());
            }
            return rewrite.add(node.name() + ".quantize", quantize(node.operands().getFirst(), range), List.of(port));
        }

        private Layer quantize(Port port, Range range) {
            return new Apply(ScaledReorderOp.quantize(range.type(), format(port), range.scale()));
        }

        /** Convolutions of bytes want channels last. */
        private MemoryFormat format(Port port) {
            return descs.get(port).shape().rank() == 4 ? MemoryFormat.CHANNELS_LAST : MemoryFormat.ROW_MAJOR;
        }

        /** The value as F32. */
        private Port plain(Port port) {
            Range range = bytes.get(port);
            return range == null ? port : floats.computeIfAbsent(port, p -> rewrite.add(graph.producer(p).name() + ".dequantize",
                    new Apply(ScaledReorderOp.dequantize(format(p), range.scale())), List.of(p)));
        }
    }
}
