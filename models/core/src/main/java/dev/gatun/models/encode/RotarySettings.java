package dev.gatun.models.encode;

import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.tensor.graph.Rotary;
import dev.gatun.tensor.graph.Weight;
import java.lang.foreign.Arena;
import java.util.Map;

/**
 * How positions rotate queries and keys: {@code rope_parameters}, or the older {@code rope_theta} and {@code rope_scaling}, of a config.
 * Scalings: none, {@code linear} (positions divided by a factor), {@code llama3} and {@code yarn} (Peng et al. 2023), as transformers
 * computes them; others are refused.
 *
 * @param frequencies of each pair of elements
 * @param factor      of cosines and sines
 */
public record RotarySettings(float[] frequencies, float factor) {
    private enum Scaling { NONE, LINEAR, LLAMA3, YARN }

    private static final Map<String, Scaling> SCALINGS = Map.of("default", Scaling.NONE, "linear", Scaling.LINEAR, "llama3", Scaling.LLAMA3,
            "yarn", Scaling.YARN);

    /**
     * Reads the fields.
     *
     * @param theta     the base where the config has none
     * @param headDim   elements of a head, all of which are rotated
     * @param positions what {@code max_position_embeddings} is
     */
    public static RotarySettings of(ConfigFields config, double theta, int headDim, int positions) {
        if (config.has("rope_parameters")) {
            return ofObject(config.object("rope_parameters"), theta, headDim, positions);
        }
        config.ignore("rope_parameters");
        return scaled(config.object("rope_scaling"), config.number("rope_theta", theta), headDim, positions);
    }

    /**
     * The same of an object that has the base and its scaling, as {@code rope_parameters}.
     *
     * @param theta the base where it has none
     */
    public static RotarySettings ofObject(ConfigFields fields, double theta, int headDim, int positions) {
        return scaled(fields, fields.number("rope_theta", theta), headDim, positions);
    }

    private static RotarySettings scaled(ConfigFields fields, double theta, int headDim, int positions) {
        fields.require("partial_rotary_factor", 1.0);
        Scaling scaling = fields.choice(fields.has("rope_type") ? "rope_type" : "type", Scaling.NONE, SCALINGS);
        float[] plain = Rotary.frequencies(theta, headDim);
        return switch (scaling) {
            case NONE -> new RotarySettings(plain, 1f);
            case LINEAR -> linear(plain, (float) fields.number("factor"));
            case LLAMA3 -> llama3(plain, fields, positions);
            case YARN -> yarn(theta, headDim, fields, positions);
        };
    }

    /** The table for so many positions; see {@link Rotary#table}. */
    public Weight table(Arena arena, int positions) {
        return Rotary.table(arena, frequencies, positions, factor);
    }

    private static RotarySettings linear(float[] frequencies, float factor) {
        float[] scaled = new float[frequencies.length];
        for (int i = 0; i < scaled.length; i++) {
            scaled[i] = frequencies[i] / factor;
        }
        return new RotarySettings(scaled, 1f);
    }

    private static RotarySettings llama3(float[] frequencies, ConfigFields fields, int positions) {
        float factor = (float) fields.number("factor");
        float low = (float) fields.number("low_freq_factor");
        float high = (float) fields.number("high_freq_factor");
        float trained = fields.integer("original_max_position_embeddings", 1, Integer.MAX_VALUE, positions);
        float[] scaled = new float[frequencies.length];
        for (int i = 0; i < scaled.length; i++) {
            float length = (float) (2 * Math.PI) / frequencies[i];
            float smooth = (trained / length - low) / (high - low);
            scaled[i] = length < trained / high ? frequencies[i] : length > trained / low ? frequencies[i] / factor
                    : (1 - smooth) * frequencies[i] / factor + smooth * frequencies[i];
        }
        return new RotarySettings(scaled, 1f);
    }

    private static RotarySettings yarn(double theta, int headDim, ConfigFields fields, int positions) {
        fields.require("mscale");
        fields.require("mscale_all_dim");
        int trained = fields.integer("original_max_position_embeddings", 1, Integer.MAX_VALUE, positions);
        double factor = fields.number("factor", (double) positions / trained);
        double attention = fields.number("attention_factor", factor <= 1 ? 1.0 : 0.1 * Math.log(factor) + 1);
        double low = correction(fields.number("beta_fast", 32), headDim, theta, trained);
        double high = correction(fields.number("beta_slow", 1), headDim, theta, trained);
        if (fields.flag("truncate", true)) {
            low = Math.floor(low);
            high = Math.ceil(high);
        }
        low = Math.max(low, 0);
        high = Math.min(high, headDim - 1);
        high = low == high ? high + 0.001 : high;
        float[] frequencies = Rotary.frequencies(theta, headDim);
        for (int i = 0; i < frequencies.length; i++) {
            float ramp = (float) Math.clamp((i - low) / (high - low), 0, 1);
            frequencies[i] = frequencies[i] / (float) factor * ramp + frequencies[i] * (1 - ramp);
        }
        return new RotarySettings(frequencies, (float) attention);
    }

    /** The pair that turns so often within the positions of training. */
    private static double correction(double turns, int dim, double theta, int trained) {
        return dim * Math.log(trained / (turns * 2 * Math.PI)) / (2 * Math.log(theta));
    }
}
