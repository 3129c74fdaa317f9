package dev.gatun.models.train;

import dev.gatun.bindings.kernels.TrainKernels;
import dev.gatun.bindings.kernels.TrainSequences;
import dev.gatun.tensor.Cell;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * One direction of a recurrent layer over sequences end to end, back through time. The input's products of all rows are one, the state's of
 * all sequences are one at each step; a sequence that has ended keeps its state. Of each row the gates are kept, the state before it, and
 * what the cell needs of its own. A projected LSTM and a GRU whose reset gate comes first have a {@link Second} product in a step.
 */
final class RecurrentRule implements Rule {
    private final TrainSequences.Cell steps;
    private final Tensor sequences;
    private final Results results;
    private final Weights weights;
    private final long width;
    private final long gates;
    private final long rows;
    private final int most;
    private final long streams;
    private final long stateBytes;
    private final long cellBytes;
    private final MemorySegment states;
    private final MemorySegment cells;
    private final MemorySegment lastStates;
    private final MemorySegment lastCells;
    private final MemorySegment dInput;
    private final MemorySegment dState;
    private final MemorySegment stepGradients;
    private final MemorySegment transposed;
    private final Runnable inputProduct;
    private final Packed stateWeight;
    private final Runnable stateProduct;
    private final Packed stateBack;
    private final Runnable stateGradient;
    private final Runnable toInput;
    private final Runnable toInputWeight;
    private final Runnable toStateWeight;
    private final Second second;
    private final First first;
    private final First firstCells;
    private final MemorySegment zeros;

    /** The states [sequences, columns] that sequences begin with, and their gradient, or null if nobody wants it. */
    record First(MemorySegment h, MemorySegment dh) {
    }

    /** Of this direction; biases are both there or both null, the projection is of an LSTM or null. */
    record Weights(Parameter input, Parameter state, Parameter inputBias, Parameter stateBias, Parameter projection) {
    }

    /**
     * Where results are.
     *
     * @param y      [rows, width] with this direction's first column
     * @param dy     likewise
     * @param h      [sequences, columns of a state] of this direction, and dh
     * @param c      [sequences, hidden] of an LSTM, or null
     */
    record Results(MemorySegment y, MemorySegment dy, long width, long column, MemorySegment h, MemorySegment dh, MemorySegment c,
            MemorySegment dc) {
    }

