package dev.gatun.models.generate.logits;

import java.util.List;

/** Sequences of tokens that a next token may complete. */
final class TokenSequences {
    private TokenSequences() {
    }

    /** Whether all but its last token stand at the end. */
    static boolean completes(List<Integer> sequence, TokenContext context) {
        int prefix = sequence.size() - 1;
        int from = context.length() - prefix;
        if (from < 0) {
            return false;
        }
        int matching = 0;
        while (matching < prefix && sequence.get(matching) == context.token(from + matching)) {
            matching++;
        }
        return matching == prefix;
    }
}
