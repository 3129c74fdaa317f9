package dev.gatun.models.vision;

import dev.gatun.tensor.exec.PlanBuilder;
import dev.gatun.tensor.exec.Value;

/**
 * An architecture with its weights. In two parts, because they want different batches: the trunk, whose activations
 * should stay in cache, and the head, whose weights should be read once for many pictures. Immutable.
 */
public interface VisionNetwork {

    /** As {@code resnet50}, for messages. */
    String name();

    /** C of the input. */
    int channels();

    /** H and W that the model was made for. */
    InputSize inputSize();

    /**
     * Checks another input size.
     *
     * @throws IllegalArgumentException if the network cannot take it; the message names both shapes
     */
    void checkInput(InputSize size);

    /** Columns of the trunk's result. */
    int trunkSize();

    /** Columns of the features: the penultimate layer. */
    int featureCount();

    /** Columns of the logits. */
    int classCount();

    /** Compiles the trunk: F32 [N, C, H, W] to row-major F32 [N, trunkSize]. */
    Value trunk(PlanBuilder plan, Value pictures);

    /** Compiles the head: F32 [N, trunkSize] to features and logits. */
    Head head(PlanBuilder plan, Value rows);

    /** Bytes of native memory that the weights take. */
    long nativeByteSize();

    /**
     * Height and width.
     *
     * @param height H
     * @param width  W
     */
    record InputSize(int height, int width) {
        /** Checks that there is a pixel. */
        public InputSize {
            if (height < 1 || width < 1) {
                throw new IllegalArgumentException("input of " + height + " x " + width + ": both must be 1 or more");
            }
        }

        @Override
        public String toString() {
            return height + " x " + width;
        }
    }

    /**
     * Results of the head.
     *
     * @param features F32 [N, featureCount]
     * @param logits   F32 [N, classCount]
     */
    record Head(Value features, Value logits) {
    }
}
