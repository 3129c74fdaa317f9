package dev.gatun.models.task.text;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.encode.HeadKind;
import dev.gatun.models.encode.Rows;
import dev.gatun.models.registry.Encoders;
import dev.gatun.models.tokenize.Pair;
import dev.gatun.models.tokenize.TextTokenizer;
import dev.gatun.models.tokenize.Window;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The part of a text that answers a question, with a model for extractive question answering. A longer text is read in windows that
 * overlap. Scores are those of transformers' pipeline: the probability that an answer begins here times that it ends there, within its
 * window. Thread-safe; owns its weights and threads, freed by {@link #close}, which waits for calls under way.
 */
public final class QuestionAnswerer extends TextTask {
    /** Tokens of a window, as transformers has them. */
    private static final int WINDOW = 384;

    private QuestionAnswerer(TextModel model) {
        super(model);
    }

    /**
     * An answer.
     *
     * @param text  a part of the context; empty: it holds no answer
     * @param score from 0 to 1
     * @param start in Java chars
     * @param end   likewise, exclusive
     */
    public record Answer(String text, float score, int start, int end) {
        private long place() {
            return (long) start << 32 | end;
        }
    }

    /**
     * What is looked for.
     *
     * @param top              answers at most
     * @param longest          tokens of an answer at most
     * @param overlap          tokens that windows of a long text share; -1: 128, or less where windows are small
     * @param mayHaveNoAnswer  whether an empty answer is among them, with the probability of the window that has the least of it
     */
    public record Search(int top, int longest, int overlap, boolean mayHaveNoAnswer) {
        /** Checks the numbers. */
        public Search {
            Scores.requireTop(top);
            if (longest < 1 || overlap < -1) {
                throw new IllegalArgumentException("an answer of at most " + longest + " tokens, windows that share " + overlap
                        + ": expected 1 or more, and 0 or more");
            }
        }

        /** One answer of at most 15 tokens. */
        public static Search best() {
            return new Search(1, 15, -1, false);
        }
    }

    /** {@link #load(Path, TextOptions)} with the defaults. */
    public static QuestionAnswerer load(Path folder) {
        return load(folder, TextOptions.defaults());
    }

    /**
     * Loads a model.
     *
     * @param folder a Hugging Face folder
     * @throws dev.gatun.models.checkpoint.WeightException if a file is missing, damaged or contradicts another, or it is a model of another
     *                                                     kind
     */
    public static QuestionAnswerer load(Path folder, TextOptions options) {
        Checkpoint checkpoint = Checkpoint.open(folder);
        HeadKind.SPANS.require(checkpoint);
        return new QuestionAnswerer(TextModel.of("the answerer", checkpoint,
                () -> Encoders.family(checkpoint).load(checkpoint, options.precision(), HeadKind.SPANS), options));
    }

    /** The best answer, or null if the context has no words. */
    public Answer answer(String question, String context) {
        List<Answer> answers = answer(List.of(new Pair(question, context)), Search.best()).getFirst();
        return answers.isEmpty() ? null : answers.getFirst();
    }

    /**
     * The best answers to each question, best first.
     *
     * @param questions with their contexts
     * @throws IllegalArgumentException if a question leaves no room for its context
     * @throws IllegalStateException    if this is closed, or the calling thread is interrupted
     */
    public List<List<Answer>> answer(List<Pair> questions, Search search) {
        int size = Math.min(model.tokenizer().maxTokens(), WINDOW);
        int overlap = search.overlap >= 0 ? search.overlap : Math.min(size / 2, 128);
        return model.run(questions, new TextModel.Job<Pair, Window, List<Answer>>() {
            @Override
            public long characters(Pair question) {
                return (long) question.first().length() + question.second().length();
            }

            @Override
            public List<Window> encode(Pair question) {
                return model.tokenizer().windows(question, size, overlap);
            }

            @Override
            public TextTokenizer.Tokens tokens(Window window) {
                return window.tokens();
            }

            @Override
            public List<Answer> read(Pair question, List<Window> windows, List<Rows> rows) {
                return best(question.second(), windows, rows, search);
            }
        });
    }

    private static List<Answer> best(String context, List<Window> windows, List<Rows> rows, Search search) {
        List<Answer> answers = new ArrayList<>();
        float none = Float.POSITIVE_INFINITY;
        for (int i = 0; i < windows.size(); i++) {
            Span span = Span.of(windows.get(i), rows.get(i));
            none = Math.min(none, span.starts[0] * span.ends[0]);
            answers.addAll(span.best(context, windows.get(i), search));
        }
        if (search.mayHaveNoAnswer) {
            answers.add(new Answer("", none, 0, 0));
        }
        answers.sort(Comparator.comparingDouble(answer -> -answer.score));
        // A place that two windows see counts once, where it is surer.
        List<Answer> distinct = new ArrayList<>();
        for (Answer answer : answers) {
            if (distinct.stream().noneMatch(other -> other.place() == answer.place() && other.text.isEmpty() == answer.text.isEmpty())) {
                distinct.add(answer);
            }
        }
        return List.copyOf(distinct.subList(0, Math.min(search.top, distinct.size())));
    }

    /**
     * Probabilities over a window's tokens: of the context's, and of the first one, which stands for no answer.
     *
     * @param starts that an answer begins here
     * @param ends   that an answer ends here
     */
    private record Span(float[] starts, float[] ends) {
        static Span of(Window window, Rows rows) {
            float[][] logits = new float[2][rows.count()];
            for (int i = 0; i < rows.count(); i++) {
                boolean counts = i == 0 || window.sequences()[i] == 1;
                logits[0][i] = counts ? rows.get(i, 0) : -10000f;
                logits[1][i] = counts ? rows.get(i, 1) : -10000f;
            }
            return new Span(Scores.softmax(logits[0]), Scores.softmax(logits[1]));
        }

        List<Answer> best(String context, Window window, Search search) {
            List<Answer> answers = new ArrayList<>();
            for (int from = 1; from < starts.length; from++) {
                for (int to = from; window.sequences()[from] == 1 && to < Math.min(starts.length, from + search.longest); to++) {
                    float score = starts[from] * ends[to];
                    boolean better = answers.size() < search.top || score > answers.getLast().score;
                    if (window.sequences()[to] == 1 && better) {
                        int start = window.starts()[from];
                        int end = window.ends()[to];
                        insert(answers, new Answer(context.substring(start, Math.max(start, end)), score, start, end), search.top);
                    }
                }
            }
            return answers;
        }

        private static void insert(List<Answer> answers, Answer answer, int top) {
            int at = answers.size();
            while (at > 0 && answers.get(at - 1).score < answer.score) {
                at--;
            }
            answers.add(at, answer);
            if (answers.size() > top) {
                answers.removeLast();
            }
        }
    }
}
