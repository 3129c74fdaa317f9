package dev.gatun.models.train;

import dev.gatun.bindings.kernels.TrainKernels;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** How gradients change parameters: PyTorch's rules, names and defaults. */
public sealed interface Optimizer {
    /** Learning rate before a schedule's factor. */
    double lr();

    /** Names of what is kept for each parameter, in its shape; zero at first. */
    List<String> states();

    /**
     * Changes a parameter.
     *
     * @param step     1 for the first
     * @param rate     learning rate of this step
     * @param p        F32, changed
     * @param gradient F32
     * @param state    as {@link #states} names them, changed
     * @throws IllegalArgumentException if they are not of one size, not off-heap, or what is to be changed is read-only
     */
    void update(long step, double rate, MemorySegment p, MemorySegment gradient, MemorySegment[] state);

    private static void requireFit(int states, MemorySegment p, MemorySegment gradient, MemorySegment[] state) {
        if (state.length != states || p.byteSize() % Float.BYTES != 0) {
            throw new IllegalArgumentException(state.length + " states of a parameter of " + p.byteSize() + " bytes: expected " + states
                    + ", and F32");
        }
        requireFit(p, p, false);
        requireFit(p, gradient, true);
        for (MemorySegment each : state) {
            requireFit(p, each, false);
        }
    }

    private static void requireFit(MemorySegment p, MemorySegment found, boolean readOnly) {
        if (!found.isNative() || found.byteSize() != p.byteSize() || found.isReadOnly() && !readOnly) {
            throw new IllegalArgumentException("a parameter of " + p.byteSize() + " bytes, and beside it " + found.byteSize()
                    + (found.isNative() ? "" : " on the heap") + (found.isReadOnly() ? ", read-only" : ""));
        }
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
    }

    /** {@code torch.optim.SGD}. */
    record Sgd(double lr, double momentum, double dampening, double weightDecay, boolean nesterov) implements Optimizer {
        /** Checks the ranges. */
        public Sgd {
            require(lr >= 0 && momentum >= 0 && weightDecay >= 0, "lr " + lr + ", momentum " + momentum + ", weight_decay " + weightDecay
                    + " must be 0 or more");
            require(!nesterov || momentum > 0 && dampening == 0, "nesterov needs momentum and no dampening");
        }

        /** With momentum alone. */
        public Sgd(double lr, double momentum) {
            this(lr, momentum, 0, 0, false);
        }

        @Override
        public List<String> states() {
            return momentum == 0 ? List.of() : List.of("momentum_buffer");
        }

        @Override
        public void update(long step, double rate, MemorySegment p, MemorySegment gradient, MemorySegment[] state) {
            Optimizer.requireFit(momentum == 0 ? 0 : 1, p, gradient, state);
            TrainKernels.sgd(p, gradient, momentum == 0 ? null : state[0], (float) weightDecay, (float) momentum,
                    step == 1 ? 1 : (float) (1 - dampening), (float) rate, nesterov);
        }
    }

    /** {@code torch.optim.AdamW} (Loshchilov and Hutter 2019). */
    record AdamW(double lr, double beta1, double beta2, double eps, double weightDecay) implements Optimizer {
        /** Checks the ranges. */
        public AdamW {
            require(lr >= 0 && eps >= 0 && weightDecay >= 0 && beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1, "lr " + lr + ", betas "
                    + beta1
                    + " " + beta2 + ", eps " + eps + ", weight_decay " + weightDecay + ": must be 0 or more, betas below 1");
        }

        /** PyTorch's defaults. */
        public AdamW(double lr) {
            this(lr, 0.9, 0.999, 1e-8, 0.01);
        }

        @Override
        public List<String> states() {
            return List.of("exp_avg", "exp_avg_sq");
        }

        @Override
        public void update(long step, double rate, MemorySegment p, MemorySegment gradient, MemorySegment[] state) {
            Optimizer.requireFit(2, p, gradient, state);
            TrainKernels.adamw(p, gradient, state[0], state[1], (float) (1 - rate * weightDecay),
                    (float) (rate / (1 - Math.pow(beta1, step))), (float) Math.sqrt(1 - Math.pow(beta2, step)), (float) eps,
                    (float) (1 - beta1), (float) beta2, (float) (1 - beta2));
        }
    }
}
