package dev.gatun.models.train;

import dev.gatun.bindings.kernels.Kernels;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Sizes;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.graph.Weight;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A graph differentiated once for each set of sizes that was seen, over the same parameters; the arena's owner frees them. */
final class DifferentiatedSizes {
    private final Arena arena;
    private final Graph graph;
    private final Map<Weight, Parameter> parameters;
    private final Trainer.Options options;
    private final List<Differentiated> known = new ArrayList<>();

    DifferentiatedSizes(Arena arena, Graph graph, Map<Weight, Parameter> parameters, Trainer.Options options) {
        this.arena = arena;
        this.graph = graph;
        this.parameters = parameters;
        this.options = options;
    }

    /**
     * For so many examples of its one input.
     *
     * @throws IllegalArgumentException if the graph has several inputs, or examples are not their first dimension
     */
    Differentiated of(long examples) {
        for (int i = 0; i < known.size(); i++) {
            if (known.get(i).input().shape().dim(0) == examples) {
                return ready(known.get(i));
            }
        }
        Spec spec = graph.inputs().values().iterator().next().spec();
        if (graph.inputs().size() != 1 || spec.dims().isEmpty() || !spec.dims().getFirst().isFree()) {
            throw new IllegalArgumentException(graph.name() + ": inputs " + graph.inputs() + ": expected one, whose first dimension is "
                    + "free; several are given by name");
        }
        return add(Sizes.of(spec.dims().getFirst().name(), examples));
    }

    /**
     * For this one input, row-major [n, ...], which is copied.
     *
     * @throws ShapeException if it is of another type, layout or shape
     */
    Differentiated filled(Tensor input) {
        Differentiated net = of(input.shape().dim(0));
        if (input.type() != net.input().type() || !input.desc().isRowMajor() || !input.shape().equals(net.input().shape())) {
            throw new ShapeException("train", "inputs " + input + ", expected row-major " + net.input().desc(), input.shape());
        }
        net.input().segment().copyFrom(input.segment());
        return net;
    }

    /**
     * For these inputs by name, which are copied.
     *
     * @throws IllegalArgumentException if one is missing, unknown, or of another type, layout or rank
     * @throws ShapeException           if sizes contradict each other
     */
    Differentiated filled(Map<String, Tensor> inputs) {
        Tensor[] given = new Tensor[graph.inputs().size()];
        Sizes found = Sizes.NONE;
        int next = 0;
        for (Map.Entry<String, Graph.Source> each : graph.inputs().entrySet()) {
            Tensor tensor = inputs.get(each.getKey());
            Spec spec = each.getValue().spec();
            if (inputs.size() != given.length || tensor == null || tensor.type() != spec.type() || !tensor.desc().isRowMajor()
                    || tensor.shape().rank() != spec.dims().size()) {
                throw new IllegalArgumentException(graph.name() + ": inputs " + inputs + ", expected row-major " + graph.inputs());
            }
            for (int d = 0; d < spec.dims().size(); d++) {
                found = spec.dims().get(d).isFree() ? found.with(spec.dims().get(d).name(), tensor.shape().dim(d)) : found;
            }
            given[next++] = tensor;
        }
        Differentiated net = null;
        for (Differentiated each : known) {
            net = each.takes(given) ? each : net;
        }
        net = net == null ? add(found) : ready(net);
        for (int i = 0; i < given.length; i++) {
            if (!given[i].shape().equals(net.input(i).shape())) {
                throw new ShapeException("train", "inputs " + inputs + ": expected " + net.input(i).desc(), given[i].shape());
            }
            net.input(i).segment().copyFrom(given[i].segment());
        }
        return net;
    }

    private Differentiated add(Sizes sizes) {
        Kernels.setThreads(options.threads());
        Differentiated made = new Differentiated(arena, graph, sizes, parameters, options.dropout());
        known.add(made);
        return made;
    }

    /** The number of threads is the calling thread's: another trainer may have set it meanwhile. */
    private Differentiated ready(Differentiated net) {
        Kernels.setThreads(options.threads());
        return net;
    }
}
