package dev.gatun.models.seq2seq;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.tokenize.Languages;
import dev.gatun.models.tokenize.Seq2SeqTokenizer;
import dev.gatun.tensor.Precision;

/**
 * A folder of Hugging Face's with its tokenizer, ready for a task.
 *
 * @param checkpoint its files
 * @param texts      the model at work
 * @param tokenizer  which belongs to it
 */
public record HubModel(Checkpoint checkpoint, TextToText texts, Seq2SeqTokenizer tokenizer) {

    private record Codec(Seq2SeqTokenizer tokenizer) implements SequenceTokenizer {
        @Override
        public int[] encode(String text) {
            return tokenizer.encode(text, null, null);
        }

        @Override
        public String decode(int[] ids) {
            return tokenizer.decode(ids);
        }

        @Override
        public void close() {
            tokenizer.close();
        }
    }

    /**
     * Loads it.
     *
     * @param family that serves the checkpoint
     * @param owner  what messages call it
     * @param precision of its linear layers
     * @throws dev.gatun.models.checkpoint.WeightException if a file is missing or damaged, or contradicts another
     */
    public static HubModel load(Checkpoint checkpoint, Seq2SeqFamily family, String owner, int threads, Precision precision) {
        EncoderDecoder model = family.load(checkpoint, precision);
        Seq2SeqTokenizer tokenizer = null;
        try {
            tokenizer = Seq2SeqTokenizer.load(checkpoint.folder(), model.tokens().maxPositions());
            tokenizer.requireVocabulary(model.sourceVocabSize(), model.tokens().vocabSize());
            return new HubModel(checkpoint, new TextToText(owner, model, new Codec(tokenizer), threads), tokenizer);
        } catch (RuntimeException | Error e) {
            model.close();
            if (tokenizer != null) {
                tokenizer.close();
            }
            throw e;
        }
    }

    /** Codes of languages. */
    public Languages languages() {
        return tokenizer.languages();
    }

    /**
     * Where sources are cut.
     *
     * @param wanted 0 for what the model reads at most
     * @throws IllegalArgumentException if that is more than the model's positions
     */
    public int maxTokens(int wanted) {
        int positions = texts.model().tokens().maxPositions();
        if (wanted > positions) {
            throw new IllegalArgumentException("max tokens " + wanted + ": the model's positions end at " + positions);
        }
        return wanted == 0 ? tokenizer.maxTokens() : wanted;
    }

    /** Words that a task's texts begin with, as T5's config says: of {@code summarization}, {@code translation_en_to_de}; or empty. */
    public String prefix(String task) {
        JsonNode prefix = checkpoint.config().path("task_specific_params").path(task).path("prefix");
        return prefix.asText("");
    }
}
