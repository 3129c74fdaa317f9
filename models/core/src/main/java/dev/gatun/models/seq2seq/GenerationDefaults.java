package dev.gatun.models.seq2seq;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.generate.GenerationConfig;
import dev.gatun.models.generate.GenerationOptions;
import dev.gatun.models.generate.GenerativeModel;

/** How a folder says to generate, within what its model can. */
public final class GenerationDefaults {
    private static final int NEW_TOKENS = 256;

    private GenerationDefaults() {
    }

    /**
     * The options; a target is as long as the folder says, else has 256 tokens at most, and never more than the model's positions.
     *
     * @throws dev.gatun.models.checkpoint.WeightException if a field has a value that is not served
     */
    public static GenerationOptions.Builder read(Checkpoint checkpoint, GenerativeModel.Tokens tokens) {
        GenerationOptions options = GenerationConfig.read(checkpoint.folder()).options();
        int longest = options.maxLength() > 0 ? options.maxLength()
                : Math.min(options.maxNewTokens() > 0 ? options.maxNewTokens() : NEW_TOKENS, tokens.maxPositions() - 1) + 1;
        return options.toBuilder().maxLength(Math.min(longest, tokens.maxPositions()));
    }
}
