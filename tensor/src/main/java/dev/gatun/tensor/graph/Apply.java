package dev.gatun.tensor.graph;

import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.op.Op;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.List;
import java.util.StringJoiner;

/**
 * An operation without weights, as it is.
 *
 * @param op what is computed
 */
public record Apply(Op op) implements Layer {

    /** Refuses operations that read memory which is not the program's. */
    public Apply {
        if (!op.owners().isEmpty()) {
            throw new IllegalArgumentException(op.getClass().getSimpleName()
                    + " has weights, which its owner could free: use the layer that has them");
        }
    }

    @Override
    public String kind() {
        return op.getClass().getSimpleName().replaceAll("Op$", "");
    }

    @Override
    public List<TensorDesc> results(List<TensorDesc> operands) {
        return op.results(operands);
    }

    @Override
    public List<Weight> weights() {
        return List.of();
    }

    /** The record's own parameters. */
    @Override
    public String attributes() {
        StringJoiner text = new StringJoiner(", ", " ", "").setEmptyValue("");
        for (RecordComponent component : op.getClass().getRecordComponents()) {
            try {
                Object value = component.getAccessor().invoke(op);
                text.add(component.getName() + "=" + (value instanceof long[] numbers ? Arrays.toString(numbers) : value));
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException(op + " has no readable " + component.getName(), e);
            }
        }
        return text.toString();
    }
}
