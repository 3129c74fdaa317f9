package dev.gatun.tensor.exec;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.kernel.Binding;
import dev.gatun.tensor.kernel.CompiledOp;
import dev.gatun.tensor.kernel.Step;
import java.util.function.Consumer;

/**
 * An operation in Java, for the machinery around operations.
 *
 * @param elements F32 elements of the result
 * @param sharing  with its inputs
 * @param body     what it does
 */
record FakeOp(long elements, CompiledOp.Sharing sharing, Consumer<Binding> body) {

    /** Writes the sum of the inputs' first elements, plus 1, to every element of the result. */
    static FakeOp sum(long elements, CompiledOp.Sharing sharing) {
        return new FakeOp(elements, sharing, binding -> {
            float sum = 1;
            for (var input : binding.inputs()) {
                sum += input.shape().elementCount() == 0 ? 0 : input.getFloat(0);
            }
            for (long i = 0; i < elements; i++) {
                binding.dst().setFloat(i, sum);
            }
        });
    }

    /** Adds it to a plan. */
    Value addTo(PlanBuilder builder, Value... operands) {
        return builder.add("FakeOp", (context, descs) -> compile(), false, operands).getFirst();
    }

    private CompiledOp compile() {
        TensorDesc dst = TensorDesc.of(DataType.F32, elements);
        return new CompiledOp() {
            @Override
            public TensorDesc dst() {
                return dst;
            }

            @Override
            public Sharing sharing() {
                return sharing;
            }

            @Override
            public String implementation() {
                return "java";
            }

            @Override
            public Step bind(Binding binding) {
                return () -> body.accept(binding);
            }
        };
    }
}
