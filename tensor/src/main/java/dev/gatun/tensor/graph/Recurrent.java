package dev.gatun.tensor.graph;

import dev.gatun.tensor.Cell;
import dev.gatun.tensor.Precision;
import dev.gatun.tensor.RecurrentShape;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.RecurrentOp;
import dev.gatun.tensor.op.RecurrentOp.States;
import java.util.ArrayList;
import java.util.List;

/**
 * One recurrent layer; operands and results are those of {@link RecurrentOp}. Several layers are several nodes.
 *
 * @param cell       what is computed
 * @param directions their results lie side by side
 * @param order      where the file has each of the cell's gates: of PyTorch 0, 1, 2, ...; of ONNX's LSTM (i o f c) 0, 2, 3, 1, of its GRU
 *                   (z r h) 1, 0, 2
 * @param states     where sequences begin and what becomes of their last states
 * @param precision  of all matrices; biases are F32
 */
public record Recurrent(Cell cell, List<Direction> directions, List<Integer> order, States states, Precision precision) implements Layer {

    /**
     * Weights of a direction, as PyTorch's {@code nn.RNN}, {@code nn.LSTM} and {@code nn.GRU} store them.
     *
     * @param input      {@code weight_ih}: [gates x hidden, inputSize]
     * @param state      {@code weight_hh}: [gates x hidden, projected or hidden]
     * @param inputBias  {@code bias_ih}: [gates x hidden], or null
     * @param stateBias  {@code bias_hh}: [gates x hidden], or null
     * @param projection {@code weight_hr}: [projected, hidden], or null
     * @param reverse    whether it begins at the end of each sequence
     */
    public record Direction(Weight input, Weight state, Weight inputBias, Weight stateBias, Weight projection, boolean reverse) {
    }

    /** Checks the shapes. */
    public Recurrent {
        precision.kernelCode();
        directions = List.copyOf(directions);
        order = List.copyOf(order);
        if (directions.isEmpty() || order.size() != cell.gates()
                || order.stream().distinct().filter(i -> i >= 0 && i < cell.gates()).count() != cell.gates()) {
            throw new IllegalArgumentException("Recurrent: " + directions.size() + " directions, order " + order
                    + ": expected one or more, and "
                    + cell.gates() + " gates");
        }
        RecurrentShape shape = shape(cell, directions);
        for (Direction direction : directions) {
            long gates = cell.gates() * shape.hidden();
            require(direction.input(), gates, shape.inputSize());
            require(direction.state(), gates, shape.width());
            require(direction.inputBias(), gates);
            require(direction.stateBias(), gates);
            require(direction.projection(), shape.projected(), shape.hidden());
            if ((direction.projection() == null) != (shape.projected() == 0)) {
                throw new IllegalArgumentException("Recurrent: " + direction.input().name()
                        + ": one direction is projected, the other is not");
            }
        }
    }

    /** Gates in PyTorch's order. */
    public Recurrent(Cell cell, List<Direction> directions, States states) {
        this(cell, directions, List.of(0, 1, 2, 3).subList(0, cell.gates()), states);
    }

    /** In F32. */
    public Recurrent(Cell cell, List<Direction> directions, List<Integer> order, States states) {
        this(cell, directions, order, states, Precision.F32);
    }

    private static RecurrentShape shape(Cell cell, List<Direction> directions) {
        Direction first = directions.getFirst();
        if (first.input().shape().rank() != 2 || first.input().shape().dim(0) % cell.gates() != 0) {
            throw new ShapeException("Recurrent", "input weight " + first.input() + " must be [" + cell.gates() + " x hidden, inputSize]",
                    first.input().shape());
        }
        return new RecurrentShape(cell, first.input().shape().dim(1), first.input().shape().dim(0) / cell.gates(),
                first.projection() == null ? 0 : first.projection().shape().dim(0), directions.size());
    }

    private static void require(Weight weight, long... dims) {
        if (weight != null && !weight.shape().equals(Shape.of(dims))) {
            throw new ShapeException("Recurrent", "weight " + weight + " must be " + Shape.of(dims), weight.shape());
        }
    }

    /** Sizes. */
    public RecurrentShape shape() {
        return shape(cell, directions);
    }

    /** The same with other states. */
    public Recurrent with(States other) {
        return new Recurrent(cell, directions, order, other, precision);
    }

    /** The same in another precision. */
    public Recurrent withPrecision(Precision other) {
        return new Recurrent(cell, directions, order, states, other);
    }

    /** Weights but biases. */
    List<Weight> matrices() {
        return weights().stream().filter(weight -> weight.shape().rank() == 2).toList();
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        return RecurrentOp.results(shape(), states, operands);
    }

    @Override
    public List<Weight> weights() {
        List<Weight> all = new ArrayList<>();
        for (Direction d : directions) {
            for (Weight weight : new Weight[] {d.input(), d.state(), d.inputBias(), d.stateBias(), d.projection()}) {
                if (weight != null) {
                    all.add(weight);
                }
            }
        }
        return all;
    }

    @Override
    public String attributes() {
        return " " + cell + (directions.size() > 1 ? " both ways" : directions.getFirst().reverse() ? " reverse" : "")
                + (states == States.NONE ? "" : " states " + states.name().toLowerCase(java.util.Locale.ROOT))
                + (precision == Precision.F32 ? "" : " in " + precision);
    }
}
