package dev.gatun.models.task.text;

import dev.gatun.models.checkpoint.Checkpoint;
import dev.gatun.models.encode.HeadKind;
import dev.gatun.models.encode.Rows;
import dev.gatun.models.registry.Encoders;
import dev.gatun.models.tokenize.TextTokenizer;
import dev.gatun.models.tokenize.TokenTable;
import dev.gatun.models.tokenize.Window;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * What the parts of a text are, as names of people and places, with a model for token classification. Tags are those of transformers'
 * pipeline; longer texts are read in windows that overlap. Thread-safe; owns its weights and threads, freed by {@link #close}, which waits
 * for calls under way.
 */
public final class TokenTagger extends TextTask {
    private static final String OUTSIDE = "O";
    /** Tokens that windows share at most. */
    private static final int MOST_OVERLAP = 64;

    private final TokenTable vocabulary;

    private TokenTagger(TextModel model, TokenTable vocabulary) {
        super(model);
        this.vocabulary = vocabulary;
    }

    /** What becomes of the tags of tokens. */
    public enum Aggregation {
        /** Each token has its own. */
        NONE,
        /** Tokens of one tag that follow each other are one: B- begins another. */
        SIMPLE,
        /** The same, of words: the tag of a word's first token. */
        FIRST,
        /** Of words: the best tag of the mean of its tokens' scores. */
        AVERAGE,
        /** Of words: the tag of the token that is surest. */
        MAX
    }

    /**
     * A part of a text.
     *
     * @param label as the folder calls it, without B- or I- unless of a single token
     * @param score from 0 to 1
     * @param start in Java chars
     * @param end   likewise, exclusive
     * @param text  from start to end
     */
    public record Tag(String label, float score, int start, int end, String text) {
    }

    /** {@link #load(Path, TextOptions)} with the defaults. */
    public static TokenTagger load(Path folder) {
        return load(folder, TextOptions.defaults());
    }

    /**
     * Loads a model.
     *
     * @param folder a Hugging Face folder
     * @throws dev.gatun.models.checkpoint.WeightException if a file is missing, damaged or contradicts another, or it is a model of another
     *                                                     kind
     */
    public static TokenTagger load(Path folder, TextOptions options) {
        Checkpoint checkpoint = Checkpoint.open(folder);
        HeadKind.TOKENS.require(checkpoint);
        TokenTable vocabulary = TokenTable.read(checkpoint.folder());
        return new TokenTagger(TextModel.of("the tagger", checkpoint,
                () -> Encoders.family(checkpoint).load(checkpoint, options.precision(), HeadKind.TOKENS), options), vocabulary);
    }

    /** The tags of a text, words of one tag together, those labelled O left out. */
    public List<Tag> tag(String text) {
        return tag(List.of(text), Aggregation.SIMPLE).getFirst();
    }

    /**
     * The tags of each text in their order, those labelled O left out.
     *
     * @throws IllegalStateException if this is closed, or the calling thread is interrupted
     */
    public List<List<Tag>> tag(List<String> texts, Aggregation aggregation) {
        return model.run(texts, job(aggregation));
    }

    /**
     * The tags of a text, words of one tag together, computed together with the texts of other callers.
     *
     * @return cancel it, or give it a deadline by {@code orTimeout}, and the text is not computed any more. What depends on it without
     *         {@code Async} runs on a computing thread and must not block
     * @throws java.util.concurrent.RejectedExecutionException if as many texts wait as {@link TextOptions#batching} allows
     * @throws IllegalStateException                           if this is closed; closing later fails the future
     */
    public CompletableFuture<List<Tag>> submit(String text) {
        return model.submit(text, job(Aggregation.SIMPLE));
    }

    private TextModel.Job<String, Window, List<Tag>> job(Aggregation aggregation) {
        int size = model.tokenizer().maxTokens();
        int overlap = Math.clamp(size / 4, 0, MOST_OVERLAP);
        return new TextModel.Job<>() {
            @Override
            public long characters(String text) {
                return text.length();
            }

            @Override
            public List<Window> encode(String text) {
                return model.tokenizer().windows(text, size, overlap);
            }

            @Override
            public TextTokenizer.Tokens tokens(Window window) {
                return window.tokens();
            }

            @Override
            public List<Tag> read(String text, List<Window> windows, List<Rows> rows) {
                List<Tag> tags = new ArrayList<>();
                for (int i = 0; i < windows.size(); i++) {
                    tags.addAll(tags(text, windows.get(i), rows.get(i), aggregation));
                }
                return List.copyOf(windows.size() == 1 ? tags : joined(tags));
            }
        };
    }

    private List<Tag> tags(String text, Window window, Rows rows, Aggregation aggregation) {
        List<Piece> pieces = new ArrayList<>();
        for (int i = 0; i < rows.count(); i++) {
            if (window.sequences()[i] < 0) {
                continue;
            }
            Piece piece = new Piece(Scores.softmax(rows.row(i)), window.starts()[i], window.ends()[i]);
            boolean continues = (aggregation != Aggregation.NONE && aggregation != Aggregation.SIMPLE) && !pieces.isEmpty()
                    && continues(text, window, i);
            if (continues) {
                pieces.set(pieces.size() - 1, pieces.getLast().with(piece));
            } else {
                pieces.add(piece);
            }
        }
        List<Tag> tags = new ArrayList<>(pieces.stream().map(piece -> piece.tag(text, aggregation, model.labels().names())).toList());
        List<Tag> grouped = aggregation == Aggregation.NONE ? tags : grouped(text, tags);
        return grouped.stream().filter(tag -> !tag.label.equals(OUTSIDE)).toList();
    }

    /** Whether a token goes on with the word before it, as transformers sees it. */
    private boolean continues(String text, Window window, int token) {
        int id = window.tokens().ids()[token];
        int start = window.starts()[token];
        if (id == vocabulary.unknownId()) {
            return false;
        }
        if (vocabulary.marksSubwords()) {
            String piece = vocabulary.token(id);
            return piece.codePointCount(0, piece.length()) != text.codePointCount(start, window.ends()[token]);
        }
        return start > 0 && text.charAt(start - 1) != ' ' && (start >= text.length() || text.charAt(start) != ' ');
    }

    /** A token, or the tokens of a word. */
    private record Piece(List<float[]> scores, int start, int end) {
        Piece(float[] scores, int start, int end) {
            this(List.of(scores), start, end);
        }

        Piece with(Piece next) {
            List<float[]> all = new ArrayList<>(scores);
            all.addAll(next.scores);
            return new Piece(all, start, next.end);
        }

        Tag tag(String text, Aggregation aggregation, List<String> names) {
            float[] row = switch (aggregation) {
                case NONE, SIMPLE, FIRST -> scores.getFirst();
                case AVERAGE -> mean();
                case MAX -> {
                    float[] surest = scores.getFirst();
                    for (float[] other : scores) {
                        surest = other[largest(other)] > surest[largest(surest)] ? other : surest;
                    }
                    yield surest;
                }
            };
            return new Tag(names.get(largest(row)), row[largest(row)], start, end, text.substring(start, end));
        }

        private float[] mean() {
            float[] mean = new float[scores.getFirst().length];
            for (int i = 0; i < mean.length; i++) {
                int column = i;
                mean[i] = (float) scores.stream().mapToDouble(row -> row[column]).average().orElse(0);
            }
            return mean;
        }

        private static int largest(float[] row) {
            int best = 0;
            for (int i = 1; i < row.length; i++) {
                best = row[i] > row[best] ? i : best;
            }
            return best;
        }
    }

    private static List<Tag> grouped(String text, List<Tag> tags) {
        List<Tag> groups = new ArrayList<>();
        for (int from = 0, to; from < tags.size(); from = to) {
            String kind = kind(tags.get(from).label);
            double sum = tags.get(from).score;
            for (to = from + 1; to < tags.size() && !tags.get(to).label.startsWith("B-") && kind(tags.get(to).label).equals(kind); to++) {
                sum += tags.get(to).score;
            }
            int start = tags.get(from).start;
            int end = tags.get(to - 1).end;
            String label = tags.get(from).label;
            groups.add(new Tag(label.substring(label.indexOf('-') + 1), (float) (sum / (to - from)), start, end,
                    text.substring(start, Math.max(start, end))));
        }
        return groups;
    }

    private static String kind(String label) {
        return label.startsWith("B-") || label.startsWith("I-") ? label.substring(2) : label;
    }

    /** Of tags of several windows that overlap the longest, or the surest of that length. */
    private static List<Tag> joined(List<Tag> tags) {
        List<Tag> sorted = new ArrayList<>(tags);
        sorted.sort(Comparator.comparingInt(Tag::start));
        List<Tag> kept = new ArrayList<>();
        for (Tag tag : sorted) {
            Tag last = kept.isEmpty() ? null : kept.getLast();
            if (last == null || tag.start >= last.end) {
                kept.add(tag);
            } else if (tag.end - tag.start > last.end - last.start || tag.end - tag.start == last.end - last.start
                    && tag.score > last.score) {
                kept.set(kept.size() - 1, tag);
            }
        }
        return kept;
    }

    /** Names of the labels, by class. */
    public List<String> labels() {
        return model.labels().names();
    }
}
