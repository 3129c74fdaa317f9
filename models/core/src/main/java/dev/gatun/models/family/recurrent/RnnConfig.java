package dev.gatun.models.family.recurrent;

import dev.gatun.models.checkpoint.ConfigFields;
import dev.gatun.tensor.Cell;
import java.util.Map;

/**
 * Sizes of a recurrent language model; mirrors {@code config.json}, whose {@code architecture} is {@code rnn-language-model} and whose
 * fields
 * are the arguments of PyTorch's word-language-model example.
 *
 * @param cell       {@code rnn_type}: LSTM, GRU, RNN_TANH or RNN_RELU
 * @param vocabSize  {@code ntoken}
 * @param embedding  {@code ninp}: elements of a token's embedding
 * @param hidden     {@code nhid}: units of a layer
 * @param layers     {@code nlayers}
 * @param tied       {@code tie_weights}: the softmax has the embedding's weights, if the file has no others
 * @param characters {@code tokenizer}: characters; else words
 */
public record RnnConfig(Cell cell, int vocabSize, int embedding, int hidden, int layers, boolean tied, boolean characters) {
    /** The value of {@code architecture}. */
    public static final String ARCHITECTURE = "rnn-language-model";

    /**
     * Reads the fields.
     *
     * @throws dev.gatun.models.checkpoint.WeightException if one is missing or contradicts another
     */
    public static RnnConfig of(ConfigFields config) {
        config.require("architecture", ARCHITECTURE);
        config.ignore("dropout");
        RnnConfig read = new RnnConfig(config.choice("rnn_type", Map.of("LSTM", Cell.LSTM, "GRU", Cell.GRU, "RNN_TANH", Cell.TANH,
                "RNN_RELU", Cell.RELU)), config.integer("ntoken", 1, 1 << 24), config.integer("ninp", 1, 1 << 20),
                config.integer("nhid", 1, 1 << 20), config.integer("nlayers", 1, 1 << 8), config.flag("tie_weights", false),
                config.choice("tokenizer", Map.of("characters", true, "words", false)));
        if (read.tied && read.embedding != read.hidden) {
            throw config.error("tie_weights", "false, or ninp " + read.embedding + " equal to nhid " + read.hidden);
        }
        if (!config.unread().isEmpty()) {
            throw config.error(config.unread().getFirst(), "no such field");
        }
        return read;
    }
}
