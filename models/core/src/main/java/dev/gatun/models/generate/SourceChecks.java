package dev.gatun.models.generate;

import java.util.List;

/** Refuses input that a model cannot take, by name. */
final class SourceChecks {
    private SourceChecks() {
    }

    static void check(List<int[]> sources, GenerativeModel.Tokens tokens) {
        for (int i = 0; i < sources.size(); i++) {
            int[] source = sources.get(i);
            require(source.length > 0, "source " + i + " is empty");
            require(source.length <= tokens.maxPositions(), "source " + i + " has " + source.length
                    + " tokens, the model's positions end at " + tokens.maxPositions());
            for (int j = 0; j < source.length; j++) {
                require(source[j] >= 0 && source[j] < tokens.vocabSize(), "source " + i + ": token " + j + " has id " + source[j]
                        + ", the vocabulary has 0 to " + (tokens.vocabSize() - 1));
                require(source[j] != tokens.pad(), "source " + i + ": token " + j + " is pad_token_id " + tokens.pad()
                        + "; give sources without padding");
            }
        }
    }

    static void check(GenerationOptions options, int maxLength, GenerativeModel.Tokens tokens, int maxRows) {
        int vocabSize = tokens.vocabSize();
        require(maxLength <= tokens.maxPositions(), "max_length " + maxLength + " is more than the model's " + tokens.maxPositions()
                + " positions");
        require(options.minLength() <= maxLength, "min_length " + options.minLength() + " is more than max_length " + maxLength);
        require(options.numBeams() <= vocabSize, "num_beams " + options.numBeams() + " is more than the vocabulary's " + vocabSize
                + " tokens");
        int rows = Math.max(options.numBeams(), options.numReturnSequences());
        require(rows <= maxRows, rows + " sequences of one source are more than the session's " + maxRows + " rows");
        requireId("forced_bos_token_id", options.forcedBosTokenId(), vocabSize);
        requireId("forced_eos_token_id", options.forcedEosTokenId(), vocabSize);
        for (List<Integer> stop : options.stopSequences()) {
            for (int id : stop) {
                require(id >= 0 && id < vocabSize, "a stop sequence has id " + id + ", the vocabulary has 0 to " + (vocabSize - 1));
            }
        }
    }

    private static void requireId(String name, int id, int vocabSize) {
        require(id < vocabSize, name + " is " + id + ", the vocabulary has 0 to " + (vocabSize - 1));
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
    }
}
