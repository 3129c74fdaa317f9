package dev.gatun.models.encode;

import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.models.layer.EncoderWeights;

/**
 * An encoder as a family describes it: what it is made of, and its parameters, which are the checkpoint's memory.
 *
 * @param spec    sizes and kinds
 * @param weights by their role; null of an import
 * @param tower   how texts become vectors where the family says it, or null
 */
public record TextEncoder(EncoderSpec spec, EncoderWeights weights, Tower tower) {
    /** An encoder whose folder says how texts become vectors. */
    public TextEncoder(EncoderSpec spec, EncoderWeights weights) {
        this(spec, weights, null);
    }
}
