package dev.gatun.models.checkpoint;

import java.util.List;

/**
 * A kind of models: what it serves, and who loads it. Stateless and thread-safe.
 *
 * @param <M> what is loaded; closed by whoever loaded it
 */
public interface Family<M> {

    /** A short name, as {@code bert}. */
    String name();

    /** Words of config.json ({@code model_type}, {@code architectures}, {@code architecture}) that it serves, to say what is nearest. */
    List<String> words();

    /**
     * Whether this serves a checkpoint, by its config and the names of its tensors: unless a family says more, if its name is the
     * {@code model_type}. Reads no weights.
     *
     * @throws WeightException if a file that has to be looked into is damaged
     */
    default boolean claims(Checkpoint checkpoint) {
        return checkpoint.modelType().equals(name());
    }

    /**
     * Loads it; the files are not needed afterwards.
     *
     * @throws WeightException if a file is missing, damaged or contradicts another
     */
    M load(Checkpoint checkpoint, LoadOptions options);
}
