package dev.gatun.cli;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.family.recurrent.SequenceConfig;
import dev.gatun.models.task.language.SequenceTagger;
import dev.gatun.models.task.text.TextOptions;
import dev.gatun.models.task.text.TokenTagger;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Names and other parts of texts. */
@Command(name = "tag", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Print the parts of each text that a model knows, as names of people and places: line, from and to in UTF-16 units, "
                + "label, score, text. Of a recurrent tagger (rnn-tagger), which has no scores, every word between blanks.")
final class TagCommand implements Callable<Integer> {
    @Mixin
    TaskOptions options;

    @Mixin
    LineOptions lines;

    @Option(names = "--aggregation", paramLabel = "KIND", description = "What becomes of the labels of tokens: ${COMPLETION-CANDIDATES}. "
            + "Default: simple.")
    TokenTagger.Aggregation aggregation;

    /** A word of a recurrent tagger's text. */
    record Word(int start, int end, String label, String text) {
    }

    private static final Pattern WORD = Pattern.compile("\\S+");

    @Override
    public Integer call() throws IOException {
        if (Checkpoint.open(options.model).architectures().contains(SequenceConfig.TAGGER)) {
            return words();
        }
        TokenTagger.Aggregation how = aggregation == null ? TokenTagger.Aggregation.SIMPLE : aggregation;
        try (TokenTagger tagger = TokenTagger.load(options.model, options.checked())) {
            lines.each(options, (texts, first) -> {
                List<List<TokenTagger.Tag>> found = tagger.tag(texts, how);
                for (int i = 0; i < texts.size(); i++) {
                    if (options.json) {
                        options.print("text", texts.get(i), "tags", found.get(i));
                        continue;
                    }
                    for (TokenTagger.Tag tag : found.get(i)) {
                        options.out().printf(Locale.ROOT, "%d\t%d-%d\t%s\t%.4f\t%s%n", first + i, tag.start(), tag.end(), tag.label(),
                                tag.score(),
                                tag.text());
                    }
                }
            });
        }
        return 0;
    }

    private int words() throws IOException {
        if (aggregation != null || options.maxTokens != 0) {
            throw options.misuse((aggregation != null ? "--aggregation" : "--max-tokens")
                    + ": a recurrent tagger reads words, of any number");
        }
        TextOptions checked = options.checked();
        try (SequenceTagger tagger = SequenceTagger.load(options.model, checked.threads(), checked.precision())) {
            lines.each(options, (texts, first) -> {
                List<List<MatchResult>> words = texts.stream().map(text -> WORD.matcher(text).results().toList()).toList();
                List<List<String>> tags = tagger.tag(words.stream().map(text -> text.stream().map(MatchResult::group).toList()).toList());
                for (int i = 0; i < texts.size(); i++) {
                    List<Word> found = new ArrayList<>();
                    for (MatchResult word : words.get(i)) {
                        found.add(new Word(word.start(), word.end(), tags.get(i).get(found.size()), word.group()));
                    }
                    if (options.json) {
                        options.print("text", texts.get(i), "tags", found);
                        continue;
                    }
                    for (Word word : found) {
                        options.out().printf("%d\t%d-%d\t%s\t%s%n", first + i, word.start, word.end, word.label, word.text);
                    }
                }
            });
        }
        return 0;
    }
}
