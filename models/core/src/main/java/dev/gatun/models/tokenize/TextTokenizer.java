package dev.gatun.models.tokenize;

import dev.gatun.bindings.loader.NativeLibraryException;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.models.tokenize.TokenizersNative.Encoded;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Texts to token ids with a Hugging Face {@code tokenizer.json} and the settings of the {@code tokenizer_config.json} beside it, special
 * tokens included. Nothing is padded, and texts are cut at the model's length, at the side that the settings say. A surrogate without its
 * other half counts as U+FFFD. Thread-safe. Owns native memory of the tokenizers library; using it after {@link #close} throws
 * {@link IllegalStateException}.
 */
public final class TextTokenizer implements AutoCloseable {
    /** Of a longer text only the beginning is tokenized, as long as that has tokens enough. */
    private static final int FIRST_CHARACTERS = 1 << 14;

    private final TokenizersNative tokenizer;
    private final int maxTokens;
    private final boolean cutsLeft;
    private boolean closed;
    private int users;

    private TextTokenizer(TokenizersNative tokenizer, int maxTokens, boolean cutsLeft) {
        this.tokenizer = tokenizer;
        this.maxTokens = maxTokens;
        this.cutsLeft = cutsLeft;
    }

    /**
     * One text's tokens.
     *
     * @param ids       token ids, special tokens included
     * @param truncated whether the text was longer and was cut
     */
    public record Tokens(int[] ids, boolean truncated) {
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
        return load(file, TokenizerSettings.NONE, maxTokens);
    }

    /**
     * Loads a folder's tokenizer.
     *
     * @throws WeightException if tokenizer.json is missing or not a tokenizer, or its settings ask for what is not served
     */
    public static TextTokenizer load(Path folder, Limit limit) {
        TokenizerSettings settings = TokenizerSettings.read(folder);
        int own = limit.orAsTheFolder ? settings.modelMaxLength() : Integer.MAX_VALUE;
        return load(folder.resolve("tokenizer.json"), settings, Math.min(limit.maxTokens, own));
    }

    private static TextTokenizer load(Path file, TokenizerSettings settings, int maxTokens) {
        byte[] json = TokenizerJson.read(file, settings);
        try {
            TokenizersNative tokenizer = TokenizersNative.of(new String(json, StandardCharsets.UTF_8));
            if (!settings.truncatesLeft()) {
                tokenizer.truncate(maxTokens);
            }
            TextTokenizer made = new TextTokenizer(tokenizer, maxTokens, settings.truncatesLeft());
            made.requireRoom(file);
            return made;
        } catch (WeightException | NativeLibraryException e) {
            throw e;
        } catch (RuntimeException e) {
            throw new WeightException(file, "is not a tokenizer: " + e.getMessage(), e);
        }
    }

    private void requireRoom(Path file) {
        int specials;
        try (Encoded nothing = tokenizer.encode("")) {
            specials = nothing.ids().length;
        }
        if (maxTokens < specials) {
            close();
            throw new WeightException(file, "adds " + specials + " special tokens to every text: it cannot be cut at " + maxTokens + " tokens");
        }
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
        enter();
        try {
            List<Tokens> result = new ArrayList<>(texts.size());
            for (String text : texts) {
                if (Thread.currentThread().isInterrupted()) {
                    throw new IllegalStateException("interrupted while tokenizing");
                }
                result.add(encodeOne(Surrogates.paired(text)));
            }
            return result;
        } finally {
            exit();
        }
    }

    private Tokens encodeOne(String text) {
        if (cutsLeft) {
            return cutLeft(text);
        }
        for (long length = FIRST_CHARACTERS; length < text.length(); length *= 4) {
            int end = boundary(text, (int) length);
            if (end < 0) {
                break;
            }
            Tokens tokens = tokens(text.substring(0, end));
            // What follows the cut could change the last word's tokens only, and those are cut off.
            if (tokens.truncated) {
                return tokens;
            }
        }
        return tokens(text);
    }

    /** The last place up to here between two words: before a space that follows something else. */
    private static int boundary(String text, int from) {
        for (int i = from; i > from / 2; i--) {
            if (text.charAt(i) == ' ' && text.charAt(i - 1) != ' ') {
                return i;
            }
        }
        return -1;
    }

    private Tokens tokens(String text) {
        try (Encoded encoded = tokenizer.encode(text)) {
            return new Tokens(encoded.ids(), encoded.truncated());
        }
    }

    /** Keeps the special tokens at both ends and the last of what is between them. */
    private Tokens cutLeft(String text) {
        try (Encoded encoded = tokenizer.encode(text)) {
            int[] ids = encoded.ids();
            int over = ids.length - maxTokens;
            if (over <= 0) {
                return new Tokens(ids, false);
            }
            int[] special = encoded.specialTokens();
            int first = 0;
            while (first < ids.length && special[first] != 0) {
                first++;
            }
            int[] kept = Arrays.copyOf(ids, maxTokens);
            System.arraycopy(ids, first + over, kept, first, maxTokens - first);
            return new Tokens(kept, true);
        }
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
