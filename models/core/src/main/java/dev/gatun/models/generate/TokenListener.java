package dev.gatun.models.generate;

/**
 * Hears tokens as they are chosen. With beams, a source's tokens come when its best sequence is known.
 */
@FunctionalInterface
public interface TokenListener {
    /** Hears nothing, and goes on. */
    TokenListener NONE = (source, sequence, token) -> true;

    /**
     * A token was chosen. Called on the thread that generates.
     *
     * @param source   index of the source
     * @param sequence which of its sequences, from 0
     * @param token    id, eos included
     * @return false to end this sequence here
     */
    boolean onToken(int source, int sequence, int token);
}
