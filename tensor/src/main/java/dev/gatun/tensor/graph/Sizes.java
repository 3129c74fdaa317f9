package dev.gatun.tensor.graph;

import java.util.Map;
import java.util.TreeMap;

/**
 * Sizes of a graph's free dimensions, by name. Immutable; a key of compiled plans.
 *
 * @param byName each 1 or more
 */
public record Sizes(Map<String, Long> byName) {
    /** No free dimension. */
    public static final Sizes NONE = new Sizes(Map.of());

    /** Copies and checks. */
    public Sizes {
        byName = Map.copyOf(byName);
        byName.forEach((name, size) -> {
            if (size < 1) {
                throw new IllegalArgumentException("size " + name + " is " + size + ", expected 1 or more");
            }
        });
    }

    /** One free dimension. */
    public static Sizes of(String name, long size) {
        return new Sizes(Map.of(name, size));
    }

    /** Two free dimensions. */
    public static Sizes of(String name, long size, String other, long otherSize) {
        return new Sizes(Map.of(name, size, other, otherSize));
    }

    /** These, and another or another size. */
    public Sizes with(String name, long size) {
        Map<String, Long> more = new TreeMap<>(byName);
        more.put(name, size);
        return new Sizes(more);
    }

    /**
     * The size of this name.
     *
     * @throws IllegalArgumentException if there is none
     */
    public long get(String name) {
        Long size = byName.get(name);
        if (size == null) {
            throw new IllegalArgumentException("no size for " + name + ", only for " + byName.keySet());
        }
        return size;
    }

    /** As {@code tokens=48}. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        new TreeMap<>(byName).forEach((name, size) -> text.append(text.isEmpty() ? "" : ", ").append(name).append('=').append(size));
        return text.toString();
    }
}
