package dev.gatun.models.generate.logits;

import java.util.List;

/** {@code bad_words_ids}: sequences of tokens that do not come to their end. An end token alone is allowed, as in Hugging Face. */
public record BadWords(List<List<Integer>> words) implements LogitsProcessor {
    /** Checks them. */
    public BadWords {
        words = words.stream().map(List::copyOf).distinct().toList();
        if (words.isEmpty() || words.stream().anyMatch(List::isEmpty)) {
            throw new IllegalArgumentException("bad_words_ids is empty or has an empty sequence");
        }
    }

    @Override
    public void process(TokenScores scores, TokenContext context) {
        for (int i = 0; i < words.size(); i++) {
            List<Integer> word = words.get(i);
            if (TokenSequences.completes(word, context) && !(word.size() == 1 && isEnd(word.getFirst(), context))) {
                scores.forbid(word.getLast());
            }
        }
    }

    private static boolean isEnd(int id, TokenContext context) {
        for (int i = 0; i < context.endTokens(); i++) {
            if (context.endToken(i) == id) {
                return true;
            }
        }
        return false;
    }

    @Override
    public void check(Bounds bounds) {
        words.forEach(word -> word.forEach(id -> bounds.id("bad_words_ids has id", id)));
    }
}
