package dev.gatun.models.train;

import java.util.Map;

/**
 * What is left out while a network learns (Srivastava et al. 2014): elements of some nodes' results become zero, each with this chance, and
 * the others grow so that the mean stays. Nothing is left out when it predicts.
 *
 * @param shares by the name of a node, 0 to below 1
 * @param seed   of the choice, which is another at each step
 */
public record Dropout(Map<String, Double> shares, long seed) {
    /** Nothing. */
    public static final Dropout NONE = new Dropout(Map.of(), 0);

    /** Checks the shares. */
    public Dropout {
        shares = Map.copyOf(shares);
        shares.forEach((name, share) -> {
            if (!(share >= 0 && share < 1)) {
                throw new IllegalArgumentException("dropout of " + name + " must be 0 to below 1, not " + share);
            }
        });
    }
}