    /** @param dx null if nobody wants it; @param first states, or null: zeros; @param firstCells likewise of an LSTM */
    RecurrentRule(Arena arena, Cell cell, boolean reverse, Weights weights, MemorySegment x, MemorySegment dx, Tensor sequences,
            Results results, First first, First firstCells) {
        this.first = first;
        this.firstCells = firstCells;
        this.weights = weights;
        this.sequences = sequences;
        this.results = results;
        long in = weights.input.value().shape().dim(1);
        this.gates = weights.input.value().shape().dim(0);
        long hidden = gates / cell.gates();
        this.width = weights.state.value().shape().dim(1);
        this.rows = x.byteSize() / Float.BYTES / in;
        this.stateBytes = width * Float.BYTES;
        this.cellBytes = hidden * Float.BYTES;
        this.streams = results.h.byteSize() / stateBytes;
        this.most = (int) Math.max(sequences.shape().elementCount() - 2, streams);
        this.zeros = Rule.floats(arena, most * Math.max(width, hidden));
        MemorySegment fromInput = Rule.floats(arena, rows * gates);
        MemorySegment before = Rule.floats(arena, rows * width);
        this.states = Rule.floats(arena, most * width);
        this.cells = Rule.floats(arena, most * hidden);
        this.lastStates = states.asSlice(0, results.h.byteSize());
        this.lastCells = results.c == null ? cells : cells.asSlice(0, results.c.byteSize());
        MemorySegment fromState = Rule.floats(arena, most * gates);
        this.dInput = Rule.floats(arena, rows * gates);
        this.dState = Rule.floats(arena, rows * gates);
        this.stepGradients = Rule.floats(arena, most * gates);
        MemorySegment dHidden = Rule.floats(arena, most * width);
        this.transposed = Rule.floats(arena, rows * gates);
        this.second = cell == Cell.GRU_RESET_FIRST
                ? new Second(arena, part(weights.state, 2 * width, width), part(weights.stateBias, 2 * width, width), rows, most)
                : weights.projection == null ? null : new Second(arena, weights.projection, null, rows, most);
        this.steps = new TrainSequences.Cell(arena, new TrainSequences.CellOperands(fromInput, fromState, Rule.floats(arena, rows * hidden),
                before, Rule.floats(arena, rows * hidden), states, cells, column(results.y), column(results.dy), dInput, dState,
                stepGradients, dHidden, sequences.segment().asSlice(Integer.BYTES), second == null ? null : second.operands),
                cell.kernelCode(), reverse, hidden, width, results.width);
        MemorySegment w = weights.input.value().segment();
        MemorySegment u = weights.state.value().segment();
        this.inputProduct = Rule.product(arena, x, new Factor(w, 1, in), bias(weights.inputBias), fromInput, false, rows, gates, in);
        this.stateWeight = new Packed(arena, new Factor(u, 1, width), width, gates);
        this.stateProduct = stateWeight.product(arena, states, bias(weights.stateBias), fromState, false, most);
        this.stateBack = new Packed(arena, new Factor(u, width, 1), gates, width);
        this.stateGradient = stateBack.product(arena, stepGradients, null, dHidden, false, most);
        this.toInput = dx == null ? () -> { } : Rule.product(arena, dInput, new Factor(w, in, 1), null, dx, true, rows, in, gates);
        this.toInputWeight = Rule.product(arena, transposed, new Factor(x, in, 1), null, weights.input.gradient().segment(), true, gates,
                in, rows);
        this.toStateWeight = Rule.product(arena, transposed, new Factor(before, width, 1), null, weights.state.gradient().segment(), true,
                gates, width, rows);
    }

    /** Some rows of a parameter. */
    private static Parameter part(Parameter of, long first, long rows) {
        if (of == null) {
            return null;
        }
        long[] dims = of.value().shape().dims();
        dims[0] = rows;
        long row = of.value().segment().byteSize() / of.value().shape().dim(0);
        return new Parameter(of.name(), Tensor.of(TensorDesc.of(DataType.F32, dims), of.value().segment().asSlice(first * row, rows * row)),
                Tensor.of(TensorDesc.of(DataType.F32, dims), of.gradient().segment().asSlice(first * row, rows * row)), null, true);
    }

    /** A product within a step, of [sequences, hidden] with a weight [width, hidden]; back, both are their gradients. */
    private static final class Second {
        private final TrainSequences.Second operands;
        private final Parameter bias;
        private final long width;
        private final Packed weight;
        private final Packed back;
        private final Runnable forward;
        private final Runnable backward;
        private final MemorySegment transposed;
        private final Runnable toWeight;

        Second(Arena arena, Parameter weight, Parameter bias, long rows, long most) {
            this.bias = bias;
            this.width = weight.value().shape().dim(0);
            long hidden = weight.value().shape().dim(1);
            MemorySegment w = weight.value().segment();
            this.operands = new TrainSequences.Second(Rule.floats(arena, most * hidden), Rule.floats(arena, most * width),
                    Rule.floats(arena, rows * hidden), Rule.floats(arena, rows * width));
            this.weight = new Packed(arena, new Factor(w, 1, hidden), hidden, width);
            this.back = new Packed(arena, new Factor(w, hidden, 1), width, hidden);
            this.forward = this.weight.product(arena, operands.middle(), bias(bias), operands.product(), false, most);
            this.backward = back.product(arena, operands.product(), null, operands.middle(), false, most);
            this.transposed = Rule.floats(arena, rows * width);
            this.toWeight = Rule.product(arena, transposed, new Factor(operands.middleRows(), hidden, 1), null,
                    weight.gradient().segment(), true, width, hidden, rows);
        }

