package dev.gatun.models.task.text;

import java.util.List;

/** What all tasks over texts have in common: an encoder with a head and its workers, owned by the task. */
public abstract sealed class TextTask implements AutoCloseable
        permits FillMask, QuestionAnswerer, Reranker, TextClassifier, TokenTagger, ZeroShotClassifier {
    final TextModel model;

    TextTask(TextModel model) {
        this.model = model;
    }

    /**
     * Computes texts like those to come, in every session: what they need is compiled and allocated before the first request.
     *
     * @param texts as long as what the model will read, a pair's two together
     * @throws IllegalStateException if this is closed, or the calling thread is interrupted
     */
    public void warmUp(List<String> texts) {
        model.warmUp(texts);
    }

    /** Bytes of native memory: weights and the workers' activations. */
    public long nativeByteSize() {
        return model.nativeByteSize();
    }

    /** Waits for calls under way, then frees everything. Closing twice is harmless. */
    @Override
    public void close() {
        model.close();
    }
}
