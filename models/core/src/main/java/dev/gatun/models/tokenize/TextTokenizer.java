package dev.gatun.models.tokenize;

import dev.gatun.bindings.loader.NativeLibraryException;
import dev.gatun.models.checkpoint.Clip;
import dev.gatun.models.checkpoint.JsonFiles;
import dev.gatun.models.checkpoint.WeightException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Texts and pairs of texts to what a model reads, with a Hugging Face {@code tokenizer.json} and the settings of the
 * {@code tokenizer_config.json} beside it, special tokens included. Nothing is padded; what is longer than the model's length is cut, at
 * the side that the settings say. A surrogate without its other half counts as U+FFFD. Thread-safe. Owns native memory of the tokenizers
 * library; using it after {@link #close} throws {@link IllegalStateException}.
 */
public final class TextTokenizer implements AutoCloseable {
    private final TokenizersNative tokenizer;
    private final Frame single;
    private final Frame pair;
    private final boolean cutsLeft;
    private final int padId;
    private final Path file;
    private final TokenizerJson.Source source;
    private final TokenizerSettings settings;
    /** Set before others see this. */
    private int maxTokens = Integer.MAX_VALUE;
    private boolean closed;
    private int users;

    private TextTokenizer(Path file, TokenizerSettings settings, TokenizerJson.Source source, TokenizersNative tokenizer, Frame single,
            Frame pair, boolean cutsLeft) {
        this.file = file;
        this.settings = settings;
        this.source = new TokenizerJson.Source("", source.truncatesLeft(), source.examples(), source.last(), source.lastId());
        this.tokenizer = tokenizer;
        this.single = single;
        this.pair = pair;
        this.cutsLeft = cutsLeft;
        AddedToken pad = settings.named().get("pad_token");
        int[] ids = pad == null ? new int[0] : tokenizer.ids(pad.content());
        this.padId = ids.length == 1 ? ids[0] : -1;
    }

    /**
     * Tokens of a text, or of a pair.
     *
     * @param ids       token ids, special tokens included
     * @param types     token types, as many
     * @param truncated whether there were more and some were cut off
     */
    public record Tokens(int[] ids, int[] types, boolean truncated) {
    }

    /**
     * Where texts are cut.
     *
     * @param maxTokens     special tokens included
     * @param orAsTheFolder whether {@code model_max_length} of the folder's settings may be less
     */
    public record Limit(int maxTokens, boolean orAsTheFolder) {
        /** Checks the number. */
        public Limit {
            if (maxTokens < 1) {
                throw new IllegalArgumentException("maxTokens must be 1 or more, not " + maxTokens);
            }
        }
    }

    /** Loads {@code tokenizer.json} alone. */
    public static TextTokenizer load(Path file, int maxTokens) {
        TokenizerSettings none = TokenizerSettings.none(file);
        return of(file, TokenizerJson.read(file, none, false), none, maxTokens);
    }

    /**
     * Loads a folder's tokenizer.
     *
     * @throws WeightException if tokenizer.json is missing or not a tokenizer, or its settings ask for what is not served
     */
    public static TextTokenizer load(Path folder, Limit limit) {
        try (TokenizerAhead tokenizer = new TokenizerAhead(folder, false)) {
            return tokenizer.cut(limit);
        }
    }

    /** One that cuts nothing yet. */
    static TextTokenizer load(Path folder, boolean lowerCase) {
        TokenizerSettings settings = TokenizerSettings.read(folder);
        Path file = folder.resolve("tokenizer.json");
        return of(file, TokenizerJson.read(file, settings, lowerCase), settings, Integer.MAX_VALUE);
    }

    /**
     * Of {@code tokenizer.json} alone, without the special tokens that it puts around a text. It cuts texts where the file says so.
     *
     * @throws WeightException as {@link #load(Path, Limit)}
     */
    static TextTokenizer bare(Path file) {
        int own = JsonFiles.object(file).path("truncation").path("max_length").asInt(Integer.MAX_VALUE);
        return of(file, TokenizerJson.bare(file), TokenizerSettings.none(file), Math.max(1, own));
    }

    /** Of a definition. */
    static TextTokenizer of(Path file, TokenizerJson.Source source, TokenizerSettings settings, int maxTokens) {
        TokenizersNative tokenizer;
        try {
            tokenizer = TokenizersNative.of(source.json(), settings.kind() == TokenizerKind.SIGLIP);
        } catch (NativeLibraryException e) {
            throw e;
        } catch (RuntimeException e) {
            throw new WeightException(file, "is not a tokenizer: " + e.getMessage(), e);
        }
        try {
            String example = source.examples().stream().filter(text -> tokenizer.frame(text, null).holds(1)).findFirst().orElseThrow(
                    () -> new WeightException(file, "makes no token of any text, or several copies of it"));
            Frame single = tokenizer.frame(example, null);
            Frame pair = tokenizer.frame(example, example);
            TextTokenizer loaded = new TextTokenizer(file, settings, source, tokenizer, settings.typed() ? single : single.untyped(),
                    settings.typed() ? pair : pair.untyped(), settings.truncatesLeft(source.truncatesLeft()));
            loaded.cutAt(new Limit(maxTokens, false));
            return loaded;
        } catch (WeightException | Error e) {
            tokenizer.close();
            throw e;
        } catch (RuntimeException e) {
            tokenizer.close();
            throw new WeightException(file, "makes no tokens: " + e.getMessage(), e);
        }
    }

    /** Before anybody else has this. */
    void cutAt(Limit limit) {
        int most = Math.min(maxTokens, limit.orAsTheFolder ? Math.min(limit.maxTokens, settings.modelMaxLength()) : limit.maxTokens);
        if (most < single.specials()) {
            throw new WeightException(file, "adds " + single.specials() + " special tokens to every text: it cannot be cut at " + most
                    + " tokens");
        }
        maxTokens = most;
    }

    /** A text's own tokens, without special ones and uncut; of a text without lone surrogates. */
    int[] own(String text) {
        return each(List.of(text), tokenizer::ids).getFirst();
    }

    /** The same as texts. */
    String[] ownTokens(String text) {
        return each(List.of(text), tokenizer::tokens).getFirst();
    }

    /** How special tokens stand around one text. */
    Frame frame() {
        return single;
    }

    /** Where it was read. */
    Path file() {
        return file;
    }

    /**
     * Refuses a tokenizer that may make tokens which a model has not.
     *
     * @param size ids of the model
     * @throws WeightException naming the token
     */
    public void requireVocabulary(int size) {
        if (source.lastId() >= size) {
            throw new WeightException(file, "has the token " + Clip.text(source.last()) + " with the id " + source.lastId()
                    + ", but the model's vocabulary has " + size + " (vocab_size): it is of another model, or the token was added without "
                    + "resize_token_embeddings");
        }
    }

    /**
     * Refuses a tokenizer whose padding is hidden from a model that is to see it.
     *
     * @throws WeightException naming the field
     */
    public void requireSeenPadding() {
        List<String> inputs = settings.fields().texts("model_input_names");
        if (inputs == null || inputs.contains("attention_mask")) {
            throw settings.fields().error("model_input_names", "[\"input_ids\"]: texts are padded, and the padding is attended to");
        }
        if (padId < 0) {
            throw settings.fields().error("pad_token", "a token of the vocabulary");
        }
    }

    /** The token that padding is made of; -1 if the folder names none. */
    public int padId() {
        return padId;
    }

    /** Tokens of a text that is a prompt alone, without a special one at its end: so many has every text that it is put before. */
    public int promptTokens(String prompt) {
        int[] ids = encode(prompt).ids();
        boolean special = ids.length > 0 && (single.parts().getLast().sequence() < 0
                || settings.named().values().stream().anyMatch(token -> Arrays.equals(tokenizer.ids(token.content()),
                        new int[] {ids[ids.length - 1]})));
        return ids.length - (special ? 1 : 0);
    }

    /** The tokens of one text. */
    public Tokens encode(String text) {
        return encodeBatch(List.of(text)).getFirst();
    }

    /**
     * The tokens of each text, in order.
     *
     * @throws IllegalStateException if this is closed, or the thread is interrupted
     */
    public List<Tokens> encodeBatch(List<String> texts) {
        return each(texts, text -> {
            int room = maxTokens - single.specials();
            return single.tokens(span(ids(Surrogates.paired(text), room), room), null);
        });
    }

    /**
     * The tokens of each pair, in order.
     *
     * @param cut which text loses tokens where there are too many
     * @throws IllegalStateException    if this is closed, or the thread is interrupted
     * @throws IllegalArgumentException if the tokenizer makes no pairs, there is no room for its special tokens, or the text that may be
     *                                  cut is too short for it
     */
    public List<Tokens> encodePairs(List<Pair> pairs, Truncation cut) {
        int room = pairRoom(maxTokens);
        return each(pairs, both -> {
            int[] first = ids(Surrogates.paired(both.first()), room);
            int[] second = ids(Surrogates.paired(both.second()), room);
            if (first.length > room && second.length > room && room % 2 == 1) {
                // The longer one keeps a token more: both must have been counted to their ends.
                first = tokenizer.ids(Surrogates.paired(both.first()));
                second = tokenizer.ids(Surrogates.paired(both.second()));
            }
            int[] kept = cut.kept(first.length, second.length, room);
            return pair.tokens(span(first, kept[0]), span(second, kept[1]));
        });
    }

    /**
     * A text in as many windows as it takes, in order; one for an empty text.
     *
     * @param size    most tokens of a window, special tokens included
     * @param overlap tokens of its own that a window shares with the one before
     * @throws IllegalArgumentException if size is beyond {@link #maxTokens} or leaves no more room than the overlap
     */
    public List<Window> windows(String text, int size, int overlap) {
        return windows(single, size, overlap, () -> {
            Pieces all = tokenizer.pieces(Surrogates.paired(text));
            return Window.ranges(all.ids().length, size - single.specials(), overlap, cutsLeft).stream()
                    .map(r -> Window.of(single, all.range(r[0], r[1]), null, r[1] - r[0] < all.ids().length)).toList();
        });
    }

    /**
     * A pair in as many windows as its second text takes; each has the whole first.
     *
     * @param size    most tokens of a window, special tokens included
     * @param overlap tokens of the second text that a window shares with the one before
     * @throws IllegalArgumentException as {@link #windows(String, int, int)}, or if the first text leaves no more room than the overlap
     */
    public List<Window> windows(Pair both, int size, int overlap) {
        pairRoom(size);
        return windows(pair, size, overlap, () -> {
            Pieces first = tokenizer.pieces(Surrogates.paired(both.first()));
            Pieces second = tokenizer.pieces(Surrogates.paired(both.second()));
            return Window.ranges(second.ids().length, size - pair.specials() - first.ids().length, overlap, cutsLeft).stream()
                    .map(r -> Window.of(pair, first, second.range(r[0], r[1]), r[1] - r[0] < second.ids().length)).toList();
        });
    }

    private List<Window> windows(Frame frame, int size, int overlap, Supplier<List<Window>> work) {
        if (size > maxTokens || size < frame.specials() || overlap < 0) {
            throw new IllegalArgumentException("windows of " + size + " tokens that share " + overlap + ": expected " + frame.specials()
                    + " to " + maxTokens
                    + " tokens, which share 0 or more");
        }
        return each(List.of(work), Supplier::get).getFirst();
    }

    private int pairRoom(int size) {
        if (!pair.holds(2)) {
            throw new IllegalArgumentException("the tokenizer makes no pairs");
        }
        if (size < pair.specials()) {
            throw new IllegalArgumentException("a pair has " + pair.specials() + " special tokens: it cannot be cut at " + size
                    + " tokens");
        }
        return size - pair.specials();
    }

    private <T, R> List<R> each(List<T> items, Function<T, R> work) {
        enter();
        try {
            List<R> result = new ArrayList<>(items.size());
            for (T item : items) {
                if (Thread.currentThread().isInterrupted()) {
                    throw new IllegalStateException("interrupted while tokenizing");
                }
                result.add(work.apply(item));
            }
            return result;
        } finally {
            exit();
        }
    }

    private Frame.Span span(int[] ids, int room) {
        int count = Math.min(ids.length, room);
        int from = cutsLeft ? ids.length - count : 0;
        int to = from + count;
        if (settings.kind() == TokenizerKind.SIGLIP && count > 0 && ids[to - 1] == single.parts().getLast().id()) {
            // Who spells out the end gets no second one.
            return new Frame.Span(to == ids.length ? Arrays.copyOf(ids, to - 1) : ids, from, to - 1);
        }
        return new Frame.Span(ids, from, to);
    }

    private int[] ids(String text, int wanted) {
        return LongText.ids(text, wanted, cutsLeft, tokenizer::ids);
    }

    /** Where texts are cut. */
    public int maxTokens() {
        return maxTokens;
    }

    private synchronized void enter() {
        if (closed) {
            throw new IllegalStateException("the tokenizer is closed");
        }
        users++;
    }

    private synchronized void exit() {
        users--;
        notifyAll();
    }

    /** Waits for calls under way, then frees. Closing twice is harmless. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        boolean interrupted = false;
        while (users > 0) {
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        tokenizer.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
