package dev.gatun.models.seq2seq;

import dev.gatun.models.checkpoint.CheckedWeights;
import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.Family;
import dev.gatun.models.checkpoint.LoadOptions;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.tensor.Precision;
import java.lang.foreign.Arena;

/** A family of encoder-decoder models: it says what a checkpoint's config means, and where its tensors are. Stateless. */
public interface Seq2SeqFamily extends Family<EncoderDecoder> {

    /**
     * Describes a checkpoint. Every field of its config that changes what is computed is honoured or refused.
     *
     * @param checkpoint its config
     * @param source     its weights; owns what is computed of them
     * @throws WeightException if config and tensors contradict each other, or a field has a value that is not served
     */
    Seq2Seq describe(Checkpoint checkpoint, WeightSource source);

    /** Loads it in F32. */
    @Override
    default EncoderDecoder load(Checkpoint checkpoint, LoadOptions options) {
        return load(checkpoint, Precision.F32);
    }

    /**
     * Loads it.
     *
     * @param precision of its linear layers
     * @throws WeightException as the other; or if a weight is NaN or infinite
     */
    default EncoderDecoder load(Checkpoint checkpoint, Precision precision) {
        try (Arena files = Arena.ofShared()) {
            return new EncoderDecoder(describe(checkpoint, new CheckedWeights(checkpoint.source(files), true)), precision);
        } catch (IllegalArgumentException e) {
            throw new WeightException(checkpoint.configFile(), e.getMessage(), e);
        }
    }
}
