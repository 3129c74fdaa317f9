package dev.gatun.tensor.op;

import dev.gatun.tensor.Cell;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.RecurrentShape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.weights.RecurrentWeights;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * One recurrent layer over sequences that lie end to end, of one direction or several side by side. Operands: x F32 [rows, inputSize];
 * sequences S32 [2 + maxSequences], how many there are and then their offsets in rows; if states are given or kept h F32 [directions,
 * streams, width] and, of an LSTM, c F32 [directions, streams, hidden], where there may be no more sequences than streams (without,
 * maxSequences). A reverse direction begins at each sequence's own end; a sequence without rows leaves its state as it is. Results: F32
 * [rows, directions x width], zeros behind the last sequence; unless states are kept also the last h and, of an LSTM, c, shaped as the
 * operands.
 *
 * @param weights packed
 * @param states  where sequences begin and what becomes of their last states
 */
public record RecurrentOp(RecurrentWeights weights, States states) implements Op {

    /** NONE: sequences begin with zeros. GIVEN: with operands. KEPT: with operands, over which the last states are written. */
    public enum States { NONE, GIVEN, KEPT }

    @Override
    public List<MemorySegment.Scope> owners() {
        return List.of(weights.owner());
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        return results(weights.shape(), states, operands);
    }

    /** What comes out; see the class. */
    public static List<TensorDesc> results(RecurrentShape shape, States states, List<TensorDesc> operands) {
        boolean lstm = shape.cell() == Cell.LSTM;
        Operands.count("Recurrent", operands, 2 + (states == States.NONE ? 0 : lstm ? 2 : 1));
        TensorDesc x = operands.get(0);
        TensorDesc sequences = operands.get(1);
        if (x.type() != DataType.F32 || !x.isRowMajor() || x.shape().rank() != 2 || x.shape().dim(1) != shape.inputSize()) {
            throw new ShapeException("Recurrent", "x " + x + " must be row-major F32 [rows, " + shape.inputSize() + "]", x.shape());
        }
        if (sequences.type() != DataType.S32 || sequences.shape().rank() != 1 || sequences.shape().dim(0) < 2) {
            throw new ShapeException("Recurrent", "sequences " + sequences + " must be S32 [2 + maxSequences]", sequences.shape());
        }
        boolean given = states != States.NONE && operands.get(2).shape().rank() == 3;
        long count = given ? operands.get(2).shape().dim(1) : sequences.shape().dim(0) - 2;
        TensorDesc h = TensorDesc.of(DataType.F32, shape.directions(), count, shape.width());
        TensorDesc c = TensorDesc.of(DataType.F32, shape.directions(), count, shape.hidden());
        for (int i = 2; i < operands.size(); i++) {
            TensorDesc expected = i == 2 ? h : c;
            if (operands.get(i).type() != DataType.F32 || !operands.get(i).isRowMajor()
                    || !operands.get(i).shape().equals(expected.shape())) {
                throw new ShapeException("Recurrent", "state " + (i == 2 ? "h " : "c ") + operands.get(i) + " must be row-major " + expected
                        + ": directions, streams, units", operands.get(i).shape(), expected.shape());
            }
        }
        List<TensorDesc> results = new ArrayList<>();
        results.add(TensorDesc.of(DataType.F32, x.shape().dim(0), shape.directions() * shape.width()));
        if (states != States.KEPT) {
            results.add(h);
            if (lstm) {
                results.add(c);
            }
        }
        return results;
    }
}
