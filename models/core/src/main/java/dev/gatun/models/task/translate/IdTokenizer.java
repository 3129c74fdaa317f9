package dev.gatun.models.task.translate;

import dev.gatun.models.seq2seq.SequenceTokenizer;
import java.util.StringJoiner;

/**
 * For models whose tokenizer is none: a text is ids in decimal, with spaces between them.
 *
 * @param eos where decoding ends
 */
record IdTokenizer(int eos) implements SequenceTokenizer {

    @Override
    public int[] encode(String text) {
        String[] words = text.strip().split("\\s+");
        int[] ids = new int[words.length];
        for (int i = 0; i < ids.length; i++) {
            try {
                ids[i] = Integer.parseInt(words[i]);
            } catch (NumberFormatException e) {
                throw new IllegalArgumentException("'" + words[i] + "' is not a token id; this model has no tokenizer", e);
            }
        }
        return ids;
    }

    @Override
    public String decode(int[] ids) {
        StringJoiner text = new StringJoiner(" ");
        for (int i = 0; i < ids.length && ids[i] != eos; i++) {
            text.add(Integer.toString(ids[i]));
        }
        return text.toString();
    }
}
