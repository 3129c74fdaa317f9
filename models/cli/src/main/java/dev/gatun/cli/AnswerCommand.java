package dev.gatun.cli;

import dev.gatun.models.io.Utf8Lines;
import dev.gatun.models.task.text.QuestionAnswerer;
import dev.gatun.models.tokenize.Pair;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.StringJoiner;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Answers from a text. */
@Command(name = "answer", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Print the parts of a text that answer a question, best first: score, from and to in UTF-16 units, text.")
final class AnswerCommand implements Callable<Integer> {
    @Mixin
    TaskOptions options;

    @Option(names = "--context", required = true, paramLabel = "FILE",
            description = "UTF-8 text that holds the answers; - is standard input.")
    String context;

    @Option(names = "--top", converter = Least.One.class, paramLabel = "K", description = "How many answers. Default: ${DEFAULT-VALUE}.")
    int top = 1;

    @Option(names = "--longest", converter = Least.One.class, paramLabel = "N",
            description = "Tokens of an answer at most. Default: ${DEFAULT-VALUE}.")
    int longest = 15;

    @Option(names = "--overlap", converter = Least.Zero.class, paramLabel = "N",
            description = "Tokens that windows of a long text share. Default: 128, or half a window.")
    Integer overlap;

    @Option(names = "--no-answer", description = "The text may hold no answer: an empty one is among them.")
    boolean noAnswer;

    @Parameters(arity = "1..*", paramLabel = "QUESTION", description = "What to look for.")
    List<String> questions;

    @Override
    public Integer call() throws IOException {
        StringJoiner text = new StringJoiner("\n");
        try (Utf8Lines lines = Utf8Lines.open(context)) {
            for (String line = lines.next(); line != null; line = lines.next()) {
                text.add(line);
            }
        }
        QuestionAnswerer.Search search = new QuestionAnswerer.Search(top, longest, overlap == null ? -1 : overlap, noAnswer);
        try (QuestionAnswerer answerer = QuestionAnswerer.load(options.model, options.checked())) {
            Progress progress = new Progress(options.command.commandLine().getErr(), "questions");
            List<List<QuestionAnswerer.Answer>> found =
                    answerer.answer(questions.stream().map(q -> new Pair(q, text.toString())).toList(), search);
            progress.add(questions.size());
            progress.finish();
            for (int i = 0; i < questions.size(); i++) {
                print(questions.get(i), found.get(i));
            }
        }
        return 0;
    }

    private void print(String question, List<QuestionAnswerer.Answer> answers) throws IOException {
        if (options.json) {
            options.print("question", question, "answers", answers);
            return;
        }
        if (questions.size() > 1) {
            options.out().println("? " + question);
        }
        for (QuestionAnswerer.Answer answer : answers) {
            options.out().printf(Locale.ROOT, "%.4f\t%d-%d\t%s%n", answer.score(), answer.start(), answer.end(),
                    answer.text().replace('\n', ' '));
        }
    }
}
