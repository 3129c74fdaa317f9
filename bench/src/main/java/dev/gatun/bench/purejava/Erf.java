package dev.gatun.bench.purejava;

/** The error function: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26; to 1.5e-7. */
final class Erf {
    static final float P = 0.3275911f;
    static final float A1 = 0.254829592f;
    static final float A2 = -0.284496736f;
    static final float A3 = 1.421413741f;
    static final float A4 = -1.453152027f;
    static final float A5 = 1.061405429f;

    private Erf() {
    }

    static float erf(float x) {
        float z = Math.abs(x);
        float t = 1f / (1f + P * z);
        float y = 1f - ((((A5 * t + A4) * t + A3) * t + A2) * t + A1) * t * (float) Math.exp(-z * z);
        return Math.copySign(y, x);
    }
}
