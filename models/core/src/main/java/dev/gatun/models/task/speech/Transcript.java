package dev.gatun.models.task.speech;

import java.util.List;

/**
 * What was said.
 *
 * @param language code that was asked for or detected; null if the model does not tell
 * @param text     all of it
 * @param segments in order
 */
public record Transcript(String language, String text, List<Segment> segments) {
    /** Copies the list. */
    public Transcript {
        segments = List.copyOf(segments);
    }

    /**
     * A part of the recording.
     *
     * @param start              seconds
     * @param end                seconds
     * @param words              with their times, where they were asked for; else empty
     * @param meanLogProbability of the window's tokens
     * @param noSpeech           probability that nobody speaks in the window
     * @param temperature        that the window was written with: above 0, the first text was not good enough
     */
    public record Segment(double start, double end, String text, List<Word> words, double meanLogProbability, double noSpeech,
            double temperature) {
        /** Copies the list. */
        public Segment {
            words = List.copyOf(words);
        }
    }

    /**
     * A word, with the space before it.
     *
     * @param start seconds
     * @param end   seconds
     */
    public record Word(double start, double end, String text) {
    }
}
