package dev.gatun.tensor.exec;

import dev.gatun.tensor.TensorDesc;
import java.util.List;

/**
 * An operation with its parameters and weights, not yet bound to the shapes of its inputs. Immutable;
 * weights belong to the model.
 */
public interface Op {
    /**
     * Compiles for inputs of these shapes and layouts.
     *
     * @throws dev.gatun.tensor.ShapeException if they do not fit
     */
    CompiledOp compile(CompileContext context, List<TensorDesc> inputs);

    /** Whether it computes little for each byte, so that few bytes are not worth more than one thread. */
    default boolean movesData() {
        return false;
    }
}
