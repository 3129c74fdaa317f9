package dev.gatun.bench.harness;

import java.util.LinkedHashMap;
import java.util.Map;

/** One colour for each contender, the same in every report; kin have shades of one. */
final class Palette {
    private static final Map<String, String> COLORS = Map.ofEntries(
            Map.entry("gatun", "#2563a8"), Map.entry("gatun-int8", "#2563a8"), Map.entry("gatun-product", "#7fa8d8"),
            Map.entry("gatun-1-core", "#7fa8d8"), Map.entry("onnxruntime", "#e08a2e"), Map.entry("onnxruntime-qdq", "#f0c08a"),
            Map.entry("djl-pytorch", "#5a9e57"), Map.entry("langchain4j", "#3aa6a0"), Map.entry("openblas", "#7a5c3e"),
            Map.entry("vector-api", "#b55a9a"), Map.entry("vector-im2col", "#b55a9a"), Map.entry("vector-direct", "#d9a3c9"),
            Map.entry("blocked-java", "#8a8a8a"), Map.entry("plain-java", "#bdbdbd"), Map.entry("c++", "#c9b037"));
    private static final String[] OTHERS = {"#4b4b9f", "#a03b3b", "#607d3b", "#555555"};

    private final Map<String, String> others = new LinkedHashMap<>();

    String of(String contender) {
        String color = COLORS.get(contender);
        return color != null ? color : others.computeIfAbsent(contender, _ -> OTHERS[others.size() % OTHERS.length]);
    }
}
