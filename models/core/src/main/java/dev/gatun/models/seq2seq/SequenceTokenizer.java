package dev.gatun.models.seq2seq;

/** Texts to the ids that a token model reads, and ids to text. Thread-safe. */
public interface SequenceTokenizer extends AutoCloseable {
    /** The ids of a text, exactly what the encoder reads. */
    int[] encode(String text);

    /** The text of generated ids, up to the end token. */
    String decode(int[] ids);

    /** Frees what it holds; closing twice is harmless. */
    @Override
    default void close() {
    }
}
