package dev.gatun.cli;

import dev.gatun.models.task.text.Label;
import dev.gatun.models.task.text.TextClassifier;
import dev.gatun.models.tokenize.Pair;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Texts to labels. */
@Command(name = "classify-text", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Print the labels that fit each text, best first, with their scores: sentiment, topic, language, whatever the model "
                + "knows.")
final class ClassifyTextCommand implements Callable<Integer> {
    @Mixin
    TaskOptions options;

    @Mixin
    LineOptions lines;

    @Option(names = "--top", converter = Least.One.class, paramLabel = "K",
            description = "How many labels of each text. Default: ${DEFAULT-VALUE}.")
    int top = 1;

    @Option(names = "--pairs", description = "A text is two, as a premise and a hypothesis, with a tab between.")
    boolean pairs;

    @Override
    public Integer call() throws IOException {
        try (TextClassifier classifier = TextClassifier.load(options.model, options.checked())) {
            lines.each(options, (texts, first) -> {
                List<List<Label>> found = pairs ? classifier.classifyPairs(pairs(texts, first), top) : classifier.classify(texts, top);
                for (int i = 0; i < texts.size(); i++) {
                    print(options, texts.get(i), found.get(i));
                }
            });
        }
        return 0;
    }

    private static List<Pair> pairs(List<String> texts, long first) {
        List<Pair> pairs = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            String[] both = texts.get(i).split("\t", -1);
            if (both.length != 2) {
                throw new IllegalArgumentException("line " + (first + i) + " has " + (both.length - 1)
                        + " tabs; --pairs wants two texts with one between");
            }
            pairs.add(new Pair(both[0], both[1]));
        }
        return pairs;
    }

    static void print(TaskOptions options, String text, List<Label> labels) throws IOException {
        if (options.json) {
            options.print("text", text, "labels", labels);
        } else {
            options.out().println(labels.stream().map(label -> String.format(Locale.ROOT, "%s %.4f", label.name(), label.score()))
                    .collect(Collectors.joining(", ")) + "\t" + text);
        }
    }
}
