package dev.gatun.tensor;

import dev.gatun.bindings.kernels.RecurrentKernels;

/** What a recurrent layer makes of its gates; x is the input's product with its bias, h the previous state. */
public enum Cell {
    /** tanh(x + W h) (Elman 1990). */
    TANH(1),
    /** max(x + W h, 0). */
    RELU(1),
    /** Gates i, f, g, o: c = f c + i g, h = o tanh(c) (Hochreiter and Schmidhuber 1997; Gers et al. 2000). */
    LSTM(4),
    /** Gates r, z, n: n = tanh(x_n + r (W_n h + b_n)), h = (1 - z) n + z h; PyTorch's, ONNX's with linear_before_reset. */
    GRU(3),
    /** Gates r, z, n: n = tanh(x_n + W_n (r h) + b_n), h = (1 - z) n + z h (Cho et al. 2014); ONNX's without. */
    GRU_RESET_FIRST(3);

    private final int gates;

    Cell(int gates) {
        this.gates = gates;
    }

    /** Products of a unit. */
    public int gates() {
        return gates;
    }

    /** The number that our own kernel knows this by. */
    public int kernelCode() {
        return switch (this) {
            case TANH -> RecurrentKernels.TANH;
            case RELU -> RecurrentKernels.RELU;
            case LSTM -> RecurrentKernels.LSTM;
            case GRU -> RecurrentKernels.GRU;
            case GRU_RESET_FIRST -> RecurrentKernels.GRU_RESET_FIRST;
        };
    }
}
