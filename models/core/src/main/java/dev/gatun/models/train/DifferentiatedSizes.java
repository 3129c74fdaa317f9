package dev.gatun.models.train;

import dev.gatun.bindings.kernels.Kernels;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.graph.Dim;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Sizes;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.graph.Weight;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;

/** A graph differentiated once for each set of sizes that was seen, over the same parameters; the arena's owner frees them. */
final class DifferentiatedSizes {
    private final Arena arena;
    private final Graph graph;
    private final Map<Weight, Parameter> parameters;
    private final Trainer.Options options;
    private final LongSupplier step;
    private final List<Differentiated> known = new ArrayList<>();
    private final String[] names;
    private final Spec[] specs;
    private final Tensor[] given;

    DifferentiatedSizes(Arena arena, Graph graph, Map<Weight, Parameter> parameters, Trainer.Options options, LongSupplier step) {
        this.arena = arena;
        this.graph = graph;
        this.parameters = parameters;
        this.options = options;
        this.step = step;
        this.names = graph.inputs().keySet().toArray(String[]::new);
        this.specs = graph.inputs().values().stream().map(Graph.Source::spec).toArray(Spec[]::new);
        this.given = new Tensor[names.length];
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
        for (int i = 0; i < given.length; i++) {
            Tensor tensor = inputs.get(names[i]);
            if (inputs.size() != given.length || tensor == null || tensor.type() != specs[i].type() || !tensor.desc().isRowMajor()
                    || tensor.shape().rank() != specs[i].dims().size()) {
                throw new IllegalArgumentException(graph.name() + ": inputs " + inputs + ", expected row-major " + graph.inputs());
            }
            given[i] = tensor;
        }
        Differentiated net = null;
        for (int i = 0; i < known.size(); i++) {
            net = known.get(i).takes(given) ? known.get(i) : net;
        }
        net = net == null ? add(sizes()) : ready(net);
        for (int i = 0; i < given.length; i++) {
            if (!given[i].shape().equals(net.input(i).shape())) {
                throw new ShapeException("train", "inputs " + inputs + ": expected " + net.input(i).desc(), given[i].shape());
            }
            net.input(i).segment().copyFrom(given[i].segment());
        }
        return net;
    }

    /** Of the free dimensions of what was given. */
    private Sizes sizes() {
        Sizes found = Sizes.NONE;
        for (int i = 0; i < given.length; i++) {
            for (int d = 0; d < specs[i].dims().size(); d++) {
                Dim dim = specs[i].dims().get(d);
                found = dim.isFree() ? found.with(dim.name(), given[i].shape().dim(d)) : found;
            }
        }
        return found;
    }

    private Differentiated add(Sizes sizes) {
        Kernels.setThreads(options.threads());
        Differentiated made = new Differentiated(arena, graph, sizes, parameters, options.dropout(), step);
        known.add(made);
        return made;
    }

    /** The number of threads is the calling thread's: another trainer may have set it meanwhile. */
    private Differentiated ready(Differentiated net) {
        Kernels.setThreads(options.threads());
        return net;
    }
}
