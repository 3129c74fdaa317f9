package dev.gatun.models.family.recurrent;

import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.tensor.Cell;
import java.util.Map;

/**
 * Sizes of a network that reads sequences and scores or predicts; mirrors {@code config.json}, whose {@code architecture} is {@code
 * rnn-tagger} or {@code rnn-forecaster}.
 *
 * @param tagger        whether it scores the tags of each word; otherwise it predicts numbers from the last state
 * @param cell          {@code rnn_type}: LSTM, GRU, RNN_TANH or RNN_RELU
 * @param words         {@code ntoken} of a tagger, else 0
 * @param inputSize     {@code ninp}: elements of a word's embedding, or numbers of a step
 * @param hidden        {@code nhid}: units of a layer
 * @param layers        {@code nlayers}
 * @param bidirectional whether each layer also reads from the end
 * @param outputs       {@code nout}: tags, or numbers that are predicted
 * @param crf           whether a tagger's best path counts transitions
 */
public record SequenceConfig(boolean tagger, Cell cell, int words, int inputSize, int hidden, int layers, boolean bidirectional,
        int outputs, boolean crf) {
    /** Values of {@code architecture}. */
    public static final String TAGGER = "rnn-tagger";
    public static final String FORECASTER = "rnn-forecaster";

    private static final int MOST = 1 << 20;

    /**
     * Reads the fields.
     *
     * @throws dev.gatun.models.checkpoint.WeightException if one is missing, unknown or out of range
     */
    public static SequenceConfig of(ConfigFields config) {
        boolean tagger = config.choice("architecture", Map.of(TAGGER, true, FORECASTER, false));
        config.ignore("dropout");
        config.ignore("id2label");
        SequenceConfig read = new SequenceConfig(tagger, config.choice("rnn_type", Map.of("LSTM", Cell.LSTM, "GRU", Cell.GRU, "RNN_TANH",
                Cell.TANH, "RNN_RELU", Cell.RELU)), tagger ? config.integer("ntoken", 1, 1 << 24) : 0, config.integer("ninp", 1, MOST),
                config.integer("nhid", 1, MOST), config.integer("nlayers", 1, 1 << 8), config.flag("bidirectional", false),
                config.integer("nout", 1, MOST), tagger && config.flag("crf", false));
        if (!config.unread().isEmpty()) {
            throw config.error(config.unread().getFirst(), "no such field");
        }
        return read;
    }

    /** Columns of the last layer's results. */
    public int width() {
        return hidden * (bidirectional ? 2 : 1);
    }
}