        /** Rows that no sequence has count nothing. */
        void clear() {
            operands.middleRows().fill((byte) 0);
            operands.dSecond().fill((byte) 0);
        }

        void learn(long rows) {
            TrainKernels.transpose(operands.dSecond(), rows, width, transposed);
            toWeight.run();
            if (bias != null) {
                TrainKernels.addColumns(operands.dSecond(), rows, width, bias.gradient().segment());
            }
        }
    }

    private static MemorySegment bias(Parameter bias) {
        return bias == null ? null : bias.value().segment();
    }

    private MemorySegment column(MemorySegment rows) {
        return rows.asSlice(results.column * Float.BYTES);
    }

    private static void begin(First from, MemorySegment to, long bytes) {
        if (from != null) {
            MemorySegment.copy(from.h, 0, to, 0, bytes);
        }
    }

    private int longest(int count) {
        int longest = 0;
        for (int s = 0; s < count; s++) {
            longest = Math.max(longest, sequences.getInt(s + 2) - sequences.getInt(s + 1));
        }
        return longest;
    }

    @Override
    public void forward(boolean training) {
        int count = Rule.sequences("Recurrent", sequences, rows);
        if (count > streams) {
            throw new IllegalArgumentException("Recurrent: " + count + " sequences, states of " + streams);
        }
        inputProduct.run();
        stateWeight.pack();
        states.fill((byte) 0);
        cells.fill((byte) 0);
        begin(first, states, count * stateBytes);
        begin(firstCells, cells, count * cellBytes);
        for (long r = sequences.getInt(count + 1); r < rows; r++) {
            for (long i = 0; i < width; i++) {
                Rule.set(results.y, r * results.width + results.column + i, 0);
            }
        }
        if (second != null) {
            second.clear();
            second.weight.pack();
        }
        int longest = longest(count);
        for (int t = 0; t < longest; t++) {
            stateProduct.run();
            steps.forward(t, count);
            if (second != null) {
                second.forward.run();
                steps.forwardSecond(t, count);
            }
        }
        results.h.copyFrom(lastStates);
        if (results.c != null) {
            results.c.copyFrom(lastCells);
        }
    }

    @Override
    public void backward() {
        int count = sequences.getInt(0);
        stateBack.pack();
        if (second != null) {
            second.back.pack();
        }
        dInput.fill((byte) 0);
        dState.fill((byte) 0);
        // From here on the states are their gradients.
        states.fill((byte) 0);
        cells.fill((byte) 0);
        lastStates.copyFrom(results.dh);
        if (results.dc != null) {
            lastCells.copyFrom(results.dc);
        }
        // What lies behind the last sequence is no result of anything.
        MemorySegment.copy(zeros, 0, states, count * stateBytes, (most - count) * stateBytes);
        MemorySegment.copy(zeros, 0, cells, count * cellBytes, (most - count) * cellBytes);
        for (int t = longest(count) - 1; t >= 0; t--) {
            stepGradients.fill((byte) 0);
            steps.back(t, count);
            if (second != null) {
                second.backward.run();
                steps.backSecond(t, count);
            }
            stateGradient.run();
            steps.rest(t, count);
        }
        if (first != null && first.dh != null) {
            TrainKernels.add(lastStates, first.dh);
        }
        if (firstCells != null && firstCells.dh != null) {
            TrainKernels.add(lastCells, firstCells.dh);
        }
        toInput.run();
        toWeights(dInput, toInputWeight, weights.inputBias);
        toWeights(dState, toStateWeight, weights.stateBias);
        if (second != null) {
            second.learn(rows);
        }
    }

    private void toWeights(MemorySegment gradient, Runnable product, Parameter bias) {
        TrainKernels.transpose(gradient, rows, gates, transposed);
        product.run();
        if (bias != null) {
            TrainKernels.addColumns(gradient, rows, gates, bias.gradient().segment());
        }
    }
}
