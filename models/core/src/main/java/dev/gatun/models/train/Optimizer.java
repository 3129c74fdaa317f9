package dev.gatun.models.train;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
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
     */
    void update(long step, double rate, MemorySegment p, MemorySegment gradient, MemorySegment[] state);

    private static float at(MemorySegment x, long i) {
        return x.getAtIndex(ValueLayout.JAVA_FLOAT, i);
    }

    private static void set(MemorySegment x, long i, float value) {
        x.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
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
            long count = p.byteSize() / Float.BYTES;
            float m = (float) momentum;
            float fresh = step == 1 ? 1 : (float) (1 - dampening);
            float decay = (float) weightDecay;
            float down = (float) -rate;
            for (long i = 0; i < count; i++) {
                float g = at(gradient, i) + decay * at(p, i);
                if (momentum != 0) {
                    float buffer = m * at(state[0], i) + fresh * g;
                    set(state[0], i, buffer);
                    g = nesterov ? g + m * buffer : buffer;
                }
                set(p, i, at(p, i) + down * g);
            }
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
            long count = p.byteSize() / Float.BYTES;
            float shrink = (float) (1 - rate * weightDecay);
            float size = (float) (rate / (1 - Math.pow(beta1, step)));
            float root = (float) Math.sqrt(1 - Math.pow(beta2, step));
            float first = (float) (1 - beta1);
            float kept = (float) beta2;
            float second = (float) (1 - beta2);
            for (long i = 0; i < count; i++) {
                float g = at(gradient, i);
                float m = at(state[0], i) + first * (g - at(state[0], i));
                float v = kept * at(state[1], i) + second * g * g;
                set(state[0], i, m);
                set(state[1], i, v);
                set(p, i, at(p, i) * shrink - size * m / ((float) Math.sqrt(v) / root + (float) eps));
            }
        }
    }
}
