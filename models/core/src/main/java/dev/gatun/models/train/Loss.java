package dev.gatun.models.train;

import dev.gatun.bindings.kernels.LossKernels;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** What training makes small, with PyTorch's meaning of its parameters. */
public sealed interface Loss {

    /** Whether losses of rows are summed, or averaged. */
    enum Reduction { MEAN, SUM }

    /**
     * The loss of some outputs, and its gradient.
     *
     * @param outputs  F32 [n, ...]
     * @param targets  what they should be
     * @param gradient F32 of the outputs' shape, overwritten
     * @return NaN too if a label is changed during the call to what is no class
     * @throws ShapeException           if shapes, types or layouts do not fit each other
     * @throws IllegalArgumentException if a label is out of range
     */
    default double compute(Tensor outputs, Tensor targets, Tensor gradient) {
        try (Arena arena = Arena.ofConfined()) {
            return bind(arena).compute(outputs, targets, gradient);
        }
    }

    /**
     * The same to be called again and again, by one thread, allocating nothing.
     *
     * @param arena owns what it needs off-heap: to be used no longer than that lives
     */
    Bound bind(Arena arena);

    private static void requireFloats(Tensor outputs, Tensor targets, Tensor gradient) {
        boolean fit = outputs.type() == DataType.F32 && gradient.type() == DataType.F32 && gradient.shape().equals(outputs.shape())
                && !gradient.segment().isReadOnly();
        if (!fit || !outputs.desc().isRowMajor() || !targets.desc().isRowMajor() || !gradient.desc().isRowMajor()) {
            throw new ShapeException("Loss", "outputs " + outputs + ", targets " + targets + ", gradient " + gradient
                    + ": expected row-major, outputs and a gradient that can be written F32 of one shape", outputs.shape(),
                    gradient.shape());
        }
    }

    /** A loss with what it needs off-heap, memory of an arena; see {@link Loss#compute}. */
    @FunctionalInterface
    interface Bound {
        /** The loss and its gradient. */
        double compute(Tensor outputs, Tensor targets, Tensor gradient);
    }

    /**
     * Softmax and cross-entropy of logits [n, classes] and labels S32 [n].
     *
     * @param reduction      of the rows; the mean is weighted by the labels' class weights
     * @param labelSmoothing share of the target that all classes have together, 0 to 1
     * @param ignoreIndex    a label that does not count, usually -100
     * @param classWeights   a factor for each class, or null
     */
    record CrossEntropy(Reduction reduction, double labelSmoothing, int ignoreIndex, float[] classWeights) implements Loss {
        /** Checks the ranges. */
        public CrossEntropy {
            if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
                throw new IllegalArgumentException("label_smoothing must be 0 to 1, not " + labelSmoothing);
            }
            classWeights = classWeights == null ? null : classWeights.clone();
        }

        /** The mean, nothing ignored but -100. */
        public CrossEntropy() {
            this(Reduction.MEAN, 0, -100, null);
        }

        @Override
        public Bound bind(Arena arena) {
            MemorySegment weights = classWeights == null ? null : Tensor.ofFloats(arena, classWeights, classWeights.length).segment();
            LossKernels.Counting counting = new LossKernels.Counting(weights, labelSmoothing, ignoreIndex);
            return (outputs, targets, gradient) -> {
                requireFloats(outputs, targets, gradient);
                require(outputs, targets);
                long classes = outputs.shape().dim(1);
                double all = 0;
                for (long i = 0; i < outputs.shape().dim(0); i++) {
                    all += weight(i, targets.getInt(i), classes);
                }
                if (reduction == Reduction.MEAN && all == 0) {
                    return Double.NaN;
                }
                return LossKernels.crossEntropy(outputs.segment(), targets.segment(), counting, gradient.segment(),
                        outputs.shape().dim(0), classes, reduction == Reduction.SUM ? 1 : 1 / all);
            };
        }

        private void require(Tensor outputs, Tensor targets) {
            if (outputs.shape().rank() != 2 || targets.type() != DataType.S32
                    || targets.shape().elementCount() != outputs.shape().dim(0)
                    || classWeights != null && classWeights.length != outputs.shape().dim(1)) {
                throw new ShapeException("CrossEntropy", "logits " + outputs + ", labels " + targets + ": expected [n, classes] and S32 [n]"
                        + (classWeights == null ? "" : ", and " + classWeights.length + " classes"), outputs.shape(), targets.shape());
            }
        }

        private double weight(long i, int label, long classes) {
            if (label == ignoreIndex) {
                return 0;
            }
            if (label < 0 || label >= classes) {
                throw new IllegalArgumentException("label " + i + " is " + label + ", expected 0 to " + (classes - 1) + " or "
                        + ignoreIndex);
            }
            return classWeights == null ? 1 : classWeights[label];
        }
    }

    /**
     * Squared differences.
     *
     * @param reduction of all elements
     */
    record MeanSquared(Reduction reduction) implements Loss {
        @Override
        public Bound bind(Arena arena) {
            return (outputs, targets, gradient) -> {
                requireFloats(outputs, targets, gradient);
                if (targets.type() != DataType.F32 || !targets.shape().equals(outputs.shape())) {
                    throw new ShapeException("MeanSquared", "outputs " + outputs + ", targets " + targets + ": they differ",
                            outputs.shape(), targets.shape());
                }
                return LossKernels.squaredError(outputs.segment(), targets.segment(), gradient.segment(),
                        outputs.shape().elementCount(), reduction == Reduction.MEAN ? 1.0 / outputs.shape().elementCount() : 1);
            };
        }
    }
}
