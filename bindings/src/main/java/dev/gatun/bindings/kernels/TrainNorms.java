package dev.gatun.bindings.kernels;

import dev.gatun.bindings.kernels.gen.GatunC;
import dev.gatun.bindings.kernels.gen.gatun_batch_norm_args;
import dev.gatun.bindings.kernels.gen.gatun_norm_backward_args;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Norms that are trained, over dense F32. Formulas are in {@code native/include/gatun.h}; running allocates nothing. */
public final class TrainNorms {
    private TrainNorms() {
    }

    /** What is normalized or where it goes, and gradients, which are added to; dx is null if nobody wants it. */
    public record Values(MemorySegment x, MemorySegment y, MemorySegment dx, MemorySegment dy) {
    }

    /** The way back of {@link RowKernels#layerNorm}; dbeta may be null, scratch has two floats for each row. */
    public static Runnable rowsBackward(Arena arena, Values values, MemorySegment gamma, MemorySegment dgamma, MemorySegment dbeta,
            MemorySegment scratch, long rows, long columns, float epsilon, boolean rms) {
        Kernels.load();
        MemorySegment args = gatun_norm_backward_args.allocate(arena);
        gatun_norm_backward_args.x(args, values.x);
        gatun_norm_backward_args.dy(args, values.dy);
        gatun_norm_backward_args.gamma(args, gamma);
        gatun_norm_backward_args.dx(args, Kernels.orNull(values.dx));
        gatun_norm_backward_args.dgamma(args, dgamma);
        gatun_norm_backward_args.dbeta(args, Kernels.orNull(dbeta));
        gatun_norm_backward_args.scratch(args, scratch);
        gatun_norm_backward_args.rows(args, rows);
        gatun_norm_backward_args.cols(args, columns);
        gatun_norm_backward_args.eps(args, epsilon);
        gatun_norm_backward_args.rms(args, rms ? 1 : 0);
        return () -> GatunC.gatun_norm_backward(args);
    }

    /** Parameters of a batch norm and their gradients; mean and variance are the running ones. */
    public record Channels(MemorySegment scale, MemorySegment shift, MemorySegment mean, MemorySegment variance, MemorySegment dscale,
            MemorySegment dshift) {
    }

    /** A batch norm. */
    public static final class Batch {
        private final MemorySegment args;

        /** @param kept two floats for each channel; @param momentum the share of the batch in the running mean and variance */
        public Batch(Arena arena, Values values, Channels channels, MemorySegment kept, long batch, long plane, double epsilon,
                double momentum) {
            Kernels.load();
            args = gatun_batch_norm_args.allocate(arena);
            gatun_batch_norm_args.x(args, values.x);
            gatun_batch_norm_args.y(args, values.y);
            gatun_batch_norm_args.dx(args, Kernels.orNull(values.dx));
            gatun_batch_norm_args.dy(args, values.dy);
            gatun_batch_norm_args.scale(args, channels.scale);
            gatun_batch_norm_args.shift(args, channels.shift);
            gatun_batch_norm_args.mean(args, channels.mean);
            gatun_batch_norm_args.variance(args, channels.variance);
            gatun_batch_norm_args.dscale(args, channels.dscale);
            gatun_batch_norm_args.dshift(args, channels.dshift);
            gatun_batch_norm_args.kept(args, kept);
            gatun_batch_norm_args.batch(args, batch);
            gatun_batch_norm_args.channels(args, channels.scale.byteSize() / Float.BYTES);
            gatun_batch_norm_args.plane(args, plane);
            gatun_batch_norm_args.eps(args, epsilon);
            gatun_batch_norm_args.momentum(args, momentum);
        }

        /** By the batch's mean and variance, or by the running ones. */
        public void forward(boolean training) {
            gatun_batch_norm_args.training(args, training ? 1 : 0);
            GatunC.gatun_batch_norm(args);
        }

        /** After forward in training. */
        public void backward() {
            GatunC.gatun_batch_norm_backward(args);
        }
    }
}
