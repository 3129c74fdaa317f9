package dev.gatun.models.generate;

import java.util.List;

/** Refuses input that a model cannot take, by name. */
final class SourceChecks {
    private SourceChecks() {
    }

    static void check(List<? extends Source> sources, GenerativeModel model) {
        GenerativeModel.Tokens tokens = model.tokens();
        for (int i = 0; i < sources.size(); i++) {
            require(sources.get(i).length() > 0, "source " + i + " is empty");
            require(sources.get(i).length() <= model.sourcePositions(), "source " + i + " has " + sources.get(i).length()
                    + " tokens, the model's positions end at " + model.sourcePositions());
            int[] ids = sources.get(i).ids();
            for (int j = 0; ids != null && j < ids.length; j++) {
                require(ids[j] >= 0 && ids[j] < model.sourceVocabSize(), "source " + i + ": token " + j + " has id " + ids[j]
                        + ", the vocabulary has 0 to " + (model.sourceVocabSize() - 1));
                require(ids[j] != tokens.pad(), "source " + i + ": token " + j + " is pad_token_id " + tokens.pad()
                        + "; give sources without padding");
            }
        }
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
    }
}
