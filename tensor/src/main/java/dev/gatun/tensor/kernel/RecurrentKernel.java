package dev.gatun.tensor.kernel;

import dev.gatun.bindings.kernels.Kernels;
import dev.gatun.bindings.kernels.RecurrentKernels;
import dev.gatun.tensor.Cell;
import dev.gatun.tensor.RecurrentShape;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.RecurrentOp;
import dev.gatun.tensor.op.RecurrentOp.States;
import dev.gatun.tensor.weights.RecurrentWeights.Packed;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * A recurrent layer by our own kernel, one direction after the other. oneDNN's has neither sequences of unequal length nor a projection on
 * every machine, and was no faster (Zen 3, AVX2, hidden 256 and 1024, batch 1 and 32, 1 and 128 steps: 0.92 to 1.78 times our time).
 *
 * @param op      parameters
 * @param sizes   of each direction
 * @param results types and shapes
 */
record RecurrentKernel(RecurrentOp op, RecurrentKernels.Sizes sizes, List<TensorDesc> results) implements CompiledOp {

    static RecurrentKernel of(RecurrentOp op, List<TensorDesc> inputs, List<TensorDesc> results) {
        RecurrentShape shape = op.weights().shape();
        long streams = op.states() == States.NONE ? inputs.get(1).shape().dim(0) - 2 : inputs.get(2).shape().dim(1);
        return new RecurrentKernel(op, new RecurrentKernels.Sizes(shape.cell().kernelCode(), shape.inputSize(), shape.hidden(),
                shape.projected(), inputs.get(0).shape().dim(0), streams, op.weights().precision().kernelCode()),
                results);
    }

    @Override
    public TensorDesc dst() {
        return results.getFirst();
    }

    @Override
    public long scratchpadByteSize() {
        return sizes.scratchBytes();
    }

    @Override
    public String implementation() {
        return "gatun_recurrent" + (sizes.type() == 0 ? ":" : "_" + op.weights().precision() + ":") + Kernels.isa();
    }

    @Override
    public Step bind(Binding binding) {
        RecurrentShape shape = op.weights().shape();
        boolean lstm = shape.cell() == Cell.LSTM;
        boolean given = op.states() != States.NONE;
        List<Tensor> last = op.states() == States.KEPT ? binding.inputs().subList(2, binding.inputs().size())
                : binding.results().subList(1, binding.results().size());
        Indices sequences = new Indices(binding, binding.inputs().get(1));
        List<Runnable> directions = new ArrayList<>();
        for (int i = 0; i < op.weights().directions().size(); i++) {
            Packed direction = op.weights().directions().get(i);
            RecurrentKernels.States states = new RecurrentKernels.States(given ? part(binding.inputs().get(2), i) : null,
                    given && lstm ? part(binding.inputs().get(3), i) : null, part(last.get(0), i), lstm ? part(last.get(1), i) : null);
            directions.add(RecurrentKernels.layer(binding.arena(), sizes, direction.weights(), direction.reverse(),
                    binding.inputs().get(0).segment(), sequences.copy(), states,
                    binding.dst().segment().asSlice(i * shape.width() * Float.BYTES), shape.directions() * shape.width(),
                            binding.scratchpad()));
        }
        Runnable[] all = directions.toArray(Runnable[]::new);
        return () -> {
            int count = sequences.takeSequences(sizes.rows());
            if (count > sizes.sequences()) {
                throw new IllegalArgumentException(count + " sequences, the states have room for " + sizes.sequences());
            }
            for (Runnable direction : all) {
                direction.run();
            }
        };
    }

    private static MemorySegment part(Tensor state, int direction) {
        long bytes = state.segment().byteSize() / state.shape().dim(0);
        return state.segment().asSlice(direction * bytes, bytes);
    }
}
