package dev.gatun.bindings.loader;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The properties of the JVM that Gatun reads, {@code -Dgatun.NAME=VALUE}: each once, when it is first needed. All are checked when the
 * native libraries are loaded. Thread-safe.
 */
public enum Setting {
    /** Where natives are unpacked. */
    CACHE_DIR("gatun.cache.dir", "a folder", "$XDG_CACHE_HOME/gatun, else ~/.cache/gatun", "where native libraries are unpacked", v ->
            !v.isBlank()),
    /** Libraries as they are. */
    LIBRARY_PATH("gatun.library.path", "a folder", "", "a folder of native libraries to use as they are; nothing is unpacked", v ->
            !v.isBlank()),
    /** The best instruction set that may be used. */
    ISA("gatun.isa", "baseline, avx2 or avx512", "",
            "no better instructions than these in oneDNN and libgatun; the variable GATUN_ISA is the same, "
            + "and counts where the property is not set", choice("baseline", "avx2", "avx512")),
    /** Who multiplies. */
    LINEAR("gatun.linear", "onednn, openblas, gatun or measure", "gatun",
            "who multiplies; measure: chosen for each shape while a model loads", choice("onednn", "openblas", "gatun", "measure")),
    /** Who convolves. */
    CONV("gatun.conv", "onednn or fastest", "fastest", "onednn: no convolutions by kernels of our own", choice("onednn", "fastest")),
    /** Native bytes of the process. */
    NATIVE_LIMIT("gatun.native.limit", "a number of bytes, or of k, m or g of them, as 800m", "",
            "native memory that models, sessions and results hold together at most; more is refused with a list of who holds what", v ->
            v.matches("[1-9]\\d{0,12}[kKmMgG]?")),
    /** Tokens of a chunk. */
    CHUNK_TOKENS("gatun.chunk.tokens", 1, 1 << 16, "128", "tokens that an encoder computes together"),
    /** Pictures of a trunk's batch. */
    TRUNK_BATCH("gatun.trunk.batch", 1, 1 << 10, "",
            "pictures that a convolutional network computes together, rounded down to a power of two");

    private final String key;
    private final String range;
    private final String defaultValue;
    private final String meaning;
    private final Function<String, Boolean> valid;
    private volatile String value;

    Setting(String key, String range, String defaultValue, String meaning, Function<String, Boolean> valid) {
        this.key = key;
        this.range = range;
        this.defaultValue = defaultValue;
        this.meaning = meaning;
        this.valid = valid;
    }

    Setting(String key, int least, int most, String defaultValue, String meaning) {
        this(key, "a whole number from " + least + " to " + most, defaultValue, meaning,
                v -> v.matches("\\d{1,9}") && Integer.parseInt(v) >= least && Integer.parseInt(v) <= most);
    }

    private static Function<String, Boolean> choice(String... values) {
        return List.of(values)::contains;
    }

    /** Name of the property. */
    public String key() {
        return key;
    }

    /** The values that it may have, in words. */
    public String range() {
        return range;
    }

    /** What counts when it is not set, in words; empty: it depends, or nothing does. */
    public String defaultValue() {
        return defaultValue;
    }

    /** What it is for. */
    public String meaning() {
        return meaning;
    }

    /** Whether the user has set it. */
    public boolean isSet() {
        return System.getProperty(key) != null;
    }

    /**
     * Its value, or the default.
     *
     * @throws IllegalArgumentException if the user's value is not one; names the property, the value and the range
     */
    public String text() {
        String known = value;
        if (known == null) {
            String set = System.getProperty(key);
            if (set != null && !valid.apply(set)) {
                throw new IllegalArgumentException("-D" + key + "=" + (set.length() > 80 ? set.substring(0, 80) + "..." : set)
                        + ": expected " + range);
            }
            known = set == null ? defaultValue : set;
            value = known;
        }
        return known;
    }

    /** The number of a property that has one as its range, and a default. */
    public int number() {
        return Integer.parseInt(text());
    }

    /** The bytes of a property that has a number of them as its range; without a value there is no end to them. */
    public long bytes() {
        String text = text();
        if (text.isEmpty()) {
            return Long.MAX_VALUE;
        }
        int shift = switch (Character.toLowerCase(text.charAt(text.length() - 1))) {
            case 'k' -> 10;
            case 'm' -> 20;
            case 'g' -> 30;
            default -> 0;
        };
        return Long.parseLong(shift == 0 ? text : text.substring(0, text.length() - 1)) << shift;
    }

    /** Checks every property. */
    static void checkAll() {
        Arrays.stream(values()).forEach(Setting::text);
    }

    /** Properties named {@code gatun.} that are none of these, in order: perhaps misspelled. */
    public static List<String> unknown() {
        List<String> known = Arrays.stream(values()).map(Setting::key).toList();
        return System.getProperties().stringPropertyNames().stream().filter(name -> name.startsWith("gatun.") && !known.contains(name))
                .sorted()
                .collect(Collectors.toList());
    }
}
