package dev.gatun.tensor.kernel;

/** An operation with its memory. Executing allocates nothing. */
@FunctionalInterface
public interface Step {
    /** Computes the result from what is in the inputs now. */
    void execute();
}
