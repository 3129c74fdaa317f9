package dev.gatun.models.family.whisper;

import java.util.Arrays;

/**
 * How a recording is written down; names and meaning as of transformers' generate for Whisper.
 *
 * @param language             a language's code or English name, or null: as the model's own settings say, else it is detected
 * @param translate            into English; false with a language or {@code transcribe} for the language spoken
 * @param transcribe           asks for the task transcribe even without a language
 * @param timestamps           whether the model writes timestamps; audio longer than a window needs them, and has them anyway
 * @param words                whether the time of each word is wanted
 * @param temperatures         tried one after the other until a text is good enough; 0 takes the likeliest tokens
 * @param compressionThreshold a text that zlib makes so many times smaller is not good enough; infinite for none
 * @param logProbThreshold     nor one whose mean log-probability is below; negative infinite for none
 * @param noSpeechThreshold    if it is below, and this is exceeded by the probability that nobody speaks, the window is left out; infinite
 *                             for none
 * @param conditionOnPrevious  whether the model sees what it wrote of the windows before
 * @param minLevel             decibels below full scale that are not listened to at all, as -60; negative infinite for none
 * @param seed                 of what is drawn
 * @param prompt               {@code prompt_ids} without their mark: tokens before the text of each window, with conditionOnPrevious before
 *                             what was written in the windows before; empty for none
 * @param beams                texts that are written side by side at temperature 0, of which the likeliest counts; 0: as the model's own
 *                             settings say
 */
public record WhisperOptions(String language, boolean translate, boolean transcribe, boolean timestamps, boolean words,
        double[] temperatures, double compressionThreshold, double logProbThreshold, double noSpeechThreshold, boolean conditionOnPrevious,
        double minLevel, long seed, int[] prompt, int beams) {
    /** Beams at most. */
    public static final int MAX_BEAMS = 32;

    /** Checks the numbers. */
    public WhisperOptions {
        temperatures = temperatures.clone();
        prompt = prompt.clone();
        if (temperatures.length == 0 || Arrays.stream(temperatures).anyMatch(t -> !(t >= 0) || Double.isInfinite(t))) {
            throw new IllegalArgumentException("temperatures " + Arrays.toString(temperatures) + ", expected numbers of 0 or more");
        }
        if (translate && transcribe) {
            throw new IllegalArgumentException("translate and transcribe: one task at a time");
        }
        if (beams < 0 || beams > MAX_BEAMS) {
            throw new IllegalArgumentException("beams " + beams + ", expected 0 to " + MAX_BEAMS);
        }
        for (double threshold : new double[] {compressionThreshold, logProbThreshold, noSpeechThreshold, minLevel}) {
            if (Double.isNaN(threshold)) {
                throw new IllegalArgumentException("a threshold is not a number");
            }
        }
        if (noSpeechThreshold < Double.POSITIVE_INFINITY && logProbThreshold == Double.NEGATIVE_INFINITY) {
            throw new IllegalArgumentException("noSpeechThreshold " + noSpeechThreshold + " needs a logProbThreshold");
        }
    }

    /** The likeliest tokens, whatever they are. */
    public static WhisperOptions greedy() {
        return new WhisperOptions(null, false, false, false, false, new double[] {0}, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY,
                Double.POSITIVE_INFINITY, false, Double.NEGATIVE_INFINITY, 0, new int[0], 0);
    }

    /** With timestamps, and the published fallback (Radford et al. 2022) with transformers' thresholds. */
    public static WhisperOptions defaults() {
        return new WhisperOptions(null, false, false, true, false, new double[] {0, 0.2, 0.4, 0.6, 0.8, 1}, 1.35, -1, 0.6, false,
                Double.NEGATIVE_INFINITY, 0, new int[0], 0);
    }

    /** In a language, or null to detect it. */
    public WhisperOptions withLanguage(String other) {
        return new WhisperOptions(other, translate, transcribe, timestamps, words, temperatures, compressionThreshold, logProbThreshold,
                noSpeechThreshold, conditionOnPrevious, minLevel, seed, prompt, beams);
    }

    /** Into English, or in the language spoken. */
    public WhisperOptions withTask(boolean toEnglish) {
        return new WhisperOptions(language, toEnglish, !toEnglish, timestamps, words, temperatures, compressionThreshold, logProbThreshold,
                noSpeechThreshold, conditionOnPrevious, minLevel, seed, prompt, beams);
    }

    /** With timestamps or without, and with the time of each word or without. */
    public WhisperOptions withTimes(boolean stamps, boolean ofWords) {
        return new WhisperOptions(language, translate, transcribe, stamps, ofWords, temperatures, compressionThreshold, logProbThreshold,
                noSpeechThreshold, conditionOnPrevious, minLevel, seed, prompt, beams);
    }

    /** With other temperatures and thresholds. */
    public WhisperOptions withFallback(double[] temperature, double compression, double logProb, double noSpeech) {
        return new WhisperOptions(language, translate, transcribe, timestamps, words, temperature, compression, logProb, noSpeech,
                conditionOnPrevious, minLevel, seed, prompt, beams);
    }

    /** Seeing what was written before, or not. */
    public WhisperOptions withPrevious(boolean condition) {
        return new WhisperOptions(language, translate, transcribe, timestamps, words, temperatures, compressionThreshold, logProbThreshold,
                noSpeechThreshold, condition, minLevel, seed, prompt, beams);
    }

    /** As if so many tokens had been written before: names and spellings to come. */
    public WhisperOptions withPrompt(int... tokens) {
        return new WhisperOptions(language, translate, transcribe, timestamps, words, temperatures, compressionThreshold, logProbThreshold,
                noSpeechThreshold, conditionOnPrevious, minLevel, seed, tokens, beams);
    }

    /** With so many beams at temperature 0; 1 for none, 0 for as many as the model's own settings say. */
    public WhisperOptions withBeams(int number) {
        return new WhisperOptions(language, translate, transcribe, timestamps, words, temperatures, compressionThreshold, logProbThreshold,
                noSpeechThreshold, conditionOnPrevious, minLevel, seed, prompt, number);
    }

    /** Not listening below a level. */
    public WhisperOptions withMinLevel(double decibels) {
        return new WhisperOptions(language, translate, transcribe, timestamps, words, temperatures, compressionThreshold, logProbThreshold,
                noSpeechThreshold, conditionOnPrevious, decibels, seed, prompt, beams);
    }

    /** With another seed. */
    public WhisperOptions withSeed(long other) {
        return new WhisperOptions(language, translate, transcribe, timestamps, words, temperatures, compressionThreshold, logProbThreshold,
                noSpeechThreshold, conditionOnPrevious, minLevel, other, prompt, beams);
    }
}
