package dev.gatun.models.tokenize;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.gatun.models.checkpoint.JsonFiles;
import dev.gatun.models.checkpoint.WeightException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What a sentencepiece {@code .model} says, a protobuf ModelProto: only the fields that conversion needs.
 *
 * @param pieces  by id
 * @param charsmap precompiled normalization, or empty
 * @param unkId   id of the unknown piece
 * @param bpe     whether pieces are merged in the order of their scores, rather than chosen by them
 */
record SentencePieceModel(List<Piece> pieces, byte[] charsmap, int unkId, boolean bpe) {
    private static final int UNIGRAM = 1;
    private static final int BPE = 2;
    private static final int CONTROL = 3;
    private static final int USER_DEFINED = 4;

    /**
     * A piece.
     *
     * @param text  its text, with U+2581 for a space
     * @param score log probability
     * @param type  normal 1, unknown 2, control 3, user defined 4, unused 5, byte 6
     */
    record Piece(String text, float score, int type) {
        /** Whether it is a token that texts contain as it is. */
        boolean isAdded() {
            return type == CONTROL || type == USER_DEFINED;
        }

        AddedToken added() {
            return new AddedToken(text, false, false, false, false, type == CONTROL);
        }
    }

    /**
     * Reads a file.
     *
     * @throws WeightException if it is damaged, naming the offset, or its model is not a unigram
     */
    static SentencePieceModel read(Path file) {
        SentencePieceModel model = readAny(file);
        if (model.bpe) {
            throw new WeightException(file, "has model_type 2 (bpe), expected 1 (unigram); transformers' save_pretrained writes a "
                    + "tokenizer.json of it");
        }
        return model;
    }

    /** The same where byte pair encoding is known too. */
    static SentencePieceModel readAny(Path file) {
        byte[] bytes = JsonFiles.bytes(file);
        CodedInputStream in = CodedInputStream.newInstance(bytes);
        Reader reader = new Reader();
        try {
            reader.model(in);
        } catch (InvalidProtocolBufferException e) {
            throw new WeightException(file, "is not a sentencepiece model: " + e.getMessage() + " (offset " + in.getTotalBytesRead()
                    + " of " + bytes.length + ")", e);
        } catch (IOException e) {
            throw new WeightException(file, "cannot be read: " + e.getMessage(), e);
        }
        if (reader.type != UNIGRAM && reader.type != BPE) {
            throw new WeightException(file, "has model_type " + reader.type
                    + ", expected 1 (unigram); transformers' save_pretrained writes a tokenizer.json of it");
        }
        if (reader.pieces.isEmpty() || reader.unkId < 0 || reader.unkId >= reader.pieces.size()) {
            throw new WeightException(file, "has " + reader.pieces.size() + " pieces and unk_id " + reader.unkId
                    + ", expected pieces and an id of one");
        }
        return new SentencePieceModel(List.copyOf(reader.pieces), reader.charsmap, reader.unkId, reader.type == BPE);
    }

    /** Control pieces, which no text has. */
    Set<String> silent() {
        return pieces.stream().filter(piece -> piece.type() == CONTROL).map(Piece::text).collect(Collectors.toSet());
    }

    /** Reads the fields of these tags, number and wire type in one, and skips the others. */
    private static final class Reader {
        private final List<Piece> pieces = new ArrayList<>();
        private byte[] charsmap = new byte[0];
        private int unkId;
        private int type = UNIGRAM;

        private void model(CodedInputStream in) throws IOException {
            for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
                if (tag != 10 && tag != 18 && tag != 26) {
                    in.skipField(tag);
                    continue;
                }
                int outer = in.pushLimit(in.readRawVarint32());
                switch (tag) {
                    case 10 -> piece(in);
                    case 18 -> trainer(in);
                    default -> normalizer(in);
                }
                in.popLimit(outer);
            }
        }

        private void piece(CodedInputStream in) throws IOException {
            String text = "";
            float score = 0;
            int kind = 1;
            for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
                switch (tag) {
                    case 10 -> text = in.readStringRequireUtf8();
                    case 21 -> score = in.readFloat();
                    case 24 -> kind = in.readInt32();
                    default -> in.skipField(tag);
                }
            }
            if (!Float.isFinite(score)) {
                throw new InvalidProtocolBufferException("piece " + pieces.size() + " has the score " + score);
            }
            pieces.add(new Piece(text, score, kind));
        }

        private void trainer(CodedInputStream in) throws IOException {
            for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
                switch (tag) {
                    case 24 -> type = in.readInt32();
                    case 320 -> unkId = in.readInt32();
                    default -> in.skipField(tag);
                }
            }
        }

        private void normalizer(CodedInputStream in) throws IOException {
            for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
                if (tag == 18) {
                    charsmap = in.readByteArray();
                } else {
                    in.skipField(tag);
                }
            }
        }
    }
}
