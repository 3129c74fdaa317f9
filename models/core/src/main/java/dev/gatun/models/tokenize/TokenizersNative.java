package dev.gatun.models.tokenize;

import ai.djl.huggingface.tokenizers.jni.CharSpan;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import dev.gatun.bindings.loader.JniLibraries;
import dev.gatun.bindings.loader.NativeLibraryException;
import dev.gatun.bindings.loader.Platform;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/**
 * One tokenizer of the Hugging Face tokenizers library, which comes in the jar {@code ai.djl.huggingface:tokenizers}. Its own loader is left
 * alone: the library is unpacked, checked and loaded as Gatun's own are, and nothing of the JVM is configured. Encoding is thread-safe;
 * closing while somebody encodes is not.
 */
final class TokenizersNative implements AutoCloseable {
    private static final String JAR = "the jar ai.djl.huggingface:tokenizers";
    private static final TokenizersLibrary LIBRARY = TokenizersLibrary.LIB;
    private static boolean loaded;

    private final long handle;

    private TokenizersNative(long handle) {
        this.handle = handle;
    }

    /**
     * Makes a tokenizer that neither cuts nor pads.
     *
     * @param json a tokenizer.json, checked: over some errors the library ends the process
     * @throws RuntimeException       in the library's words, if it is not a tokenizer
     * @throws NativeLibraryException if the library cannot be loaded
     */
    static TokenizersNative of(String json) {
        load();
        TokenizersNative made = new TokenizersNative(LIBRARY.createTokenizerFromString(json));
        LIBRARY.disableTruncation(made.handle);
        LIBRARY.disablePadding(made.handle);
        return made;
    }

    private static synchronized void load() {
        if (loaded) {
            return;
        }
        Platform platform = Platform.current();
        Properties files = new Properties();
        try (InputStream in = TokenizersNative.class.getResourceAsStream("tokenizers.properties")) {
            files.load(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        String file = files.getProperty(platform + ".file");
        if (file == null) {
            throw new NativeLibraryException("the tokenizers library has no natives for " + platform + ", only " + files.stringPropertyNames());
        }
        ClassLoader jar = TokenizersLibrary.class.getClassLoader();
        String folder = files.getProperty(platform + ".folder");
        JniLibraries.load(new JniLibraries.Source(JAR, file, files.getProperty(platform + ".sha256"), name -> jar.getResourceAsStream(folder + name)));
        try {
            LIBRARY.deleteTokenizer(LIBRARY.createTokenizerFromString("{\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"a\":0},\"unk_token\":\"a\"}}"));
        } catch (UnsatisfiedLinkError e) {
            throw new NativeLibraryException("the classes of " + JAR + " come from another class loader than Gatun's: put both into the same", e);
        }
        loaded = true;
    }

    /** Cuts what is longer, special tokens included, at its end. */
    void truncate(int maxTokens) {
        truncate(maxTokens, Cut.LONGEST_FIRST, 0);
    }

    /** Which text of a pair is cut; the library ends the process over another name. */
    enum Cut { LONGEST_FIRST, ONLY_FIRST, ONLY_SECOND }

    /** Cuts into windows that overlap by a stride. */
    void truncate(int maxTokens, Cut cut, int stride) {
        LIBRARY.setTruncation(handle, maxTokens, cut.name(), stride);
    }

    /** Encodes a text with its special tokens; the caller closes the result. */
    Encoded encode(String text) {
        return new Encoded(LIBRARY.encode(handle, text, true));
    }

    /** Encodes a pair of texts with their special tokens; the caller closes the result. */
    Encoded encode(String text, String other) {
        return new Encoded(LIBRARY.encodeDual(handle, text, other, true));
    }

    @Override
    public void close() {
        LIBRARY.deleteTokenizer(handle);
    }

    /** A text's tokens, in the library's memory. One thread. */
    static final class Encoded implements AutoCloseable {
        private final long handle;

        private Encoded(long handle) {
            this.handle = handle;
        }

        int[] ids() {
            return narrow(LIBRARY.getTokenIds(handle));
        }

        int[] typeIds() {
            return narrow(LIBRARY.getTypeIds(handle));
        }

        /** 1 for tokens that are not of the text. */
        int[] specialTokens() {
            return narrow(LIBRARY.getSpecialTokenMask(handle));
        }

        /** Which word a token belongs to, -1 for none. */
        int[] wordIds() {
            return narrow(LIBRARY.getWordIds(handle));
        }

        /** Which of a pair's texts a token belongs to, -1 for neither. */
        int[] sequenceIds() {
            return narrow(LIBRARY.getSequenceIds(handle));
        }

        /** Where a token stands in its text, in code points; null for special tokens. */
        CharSpan[] spans() {
            return LIBRARY.getTokenCharSpans(handle);
        }

        /** Whether something was cut off. */
        boolean truncated() {
            return LIBRARY.getOverflowCount(handle) > 0;
        }

        /** What was cut off, piece by piece; the caller closes each. */
        Encoded[] overflowing() {
            long[] handles = LIBRARY.getOverflowing(handle);
            Encoded[] pieces = new Encoded[handles.length];
            for (int i = 0; i < pieces.length; i++) {
                pieces[i] = new Encoded(handles[i]);
            }
            return pieces;
        }

        private static int[] narrow(long[] wide) {
            int[] ids = new int[wide.length];
            for (int i = 0; i < ids.length; i++) {
                ids[i] = Math.toIntExact(wide[i]);
            }
            return ids;
        }

        @Override
        public void close() {
            LIBRARY.deleteEncoding(handle);
        }
    }
}
