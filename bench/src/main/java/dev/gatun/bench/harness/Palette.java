package dev.gatun.bench.harness;

import java.util.ArrayList;
import java.util.List;

/** One colour for each contender, the same in every plot of a page. */
final class Palette {
    private static final String[] COLORS = {"#2563a8", "#e08a2e", "#5a9e57", "#b55a9a", "#8a8a8a", "#c9b037", "#3aa6a0", "#7a5c3e"};

    private final List<String> names = new ArrayList<>();

    String of(String contender) {
        if (!names.contains(contender)) {
            names.add(contender);
        }
        return COLORS[names.indexOf(contender) % COLORS.length];
    }
}
