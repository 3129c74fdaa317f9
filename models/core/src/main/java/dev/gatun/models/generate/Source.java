package dev.gatun.models.generate;

/** What a model generates from, and what it begins with. Not changed while a generation is under way. */
public interface Source {
    /** Positions that the encoder reads, 1 or more. */
    int length();

    /** Token ids that the encoder reads, or null where it reads something else. */
    int[] ids();

    /** Tokens that every target begins with, the start token included; null: the start token alone. */
    int[] prompt();

    /**
     * Tokens.
     *
     * @param ids    exactly what the encoder reads, without padding
     * @param prompt tokens that every target begins with, the start token included; null: the start token alone
     */
    record Tokens(int[] ids, int[] prompt) implements Source {
        /** Copies them: their owner may change them while they are waiting here. */
        public Tokens {
            ids = ids.clone();
            prompt = prompt == null ? null : prompt.clone();
        }

        /** Tokens for a target that begins with the start token. */
        public Tokens(int[] ids) {
            this(ids, null);
        }

        @Override
        public int length() {
            return ids.length;
        }
    }
}
