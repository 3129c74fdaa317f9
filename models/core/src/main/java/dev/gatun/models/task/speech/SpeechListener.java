package dev.gatun.models.task.speech;

/** Hears of a transcription under way, on the thread that computes. Each method may stay as it is. */
public interface SpeechListener {
    /** Hears nothing. */
    SpeechListener NONE = new SpeechListener() {
    };

    /**
     * The text of a window so far, which may still change.
     *
     * @param start seconds at which the window begins
     * @return whether to go on; else the transcript ends here
     */
    default boolean onPartial(double start, String text) {
        return true;
    }

    /** A segment is final. */
    default void onSegment(Transcript.Segment segment) {
    }

    /**
     * So many seconds of the recording are done.
     *
     * @return whether to go on
     */
    default boolean onProgress(double seconds) {
        return true;
    }
}
