package dev.gatun.models.checkpoint;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The families that are served, in the order in which they are asked. Thread-safe.
 *
 * @param all each of a name of its own
 */
public record Families(List<Family<?>> all) {
    /** Copies the list. */
    public Families {
        all = List.copyOf(all);
        if (all.stream().map(Family::name).distinct().count() != all.size()) {
            throw new IllegalArgumentException("two families of one name in " + all.stream().map(Family::name).toList());
        }
    }

    /** The first family that claims a checkpoint. */
    public Optional<Family<?>> find(Checkpoint checkpoint) {
        for (Family<?> family : all) {
            if (family.claims(checkpoint)) {
                return Optional.of(family);
            }
        }
        return Optional.empty();
    }

    /**
     * The family that serves a checkpoint.
     *
     * @throws WeightException if there is none: says what config.json calls the model, and what is nearest
     */
    public Family<?> require(Checkpoint checkpoint) {
        return find(checkpoint).orElseThrow(() -> new WeightException(checkpoint.origin(), missing(checkpoint)));
    }

    /** What to say of a checkpoint that no family claims; its weights can be opened. */
    String missing(Checkpoint checkpoint) {
        String said = checkpoint.said();
        String nearest = nearest(checkpoint);
        String what = !said.isEmpty() ? ": config.json says " + said
                : checkpoint.hasConfig() ? "; config.json names none (model_type, architectures)" : "; config.json is missing";
        return "no model that is served" + what + Uses.hint(checkpoint.architectures())
                + (nearest.isEmpty() ? "" : "; nearest is " + nearest) + "; served are "
                + String.join(", ", all.stream().map(Family::name).toList());
    }

    /** The family whose words are most like those of the config; empty if none is like them. */
    String nearest(Checkpoint checkpoint) {
        List<String> words = Stream.concat(Stream.of(checkpoint.modelType()), checkpoint.architectures().stream())
                .map(Families::stem).filter(w -> !w.isEmpty() && w.length() <= 80).limit(8).toList();
        return all.stream().flatMap(f -> f.words().stream().map(w -> new Likeness(f.name(),
                        words.stream().mapToDouble(word -> likeness(word, stem(w))).max().orElse(0))))
                .filter(l -> l.value >= 0.5).max(Comparator.comparingDouble(Likeness::value)).map(Likeness::family).orElse("");
    }

    /** A word without what the classes of all families end in. */
    private static String stem(String word) {
        return word.toLowerCase(Locale.ROOT).replaceAll("(lmhead|mt)?model$|for[a-z]+$", "");
    }

    private record Likeness(String family, double value) {
    }

    /** Length of the longest common part over that of the shorter word. */
    private static double likeness(String a, String b) {
        int best = 0;
        int[] row = new int[b.length() + 1];
        for (int i = 0; i < a.length(); i++) {
            for (int j = b.length(); j > 0; j--) {
                row[j] = a.charAt(i) == b.charAt(j - 1) ? row[j - 1] + 1 : 0;
                best = Math.max(best, row[j]);
            }
        }
        return best < 3 ? 0 : (double) best / Math.min(a.length(), b.length());
    }

    /**
     * Says what a checkpoint holds, what serves it, and what is missing.
     *
     * @throws WeightException if a file that has to be looked into is damaged
     */
    public InspectReport describe(Checkpoint checkpoint) {
        return InspectReport.of(checkpoint, this);
    }
}
