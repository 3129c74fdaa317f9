package dev.gatun.models.train;

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
    private final Cell cell;
    private final boolean reverse;
    private final Tensor sequences;
    private final Results results;
    private final Weights weights;
    private final long hidden;
    private final long gates;
    private final long rows;
    private final int most;
    private final MemorySegment fromInput;
    private final MemorySegment own;
    private final MemorySegment before;
    private final MemorySegment cellBefore;
    private final MemorySegment states;
    private final MemorySegment cells;
    private final MemorySegment lastStates;
    private final MemorySegment lastCells;
    private final MemorySegment fromState;
    private final MemorySegment dInput;
    private final MemorySegment dState;
    private final MemorySegment stepGradients;
    private final MemorySegment dHidden;
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
        this.cell = cell;
        this.reverse = reverse;
        this.weights = weights;
        this.sequences = sequences;
        this.results = results;
        long in = weights.input.value().shape().dim(1);
        this.hidden = weights.state.value().shape().dim(1);
        this.gates = cell.gates() * hidden;
        this.rows = x.byteSize() / Float.BYTES / in;
        this.most = (int) sequences.shape().elementCount() - 2;
        this.fromInput = Rule.floats(arena, rows * gates);
        this.own = Rule.floats(arena, rows * hidden);
        this.before = Rule.floats(arena, rows * hidden);
        this.cellBefore = Rule.floats(arena, rows * hidden);
        this.states = Rule.floats(arena, most * hidden);
        this.cells = Rule.floats(arena, most * hidden);
        this.lastStates = states.asSlice(0, results.h.byteSize());
        this.lastCells = cells.asSlice(0, results.h.byteSize());
        this.fromState = Rule.floats(arena, most * gates);
        this.dInput = Rule.floats(arena, rows * gates);
        this.dState = Rule.floats(arena, rows * gates);
        this.stepGradients = Rule.floats(arena, most * gates);
        this.dHidden = Rule.floats(arena, most * hidden);
        this.transposed = Rule.floats(arena, rows * gates);
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

    /** The row of a sequence at a step, or -1 if it has ended. */
    private long row(int sequence, int step) {
        int first = sequences.getInt(sequence + 1);
        int end = sequences.getInt(sequence + 2);
        return first + step >= end ? -1 : reverse ? end - 1 - step : first + step;
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
        for (int t = 0; t < longest(count); t++) {
            stateProduct.run();
            for (int s = 0; s < count; s++) {
                long r = row(s, t);
                for (long i = 0; r >= 0 && i < hidden; i++) {
                    step(s, r, i);
                }
            }
        }
        results.h.copyFrom(lastStates);
        if (results.c != null) {
            results.c.copyFrom(lastCells);
        }
    }

    private float gate(long row, long sequence, int gate, long i) {
        return Rule.at(fromInput, row * gates + gate * hidden + i) + Rule.at(fromState, sequence * gates + gate * hidden + i);
    }

    private static float sigmoid(float x) {
        return (float) (1 / (1 + Math.exp(-x)));
    }

    private void keep(long row, int gate, long i, float value) {
        Rule.set(fromInput, row * gates + gate * hidden + i, value);
    }

    private float kept(long row, int gate, long i) {
        return Rule.at(fromInput, row * gates + gate * hidden + i);
    }

    private void step(int s, long r, long i) {
        long at = s * hidden + i;
        float h = Rule.at(states, at);
        Rule.set(before, r * hidden + i, h);
        float next = switch (cell) {
            case TANH -> (float) Math.tanh(gate(r, s, 0, i));
            case RELU -> Math.max(0, gate(r, s, 0, i));
            case LSTM -> lstm(s, r, i);
            case GRU -> {
                float reset = sigmoid(gate(r, s, 0, i));
                float update = sigmoid(gate(r, s, 1, i));
                float ofState = Rule.at(fromState, s * gates + 2 * hidden + i);
                float fresh = (float) Math.tanh(kept(r, 2, i) + reset * ofState);
                keep(r, 0, i, reset);
                keep(r, 1, i, update);
                keep(r, 2, i, fresh);
                Rule.set(own, r * hidden + i, ofState);
                yield (1 - update) * fresh + update * h;
            }
            case GRU_RESET_FIRST -> throw new IllegalStateException("refused before");
        };
        if (cell == Cell.TANH || cell == Cell.RELU) {
            keep(r, 0, i, next);
        }
        Rule.set(states, at, next);
        Rule.set(results.y, r * results.width + results.column + i, next);
    }

    private float lstm(int s, long r, long i) {
        float in = sigmoid(gate(r, s, 0, i));
        float forget = sigmoid(gate(r, s, 1, i));
        float fresh = (float) Math.tanh(gate(r, s, 2, i));
        float out = sigmoid(gate(r, s, 3, i));
        keep(r, 0, i, in);
        keep(r, 1, i, forget);
        keep(r, 2, i, fresh);
        keep(r, 3, i, out);
        float old = Rule.at(cells, s * hidden + i);
        float c = forget * old + in * fresh;
        float shown = (float) Math.tanh(c);
        Rule.set(cellBefore, r * hidden + i, old);
        Rule.set(own, r * hidden + i, shown);
        Rule.set(cells, s * hidden + i, c);
        return out * shown;
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
            for (int s = 0; s < count; s++) {
                long r = row(s, t);
                for (long i = 0; r >= 0 && i < hidden; i++) {
                    back(s, r, i);
                }
            }
            stateGradient.run();
            for (int s = 0; s < count; s++) {
                for (long i = s * hidden; row(s, t) >= 0 && i < (s + 1) * hidden; i++) {
                    Rule.add(states, i, Rule.at(dHidden, i));
                }
            }
        }
        toInput.run();
        toWeights(dInput, toInputWeight, weights.inputBias);
        toWeights(dState, toStateWeight, weights.stateBias);
    }

    private void toWeights(MemorySegment gradient, Runnable product, Parameter bias) {
        Rule.transpose(gradient, rows, gates, transposed);
        product.run();
        if (bias != null) {
            Rule.addColumns(gradient, rows, gates, bias.gradient().segment());
        }
    }

    /** Gradients of a gate's two sums, which are the same but where the reset gate stands between. */
    private void put(int s, long r, int gate, long i, float input, float state) {
        Rule.set(dInput, r * gates + gate * hidden + i, input);
        Rule.set(dState, r * gates + gate * hidden + i, state);
        Rule.set(stepGradients, s * gates + gate * hidden + i, state);
    }

    private void put(int s, long r, int gate, long i, float both) {
        put(s, r, gate, i, both, both);
    }

    /** One unit of one row; what remains in its state's gradient is what does not go through the product. */
    private void back(int s, long r, long i) {
        long at = s * hidden + i;
        float dh = Rule.at(states, at) + Rule.at(results.dy, r * results.width + results.column + i);
        float first = kept(r, 0, i);
        float rest = 0;
        switch (cell) {
            case TANH -> put(s, r, 0, i, dh * (1 - first * first));
            case RELU -> put(s, r, 0, i, first > 0 ? dh : 0);
            case LSTM -> {
                float forget = kept(r, 1, i);
                float fresh = kept(r, 2, i);
                float out = kept(r, 3, i);
                float shown = Rule.at(own, r * hidden + i);
                float dc = Rule.at(cells, at) + dh * out * (1 - shown * shown);
                put(s, r, 0, i, dc * fresh * first * (1 - first));
                put(s, r, 1, i, dc * Rule.at(cellBefore, r * hidden + i) * forget * (1 - forget));
                put(s, r, 2, i, dc * first * (1 - fresh * fresh));
                put(s, r, 3, i, dh * shown * out * (1 - out));
                Rule.set(cells, at, dc * forget);
            }
            case GRU -> {
                float update = kept(r, 1, i);
                float fresh = kept(r, 2, i);
                float ofState = Rule.at(own, r * hidden + i);
                float d = dh * (1 - update) * (1 - fresh * fresh);
                put(s, r, 0, i, d * ofState * first * (1 - first));
                put(s, r, 1, i, dh * (Rule.at(before, r * hidden + i) - fresh) * update * (1 - update));
                put(s, r, 2, i, d, d * first);
                rest = dh * update;
            }
            case GRU_RESET_FIRST -> throw new IllegalStateException("refused before");
        }
        Rule.set(states, at, rest);
    }
}
