package dev.gatun.models.seq2seq;

import dev.gatun.models.generate.GenerativeModel;
import dev.gatun.models.layer.EncoderSpec;
import dev.gatun.models.layer.EncoderWeights;
import dev.gatun.models.layer.TokenDecoder;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Precision;
import java.util.stream.Stream;

/**
 * An encoder and a decoder over token ids, described.
 *
 * @param encoder sizes of the encoder
 * @param weights of the encoder; of its positions the table is used from the row of the first on
 * @param decoder what follows, with its scores of the vocabulary
 * @param tokens  numbers of the vocabulary
 */
public record Seq2Seq(EncoderSpec encoder, EncoderWeights weights, TokenDecoder decoder, GenerativeModel.Tokens tokens) {

    /** The same with keys and values kept in F16 where the precision is a narrow one, or auto and the file has all of them so. */
    public Seq2Seq withCacheFor(Precision precision) {
        boolean narrow = switch (precision) {
            case F32 -> false;
            case F16, BF16, INT8 -> true;
            case AUTO -> decoder.layers().layers().stream().flatMap(layer -> Stream.of(layer.self(), layer.cross()))
                    .flatMap(attention -> Stream.of(attention.key(), attention.value()))
                    .map(part -> part.weight().tensor().type()).allMatch(type -> type == DataType.F16 || type == DataType.BF16);
        };
        return narrow ? new Seq2Seq(encoder, weights, new TokenDecoder(decoder.spec().withCache(DataType.F16), decoder.embedding(),
                decoder.layers(), decoder.head()), tokens) : this;
    }
}
