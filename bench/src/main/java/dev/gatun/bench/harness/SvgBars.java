package dev.gatun.bench.harness;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Horizontal bars in groups, each group on a scale of its own: workloads differ by orders of magnitude. */
final class SvgBars {
    private static final int LEFT = 130;
    private static final int WIDTH = 720;
    private static final int RIGHT = 170;
    private static final int BAR = 15;

    private record Bar(String label, double value, double low, double high) {
    }

    private final Map<String, List<Bar>> groups = new LinkedHashMap<>();
    private final Palette palette;
    private List<Bar> current;

    SvgBars(Palette palette) {
        this.palette = palette;
    }

    /** What follows belongs to this group. */
    void group(String title) {
        current = groups.computeIfAbsent(title, k -> new ArrayList<>());
    }

    /** A bar with a whisker from low to high; NaN is a missing one. */
    void bar(String label, double value, double low, double high) {
        current.add(new Bar(label, value, low, high));
    }

    /** The picture. */
    String svg() {
        StringBuilder svg = new StringBuilder();
        int y = 4;
        for (Map.Entry<String, List<Bar>> group : groups.entrySet()) {
            svg.append(String.format("<text x=\"0\" y=\"%d\" font-weight=\"600\">%s</text>%n", y + 12, escape(group.getKey())));
            y += 18;
            double most = group.getValue().stream().mapToDouble(bar -> Double.isNaN(bar.value()) ? 0 : Math.max(bar.value(), bar.high()))
                    .max().orElse(1);
            for (Bar bar : group.getValue()) {
                draw(svg, bar, y, most > 0 ? WIDTH / most : 0);
                y += BAR + 4;
            }
            y += 8;
        }
        return String.format("<svg width=\"%d\" height=\"%d\" role=\"img\">%n%s</svg>%n", LEFT + WIDTH + RIGHT, y, svg);
    }

    private void draw(StringBuilder svg, Bar bar, int y, double scale) {
        svg.append(String.format("<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>", LEFT - 8, y + 12, escape(bar.label())));
        if (Double.isNaN(bar.value())) {
            svg.append(String.format("<text x=\"%d\" y=\"%d\" fill=\"#999\">missing</text>%n", LEFT, y + 12));
            return;
        }
        int middle = y + BAR / 2;
        svg.append(String.format("<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>", LEFT, y,
                Math.max(1, bar.value() * scale), BAR, palette.of(bar.label())));
        if (bar.high() > bar.low()) {
            svg.append(String.format("<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"#222\"/>",
                    LEFT + bar.low() * scale, LEFT + bar.high() * scale, middle, middle));
        }
        svg.append(String.format("<text x=\"%.1f\" y=\"%d\">%s</text>%n",
                LEFT + Math.max(bar.value(), bar.high()) * scale + 6, y + 12, number(bar.value())));
    }

    static String number(double value) {
        return value == 0 ? "0" : value >= 1000 ? String.format("%,.0f", value) : value >= 10 ? String.format("%.1f", value)
                : String.format("%.3g", value);
    }

    static String escape(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\"", "&quot;");
    }
}
