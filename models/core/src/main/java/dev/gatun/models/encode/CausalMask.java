package dev.gatun.models.encode;

import dev.gatun.models.checkpoint.ConfigFields;

/** What encoders' configs say of masks. */
public final class CausalMask {
    private CausalMask() {
    }

    /**
     * {@code is_decoder}: whether a token sees only those before it.
     *
     * @throws dev.gatun.models.checkpoint.WeightException if {@code is_causal} says otherwise
     */
    public static boolean of(ConfigFields config) {
        boolean decoder = config.flag("is_decoder", false);
        if (decoder) {
            config.require("is_causal", true);
        }
        return decoder;
    }
}
