package dev.gatun.models.generate;

/**
 * Who guesses the next tokens, which the model then reads all at once: those that it would have chosen itself are taken, up to the first
 * that it would not. What is generated is the same as without, drawn tokens too.
 */
public sealed interface Guess {

    /**
     * A smaller model of the same vocabulary and sources: Hugging Face's {@code assistant_model}. It stays open as long as sessions that
     * use it. It chooses its best tokens by the rules about scores of the large one.
     *
     * @param model      that guesses
     * @param tokens     {@code num_assistant_tokens}: most guesses at a time
     * @param confidence {@code assistant_confidence_threshold}: a guess of less probability is the last of its time; 0: none is
     */
    record Model(GenerativeModel model, int tokens, double confidence) implements Guess {
        /** As transformers guesses. */
        public Model(GenerativeModel model) {
            this(model, 20, 0.4);
        }

        /** Checks ranges. */
        public Model {
            requireTokens("num_assistant_tokens", tokens);
            if (!(confidence >= 0 && confidence < 1)) {
                throw new IllegalArgumentException("assistant_confidence_threshold must be 0 or more and below 1, not " + confidence);
            }
        }
    }

    /**
     * What followed the last tokens where they stood before: in the source, or in the target itself.
     *
     * @param tokens {@code prompt_lookup_num_tokens}: most guesses at a time
     * @param ngram  {@code max_matching_ngram_size}: how many last tokens are looked for at first, then one less
     */
    record Lookup(int tokens, int ngram) implements Guess {
        /** Checks ranges. */
        public Lookup {
            requireTokens("prompt_lookup_num_tokens", tokens);
            requireTokens("max_matching_ngram_size", ngram);
        }
    }

    private static void requireTokens(String name, int tokens) {
        if (tokens < 1 || tokens > 1000) {
            throw new IllegalArgumentException(name + " must be 1 to 1000, not " + tokens);
        }
    }
}
