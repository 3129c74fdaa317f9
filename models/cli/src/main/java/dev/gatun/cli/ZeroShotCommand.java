package dev.gatun.cli;

import dev.gatun.models.task.text.Label;
import dev.gatun.models.task.text.ZeroShotClassifier;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Texts to labels that the user names. */
@Command(name = "zero-shot", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Print how well labels of your own fit each text, best first, with a model for natural language inference.")
final class ZeroShotCommand implements Callable<Integer> {
    @Mixin
    TaskOptions options;

    @Mixin
    LineOptions lines;

    @Option(names = "--labels", required = true, split = ",", paramLabel = "LABEL,LABEL,...", description = "What a text may be.")
    List<String> labels;

    @Option(names = "--template", paramLabel = "TEXT",
            description = "What is asked of each label, which stands for {}. Default: ${DEFAULT-VALUE}")
    String template = ZeroShotClassifier.TEMPLATE;

    @Option(names = "--multi-label", description = "Any number of labels may fit: each has a score of its own.")
    boolean multiLabel;

    @Override
    public Integer call() throws IOException {
        if (!template.contains("{}")) {
            throw options.misuse("--template must have {}, where the label goes");
        }
        List<String> names = labels.stream().map(String::strip).toList();
        if (names.stream().anyMatch(String::isEmpty)) {
            throw options.misuse("--labels has an empty label");
        }
        ZeroShotClassifier.Question question = new ZeroShotClassifier.Question(names, template, multiLabel);
        try (ZeroShotClassifier classifier = ZeroShotClassifier.load(options.model, options.checked())) {
            lines.each(options, (texts, first) -> {
                List<List<Label>> found = classifier.classify(texts, question);
                for (int i = 0; i < texts.size(); i++) {
                    ClassifyTextCommand.print(options, texts.get(i), found.get(i));
                }
            });
        }
        return 0;
    }
}
