package dev.gatun.models.tokenize;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import dev.gatun.models.checkpoint.WeightException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Texts to token ids with a Hugging Face {@code tokenizer.json}, special tokens included. Whatever the file asks for,
 * nothing is padded, and texts are cut at the model's length. Thread-safe. Owns native memory of the tokenizers
 * library; using it after {@link #close} throws {@link IllegalStateException}.
 */
public final class TextTokenizer implements AutoCloseable {
    static {
        loadLibraryQuietly();
    }

    private final HuggingFaceTokenizer tokenizer;
    private final int maxTokens;
    private boolean closed;
    private int users;

    private TextTokenizer(HuggingFaceTokenizer tokenizer, int maxTokens) {
        this.tokenizer = tokenizer;
        this.maxTokens = maxTokens;
    }

    /**
     * DJL looks two properties up. It reports home whenever a tokenizer is made, unless told not to: that stays. It
     * would fetch a missing library: only ours is kept from it, the property is put back for other users of DJL.
     */
    private static void loadLibraryQuietly() {
        System.setProperty("OPT_OUT_TRACKING", System.getProperty("OPT_OUT_TRACKING", "true"));
        boolean unset = System.getProperty("ai.djl.offline") == null;
        if (unset) {
            System.setProperty("ai.djl.offline", "true");
        }
        try {
            Class.forName("ai.djl.huggingface.tokenizers.jni.LibUtils");
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException("the tokenizers library (ai.djl.huggingface:tokenizers) is not on the class path", e);
        } finally {
            if (unset) {
                System.clearProperty("ai.djl.offline");
            }
        }
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
     * Loads a tokenizer.
     *
     * @param file      {@code tokenizer.json}
     * @param maxTokens where texts are cut, special tokens included
     * @throws WeightException if the file is missing or not a tokenizer
     */
    public static TextTokenizer load(Path file, int maxTokens) {
        if (!Files.isRegularFile(file)) {
            throw new WeightException(file, "does not exist; the tokenizer is expected there");
        }
        if (!Files.isReadable(file)) {
            throw new WeightException(file, "may not be read by this user");
        }
        try {
            return new TextTokenizer(HuggingFaceTokenizer.newInstance(file, Map.of(
                    "padding", "false", "truncation", "true", "maxLength", Integer.toString(maxTokens),
                    "modelMaxLength", Integer.toString(maxTokens), "addSpecialTokens", "true")), maxTokens);
        } catch (IOException | RuntimeException e) {
            throw new WeightException(file, "is not a tokenizer: " + e.getMessage(), e);
        }
    }

    /** The tokens of one text. */
    public Tokens encode(String text) {
        return encodeBatch(List.of(text)).getFirst();
    }

    /** The tokens of each text, in order. */
    public List<Tokens> encodeBatch(List<String> texts) {
        enter();
        try {
            List<Tokens> result = new ArrayList<>(texts.size());
            for (String text : texts) {
                result.add(tokens(tokenizer.encode(text, true, true)));
            }
            return result;
        } finally {
            exit();
        }
    }

    private Tokens tokens(Encoding encoding) {
        long[] wide = encoding.getIds();
        int[] ids = new int[wide.length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = Math.toIntExact(wide[i]);
        }
        return new Tokens(ids, encoding.getOverflowing().length > 0);
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
