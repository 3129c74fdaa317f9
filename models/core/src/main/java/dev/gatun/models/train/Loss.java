package dev.gatun.models.train;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;

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
     * @throws IllegalArgumentException if a label is out of range
     */
    double compute(Tensor outputs, Tensor targets, Tensor gradient);

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
        public double compute(Tensor outputs, Tensor targets, Tensor gradient) {
            long rows = outputs.shape().dim(0);
            int classes = Math.toIntExact(outputs.shape().dim(-1));
            if (outputs.shape().rank() != 2 || targets.type() != DataType.S32 || targets.shape().elementCount() != rows
                    || classWeights != null && classWeights.length != classes) {
                throw new ShapeException("CrossEntropy", "logits " + outputs + ", labels " + targets + ": expected [n, classes] and S32 [n]"
                        + (classWeights == null ? "" : ", and " + classWeights.length + " classes"), outputs.shape(), targets.shape());
            }
            double total = 0;
            double weights = 0;
            for (long i = 0; i < rows; i++) {
                int label = targets.getInt(i);
                if (label != ignoreIndex && (label < 0 || label >= classes)) {
                    throw new IllegalArgumentException("label " + i + " is " + label + ", expected 0 to " + (classes - 1) + " or "
                            + ignoreIndex);
                }
                if (label == ignoreIndex) {
                    for (int k = 0; k < classes; k++) {
                        gradient.setFloat(i * classes + k, 0);
                    }
                } else {
                    weights += weight(label);
                    total += row(outputs, gradient, i, classes, label);
                }
            }
            if (reduction == Reduction.SUM) {
                return total;
            }
            for (long i = 0; i < rows * classes; i++) {
                gradient.setFloat(i, (float) (gradient.getFloat(i) / weights));
            }
            return total / weights;
        }

        private double weight(int k) {
            return classWeights == null ? 1 : classWeights[k];
        }

        /** Sum of a[k] * -log p[k], whose gradient is p[j] * sum(a) - a[j]. */
        private double row(Tensor outputs, Tensor gradient, long i, int classes, int label) {
            double largest = Double.NEGATIVE_INFINITY;
            for (int k = 0; k < classes; k++) {
                largest = Math.max(largest, outputs.getFloat(i * classes + k));
            }
            double exps = 0;
            double share = 0;
            for (int k = 0; k < classes; k++) {
                exps += Math.exp(outputs.getFloat(i * classes + k) - largest);
                share += target(k, label, classes);
            }
            double logSum = largest + Math.log(exps);
            double loss = 0;
            for (int k = 0; k < classes; k++) {
                double logP = outputs.getFloat(i * classes + k) - logSum;
                double a = target(k, label, classes);
                loss -= a == 0 ? 0 : a * logP;
                gradient.setFloat(i * classes + k, (float) (Math.exp(logP) * share - a));
            }
            return loss;
        }

        private double target(int k, int label, int classes) {
            return (labelSmoothing / classes + (k == label ? 1 - labelSmoothing : 0)) * weight(k);
        }
    }

    /**
     * Squared differences.
     *
     * @param reduction of all elements
     */
    record MeanSquared(Reduction reduction) implements Loss {
        @Override
        public double compute(Tensor outputs, Tensor targets, Tensor gradient) {
            if (targets.type() != DataType.F32 || !targets.shape().equals(outputs.shape())) {
                throw new ShapeException("MeanSquared", "outputs " + outputs + ", targets " + targets + ": they differ", outputs.shape(),
                        targets.shape());
            }
            long count = outputs.shape().elementCount();
            double scale = reduction == Reduction.MEAN ? 1.0 / count : 1;
            double total = 0;
            for (long i = 0; i < count; i++) {
                double difference = (double) outputs.getFloat(i) - targets.getFloat(i);
                total += difference * difference;
                gradient.setFloat(i, (float) (2 * difference * scale));
            }
            return total * scale;
        }
    }
}
