package dev.gatun.models.seq2seq;

import dev.gatun.models.generate.GenerativeModel;
import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.models.layer.EncoderWeights;
import dev.gatun.models.layer.TokenDecoder;

/**
 * An encoder and a decoder over token ids, described.
 *
 * @param encoder sizes of the encoder
 * @param weights of the encoder; of its positions the table is used from the row of the first on
 * @param decoder what follows, with its scores of the vocabulary
 * @param tokens  numbers of the vocabulary
 */
public record Seq2Seq(EncoderSpec encoder, EncoderWeights weights, TokenDecoder decoder, GenerativeModel.Tokens tokens) {
}
