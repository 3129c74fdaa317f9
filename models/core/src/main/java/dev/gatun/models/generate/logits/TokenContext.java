package dev.gatun.models.generate.logits;

/** A sequence under way. It is the generation's and changes with it: use it during the call only. */
public interface TokenContext {
    /** Tokens so far: the prompt, or the start token, and what was chosen. */
    int length();

    /** Token i of them. */
    int token(int i);

    /** Tokens that were given: the prompt's; 1 where there is only the start token. */
    int promptLength();

    /** Length at which the first token is chosen freely: promptLength, or one more where forced_bos_token_id follows the start token. */
    int begin();

    /** Tokens at which the sequence ends at the latest, those that were given included. */
    int maxLength();

    /** Index of the source. */
    int source();

    /** Tokens of the source, of a model without encoder those of the prompt; 0 where sources are not tokens. */
    int sourceLength();

    /** Token i of the source. */
    int sourceToken(int i);

    /** How many tokens end a sequence. */
    int endTokens();

    /** One of the tokens that end a sequence. */
    int endToken(int i);
}
