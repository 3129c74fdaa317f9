package dev.gatun.models.encode;

import dev.gatun.models.checkpoint.CheckedWeights;
import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.checkpoint.Family;
import dev.gatun.models.checkpoint.LoadOptions;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.checkpoint.WeightSource;
import dev.gatun.tensor.Precision;
import java.lang.foreign.Arena;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
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

    /** Loads it in F32 with what follows the last layer. */
    default Encoder load(Checkpoint checkpoint, Function<TextEncoder, Head> head) {
        return load(checkpoint, Precision.F32, head);
    }

    /**
     * Loads it with what follows the last layer.
     *
     * @param precision of its linear layers
     * @throws WeightException as the other; or if a weight is NaN or infinite
     */
    default Encoder load(Checkpoint checkpoint, Precision precision, Function<TextEncoder, Head> head) {
        try (Arena files = Arena.ofShared()) {
            TextEncoder encoder = describe(checkpoint, new CheckedWeights(checkpoint.source(files), true));
            return Encoder.load(encoder.spec(), encoder.weights(), head.apply(encoder), precision);
        } catch (IllegalArgumentException e) {
            throw new WeightException(checkpoint.configFile(), e.getMessage(), e);
        }
    }

    /**
     * Describes the head that a checkpoint brings.
     *
     * @param names where its tensors are
     * @throws WeightException          if a tensor is missing or contradicts the config
     * @throws IllegalArgumentException if the family has no such head
     */
    default HeadLayers head(HeadKind kind, HeadNames names) {
        return switch (kind) {
            case TOKENS -> names.tokenClassifier();
            case SPANS -> names.spans();
            case SEQUENCES, MASKED -> throw new IllegalArgumentException("a head of " + name() + " that " + kind + " is not served");
        };
    }

    /** Loads it with the head that the checkpoint brings. */
    default Encoder load(Checkpoint checkpoint, Precision precision, HeadKind kind) {
        try (Arena files = Arena.ofShared()) {
            WeightSource source = checkpoint.source(files);
            return load(checkpoint, precision, encoder -> head(kind, new HeadNames(checkpoint, source, encoder)).head());
        }
    }

    /** Loads an encoder without its head, and the head apart: for one that is too wide for every token. Who calls closes both. */
    default Map.Entry<Encoder, RowHead> loadApart(Checkpoint checkpoint, Precision precision, HeadKind kind) {
        AtomicReference<RowHead> apart = new AtomicReference<>();
        try (Arena files = Arena.ofShared()) {
            WeightSource source = checkpoint.source(files);
            return Map.entry(load(checkpoint, precision, encoder -> {
                apart.set(RowHead.load(head(kind, new HeadNames(checkpoint, source, encoder)), encoder.spec().hiddenSize(), precision));
                return Head.hidden(encoder.spec().hiddenSize());
            }), apart.get());
        } catch (RuntimeException | Error e) {
            if (apart.get() != null) {
                apart.get().close();
            }
            throw e;
        }
    }
}
