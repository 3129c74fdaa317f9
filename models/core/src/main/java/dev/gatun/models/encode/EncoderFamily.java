package dev.gatun.models.encode;

import dev.gatun.models.checkpoint.CheckedWeights;
import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.Family;
import dev.gatun.models.checkpoint.LoadOptions;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.checkpoint.WeightSource;
import java.lang.foreign.Arena;
import java.util.function.Function;

/** A family of text encoders: it says what a checkpoint's config means, and where its tensors are. Stateless. */
public interface EncoderFamily extends Family<Encoder> {

    /**
     * Describes a checkpoint's encoder. Every field of its config that changes what is computed is honoured or refused.
     *
     * @param checkpoint its config
     * @param source     its weights
     * @throws WeightException if config and tensors contradict each other, or a field has a value that is not served
     */
    TextEncoder describe(Checkpoint checkpoint, WeightSource source);

    /** The last layer's result for each token; see the other method for heads. */
    @Override
    default Encoder load(Checkpoint checkpoint, LoadOptions options) {
        return load(checkpoint, encoder -> Head.hidden(encoder.spec().hiddenSize()));
    }

    /**
     * Loads it with what follows the last layer.
     *
     * @throws WeightException as the other; or if a weight is NaN or infinite
     */
    default Encoder load(Checkpoint checkpoint, Function<TextEncoder, Head> head) {
        try (Arena files = Arena.ofShared()) {
            TextEncoder encoder = describe(checkpoint, new CheckedWeights(checkpoint.source(files), true));
            return Encoder.load(encoder.spec(), encoder.weights(), head.apply(encoder));
        } catch (IllegalArgumentException e) {
            throw new WeightException(checkpoint.configFile(), e.getMessage(), e);
        }
    }
}
