package dev.gatun.models.task.translate;

import dev.gatun.bindings.loader.ThreadCount;
import dev.gatun.tensor.Precision;
import java.util.Objects;

/**
 * How a translator is loaded.
 *
 * @param threads   cores to use; the default is what the container may use ({@code Runtime.availableProcessors})
 * @param source    code of the language that texts are in, as the model has it; null: as the folder says
 * @param target    code of the language to translate to; null: as the folder says
 * @param maxTokens longer texts are cut at sentences, special tokens included; 0: at what the model reads at most
 * @param prefix    before each text, as a T5's task; null: as the folder says of the languages, or none
 * @param precision of linear layers: F32 unless said otherwise
 */
public record TranslatorOptions(int threads, String source, String target, int maxTokens, String prefix, Precision precision) {
    /** Checks the numbers. */
    public TranslatorOptions {
        ThreadCount.checked(threads);
        Objects.requireNonNull(precision, "precision");
        if (maxTokens < 0) {
            throw new IllegalArgumentException("maxTokens must be 0 or more, not " + maxTokens);
        }
    }

    /** Every available core, all else as the folder says. */
    public static TranslatorOptions defaults() {
        return new TranslatorOptions(ThreadCount.usual(), null, null, 0, null, Precision.F32);
    }

    /** The same with another number of cores. */
    public TranslatorOptions withThreads(int count) {
        return new TranslatorOptions(count, source, target, maxTokens, prefix, precision);
    }

    /** The same between other languages. */
    public TranslatorOptions withLanguages(String from, String to) {
        return new TranslatorOptions(threads, from, to, maxTokens, prefix, precision);
    }

    /** The same with texts cut elsewhere. */
    public TranslatorOptions withMaxTokens(int count) {
        return new TranslatorOptions(threads, source, target, count, prefix, precision);
    }

    /** The same with other words before each text. */
    public TranslatorOptions withPrefix(String words) {
        return new TranslatorOptions(threads, source, target, maxTokens, words, precision);
    }

    /** The same with another precision of linear layers. */
    public TranslatorOptions withPrecision(Precision other) {
        return new TranslatorOptions(threads, source, target, maxTokens, prefix, other);
    }
}
