package dev.gatun.models.vision;

import dev.gatun.tensor.exec.PlanBuilder;

/** The weights of all layers of a network, in one arithmetic. Immutable; owned by the model. */
public interface LayerWeights {
    /** Adds layers to a plan. */
    LayerBuilder on(PlanBuilder plan);

    /** Bytes of native memory. */
    long nativeByteSize();
}
