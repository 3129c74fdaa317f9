package dev.gatun.models.family.recurrent;

import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.tensor.Cell;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.RecurrentShape;
import dev.gatun.tensor.graph.Dim;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Recurrent;
import dev.gatun.tensor.graph.Recurrent.Direction;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.RecurrentOp.States;
import java.util.ArrayList;
import java.util.List;

/**
 * Recurrent layers one upon another, as {@code nn.RNN}, {@code nn.LSTM} and {@code nn.GRU} of PyTorch are; dropout between them is
 * training's affair. Rows are steps, sequences lie end to end: a batch of PyTorch's with batch_first, or a packed one, without its padding.
 *
 * @param layers from the input on; both directions of a layer are one node
 */
public record RecurrentStack(List<Recurrent> layers) {
    /** Copies the list. */
    public RecurrentStack {
        layers = List.copyOf(layers);
    }

    /**
     * Layers by PyTorch's names: {@code weight_ih_l0}, {@code bias_hh_l1_reverse}, {@code weight_hr_l0}, ...
     *
     * @param shape  of the first layer; two directions are forward and reverse
     * @param layers how many
     * @throws dev.gatun.models.checkpoint.WeightException if a tensor is missing or has another shape
     */
    public static RecurrentStack of(WeightScope scope, RecurrentShape shape, int layers) {
        List<Recurrent> stack = new ArrayList<>();
        for (int i = 0; i < layers; i++) {
            long input = i == 0 ? shape.inputSize() : shape.directions() * shape.width();
            List<Direction> directions = new ArrayList<>();
            for (int d = 0; d < shape.directions(); d++) {
                directions.add(direction(scope, shape, input, "_l" + i + (d == 1 ? "_reverse" : ""), d == 1));
            }
            stack.add(new Recurrent(shape.cell(), directions, States.NONE));
        }
        return new RecurrentStack(stack);
    }

    private static Direction direction(WeightScope scope, RecurrentShape shape, long input, String end, boolean reverse) {
        long gates = shape.cell().gates() * shape.hidden();
        Weight projection = shape.projected() == 0 ? null : scope.weight("weight_hr" + end, shape.projected(), shape.hidden());
        return new Direction(scope.weight("weight_ih" + end, gates, input), scope.weight("weight_hh" + end, gates, shape.width()),
                scope.optional("bias_ih" + end, gates), scope.optional("bias_hh" + end, gates), projection, reverse);
    }

    /**
     * What a stack gives.
     *
     * @param out F32 [rows, directions x width], of the last layer
     * @param h   the last states of each layer, F32 [directions, sequences, width]; none where a session keeps them
     * @param c   the same of an LSTM's cells
     */
    public record Results(Port out, List<Port> h, List<Port> c) {
    }

    /** Adds the layers; every sequence begins with zeros. */
    public Results add(GraphBuilder graph, String name, Port x, Port sequences) {
        return add(graph, name, x, sequences, null, null);
    }

    /**
     * Adds the layers with a state for each, {@code name.l0.h} and {@code name.l0.c}, which a session keeps from run to run.
     *
     * @param count how many sequences there are at most
     */
    public Port addKept(GraphBuilder graph, String name, Port x, Port sequences, Dim count) {
        Port out = x;
        for (int i = 0; i < layers.size(); i++) {
            RecurrentShape shape = layers.get(i).shape();
            String layer = name + ".l" + i;
            List<Port> operands = new ArrayList<>(List.of(out, sequences,
                    graph.state(layer + ".h", Spec.of(DataType.F32, shape.directions(), count, shape.width()))));
            if (shape.cell() == Cell.LSTM) {
                operands.add(graph.state(layer + ".c", Spec.of(DataType.F32, shape.directions(), count, shape.hidden())));
            }
            out = graph.add(layer, layers.get(i).with(States.KEPT), operands.toArray(Port[]::new));
        }
        return out;
    }

    /**
     * Adds the layers with their first states.
     *
     * @param h for each layer F32 [directions, sequences, width]; null for zeros
     * @param c the same of an LSTM's cells
     */
    public Results add(GraphBuilder graph, String name, Port x, Port sequences, List<Port> h, List<Port> c) {
        Port out = x;
        List<Port> lastH = new ArrayList<>();
        List<Port> lastC = new ArrayList<>();
        for (int i = 0; i < layers.size(); i++) {
            boolean lstm = layers.get(i).cell() == Cell.LSTM;
            List<Port> operands = new ArrayList<>(List.of(out, sequences));
            if (h != null) {
                operands.add(h.get(i));
                if (lstm) {
                    operands.add(c.get(i));
                }
            }
            List<Port> results = graph.addAll(name + ".l" + i, layers.get(i).with(h == null ? States.NONE : States.GIVEN),
                    operands.toArray(Port[]::new));
            out = results.getFirst();
            lastH.add(results.get(1));
            if (lstm) {
                lastC.add(results.get(2));
            }
        }
        return new Results(out, lastH, lastC);
    }
}
