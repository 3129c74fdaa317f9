package dev.gatun.models.train;

import dev.gatun.bindings.kernels.RowKernels;
import dev.gatun.bindings.kernels.TrainKernels;
import dev.gatun.tensor.op.Activation;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Set;

/** Functions of single elements. NONE copies, as a change of shape does. */
final class ElementRule implements Rule {
    private static final Set<Activation> TRAINED = EnumSet.of(Activation.NONE, Activation.RELU, Activation.TANH, Activation.SIGMOID,
            Activation.SILU, Activation.GELU_TANH, Activation.GELU_ERF);

    private static final long COLUMNS = 1024;

    private final Activation activation;
    private final MemorySegment x;
    private final MemorySegment y;
    private final MemorySegment dx;
    private final MemorySegment dy;
    private final long count;
    private final Runnable activate;

    ElementRule(Arena arena, Activation activation, MemorySegment x, MemorySegment y, MemorySegment dx, MemorySegment dy) {
        if (!TRAINED.contains(activation)) {
            throw new IllegalArgumentException("activation " + activation + " cannot be trained, only " + TRAINED);
        }
        this.activation = activation;
        this.x = x;
        this.y = y;
        this.dx = dx;
        this.dy = dy;
        this.count = x.byteSize() / Float.BYTES;
        // Rows are what threads share out.
        long rows = count % COLUMNS == 0 ? Math.max(1, count / COLUMNS) : 1;
        this.activate = activation == Activation.NONE ? () -> { } : RowKernels.biasActivation(arena, y, null, null, rows, count / rows,
                1, activation.kernelCode());
    }

    @Override
    public void forward(boolean training) {
        y.copyFrom(x);
        activate.run();
    }

    private static double inner(double v) {
        return Math.sqrt(2 / Math.PI) * (v + 0.044715 * v * v * v);
    }

    /** The share of a normal distribution below v: a series within, a continued fraction outside (Abramowitz and Stegun 26.2). */
    private static double normal(double v) {
        double density = Math.exp(-v * v / 2) / Math.sqrt(2 * Math.PI);
        double far = Math.abs(v);
        if (far < 3) {
            double term = v;
            double sum = v;
            for (int i = 3; i < 60; i += 2) {
                term *= v * v / i;
                sum += term;
            }
            return 0.5 + density * sum;
        }
        double fraction = far;
        for (int i = 30; i > 0; i--) {
            fraction = far + i / fraction;
        }
        return v > 0 ? 1 - density / fraction : density / fraction;
    }

    @Override
    public void backward() {
        if (dx == null) {
            return;
        }
        switch (activation) {
            case RELU -> TrainKernels.reluBackward(x, dy, dx);
            case NONE -> TrainKernels.add(dy, dx);
            default -> {
                for (long i = 0; i < count; i++) {
                    Rule.add(dx, i, (float) (Rule.at(dy, i) * derivative(Rule.at(x, i))));
                }
            }
        }
    }

    private double derivative(double v) {
        double s = 1 / (1 + Math.exp(-v));
        return switch (activation) {
            case TANH -> 1 - Math.tanh(v) * Math.tanh(v);
            case SIGMOID -> s * (1 - s);
            case SILU -> s * (1 + v * (1 - s));
            case GELU_ERF -> normal(v) + v * Math.exp(-v * v / 2) / Math.sqrt(2 * Math.PI);
            case GELU_TANH -> {
                double t = Math.tanh(inner(v));
                yield (1 + t) / 2 + v * (1 - t * t) / 2 * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * v * v);
            }
            default -> throw new IllegalStateException(activation + " has no rule");
        };
    }
}
