package dev.gatun.models.task.translate;

/** Texts to the ids that a token model reads, and ids to text. Thread-safe. */
public interface SequenceTokenizer {
    /** The ids of a text, exactly what the encoder reads. */
    int[] encode(String text);

    /** The text of generated ids, up to the end token. */
    String decode(int[] ids);

    /** What one more token adds to the text; empty for special tokens. */
    String piece(int id);
}
