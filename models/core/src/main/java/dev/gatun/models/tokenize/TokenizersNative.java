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
 * One tokenizer of the Hugging Face tokenizers library, which comes in the jar {@code ai.djl.huggingface:tokenizers}. Its own loader is
 * left alone: the library is unpacked, checked and loaded as Gatun's own are, and nothing of the JVM is configured. Encoding is
 * thread-safe; closing while somebody encodes is not.
 */
final class TokenizersNative implements AutoCloseable {
    private static final String JAR = "the jar ai.djl.huggingface:tokenizers";
    private static final TokenizersLibrary LIBRARY = TokenizersLibrary.LIB;
    private static boolean loaded;

    private static final String SPACE = "\u2581";

    private final long handle;
    private final boolean begins;

    private TokenizersNative(long handle, boolean begins) {
        this.handle = handle;
        this.begins = begins;
    }

    /**
     * Makes a tokenizer that neither cuts nor pads.
     *
     * @param json   a tokenizer.json, checked: over some errors the library ends the process
     * @param begins whether texts begin with a sentencepiece space of their own, and have none elsewhere
     * @throws RuntimeException       in the library's words, if it is not a tokenizer
     * @throws NativeLibraryException if the library cannot be loaded
     */
    static TokenizersNative of(String json, boolean begins) {
        load();
        TokenizersNative made = new TokenizersNative(LIBRARY.createTokenizerFromString(json), begins);
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
            throw new NativeLibraryException("the tokenizers library has no natives for " + platform + ", only "
                    + files.stringPropertyNames());
        }
        ClassLoader jar = TokenizersLibrary.class.getClassLoader();
        String folder = files.getProperty(platform + ".folder");
        JniLibraries.load(new JniLibraries.Source(JAR, file, files.getProperty(platform + ".sha256"), name ->
                jar.getResourceAsStream(folder + name)));
        try {
            LIBRARY.deleteTokenizer(LIBRARY.createTokenizerFromString("{\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"a\":0},"
                    + "\"unk_token\":\"a\"}}"));
        } catch (UnsatisfiedLinkError e) {
            throw new NativeLibraryException("the classes of " + JAR
                    + " come from another class loader than Gatun's: put both into the same", e);
        }
        loaded = true;
    }

    private long encode(String text) {
        return LIBRARY.encode(handle, begins ? SPACE + text.replace(SPACE, " ") : text, false);
    }

    /** Ids of a text's own tokens, without special ones. */
    int[] ids(String text) {
        long encoding = encode(text);
        try {
            return narrow(LIBRARY.getTokenIds(encoding));
        } finally {
            LIBRARY.deleteEncoding(encoding);
        }
    }

    /** Texts of a text's own tokens, without special ones; of what a unigram model does not know as it stands there, normalized. */
    String[] tokens(String text) {
        long encoding = encode(text);
        try {
            return LIBRARY.getTokens(encoding);
        } finally {
            LIBRARY.deleteEncoding(encoding);
        }
    }

    /** A text's own tokens, without special ones. */
    Pieces pieces(String text) {
        long encoding = encode(text);
        try {
            int[] ids = narrow(LIBRARY.getTokenIds(encoding));
            int[] starts = new int[ids.length];
            int[] ends = new int[ids.length];
            int shift = begins ? 1 : 0;
            CharSpan[] spans = LIBRARY.getTokenCharSpans(encoding);
            for (int i = 0; i < ids.length; i++) {
                starts[i] = Math.max(0, spans[i].getStart() - shift);
                ends[i] = Math.max(0, spans[i].getEnd() - shift);
            }
            int[] units = Surrogates.unitsOfCodePoints(text);
            return new Pieces(ids, at(starts, units), at(ends, units), narrow(LIBRARY.getWordIds(encoding)));
        } finally {
            LIBRARY.deleteEncoding(encoding);
        }
    }

    /** How special tokens stand around one text, or around two if the second is not null. */
    Frame frame(String first, String second) {
        long encoding = second == null ? LIBRARY.encode(handle, first, true)
                : LIBRARY.encodeDual(handle, first, second, true);
        try {
            return Frame.of(narrow(LIBRARY.getTokenIds(encoding)), narrow(LIBRARY.getTypeIds(encoding)),
                    narrow(LIBRARY.getSequenceIds(encoding)));
        } finally {
            LIBRARY.deleteEncoding(encoding);
        }
    }

    private static int[] at(int[] places, int[] units) {
        for (int i = 0; units != null && i < places.length; i++) {
            places[i] = units[places[i]];
        }
        return places;
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
        LIBRARY.deleteTokenizer(handle);
    }
}
