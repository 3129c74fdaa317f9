package dev.gatun.models.train;

import dev.gatun.bindings.kernels.TrainKernels;
import dev.gatun.bindings.kernels.TrainSequences;
import dev.gatun.tensor.Cell;
import dev.gatun.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * One direction of a recurrent layer over sequences end to end, back through time. The input's products of all rows are one, the state's of
 * all sequences are one at each step; a sequence that has ended keeps its state. Of each row the gates are kept, the state before it, and
 * what the cell needs of its own.
 */
final class RecurrentRule implements Rule {
    private final TrainSequences.Cell steps;
    private final Tensor sequences;
    private final Results results;
    private final Weights weights;
    private final long hidden;
    private final long gates;
    private final long rows;
    private final int most;
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

    /** Of this direction; biases are both there or both null. */
    record Weights(Parameter input, Parameter state, Parameter inputBias, Parameter stateBias) {
    }

    /**
     * Where results are.
     *
     * @param y      [rows, width] with this direction's first column
     * @param dy     likewise
     * @param h      [sequences, hidden] of this direction, and dh
     * @param c      likewise of an LSTM, or null
     */
    record Results(MemorySegment y, MemorySegment dy, long width, long column, MemorySegment h, MemorySegment dh, MemorySegment c,
            MemorySegment dc) {
    }

    /** @param dx null if nobody wants it */
    RecurrentRule(Arena arena, Cell cell, boolean reverse, Weights weights, MemorySegment x, MemorySegment dx, Tensor sequences,
            Results results) {
        if (cell == Cell.GRU_RESET_FIRST) {
            throw new IllegalArgumentException("Recurrent: a GRU whose reset gate comes first cannot be trained, only PyTorch's");
        }
        this.weights = weights;
        this.sequences = sequences;
        this.results = results;
        long in = weights.input.value().shape().dim(1);
        this.hidden = weights.state.value().shape().dim(1);
        this.gates = cell.gates() * hidden;
        this.rows = x.byteSize() / Float.BYTES / in;
        this.most = (int) sequences.shape().elementCount() - 2;
        MemorySegment fromInput = Rule.floats(arena, rows * gates);
        MemorySegment before = Rule.floats(arena, rows * hidden);
        this.states = Rule.floats(arena, most * hidden);
        this.cells = Rule.floats(arena, most * hidden);
        this.lastStates = states.asSlice(0, results.h.byteSize());
        this.lastCells = cells.asSlice(0, results.h.byteSize());
        MemorySegment fromState = Rule.floats(arena, most * gates);
        this.dInput = Rule.floats(arena, rows * gates);
        this.dState = Rule.floats(arena, rows * gates);
        this.stepGradients = Rule.floats(arena, most * gates);
        MemorySegment dHidden = Rule.floats(arena, most * hidden);
        this.transposed = Rule.floats(arena, rows * gates);
        this.steps = new TrainSequences.Cell(arena, new TrainSequences.CellOperands(fromInput, fromState, Rule.floats(arena, rows * hidden),
                before, Rule.floats(arena, rows * hidden), states, cells, column(results.y), column(results.dy), dInput, dState,
                stepGradients, dHidden, sequences.segment().asSlice(Integer.BYTES)), cell.kernelCode(), reverse, hidden, results.width);
        MemorySegment w = weights.input.value().segment();
        MemorySegment u = weights.state.value().segment();
        this.inputProduct = Rule.product(arena, x, new Factor(w, 1, in), bias(weights.inputBias), fromInput, false, rows, gates, in);
        this.stateWeight = new Packed(arena, new Factor(u, 1, hidden), hidden, gates);
        this.stateProduct = stateWeight.product(arena, states, bias(weights.stateBias), fromState, false, most);
        this.stateBack = new Packed(arena, new Factor(u, hidden, 1), gates, hidden);
        this.stateGradient = stateBack.product(arena, stepGradients, null, dHidden, false, most);
        this.toInput = dx == null ? () -> { } : Rule.product(arena, dInput, new Factor(w, in, 1), null, dx, true, rows, in, gates);
        this.toInputWeight = Rule.product(arena, transposed, new Factor(x, in, 1), null, weights.input.gradient().segment(), true, gates,
                in, rows);
        this.toStateWeight = Rule.product(arena, transposed, new Factor(before, hidden, 1), null, weights.state.gradient().segment(), true,
                gates, hidden, rows);
    }

    private static MemorySegment bias(Parameter bias) {
        return bias == null ? null : bias.value().segment();
    }

    private MemorySegment column(MemorySegment rows) {
        return rows.asSlice(results.column * Float.BYTES);
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
        inputProduct.run();
        stateWeight.pack();
        states.fill((byte) 0);
        cells.fill((byte) 0);
        for (long r = sequences.getInt(count + 1); r < rows; r++) {
            for (long i = 0; i < hidden; i++) {
                Rule.set(results.y, r * results.width + results.column + i, 0);
            }
        }
        int longest = longest(count);
        for (int t = 0; t < longest; t++) {
            stateProduct.run();
            steps.forward(t, count);
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
        dInput.fill((byte) 0);
        dState.fill((byte) 0);
        // From here on the states are their gradients.
        states.fill((byte) 0);
        cells.fill((byte) 0);
        lastStates.copyFrom(results.dh);
        if (results.dc != null) {
            lastCells.copyFrom(results.dc);
        }
        for (int t = longest(count) - 1; t >= 0; t--) {
            stepGradients.fill((byte) 0);
            steps.back(t, count);
            stateGradient.run();
            steps.rest(t, count);
        }
        toInput.run();
        toWeights(dInput, toInputWeight, weights.inputBias);
        toWeights(dState, toStateWeight, weights.stateBias);
    }

    private void toWeights(MemorySegment gradient, Runnable product, Parameter bias) {
        TrainKernels.transpose(gradient, rows, gates, transposed);
        product.run();
        if (bias != null) {
            TrainKernels.addColumns(gradient, rows, gates, bias.gradient().segment());
        }
    }
}
