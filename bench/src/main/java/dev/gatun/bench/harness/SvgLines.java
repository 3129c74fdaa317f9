package dev.gatun.bench.harness;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** Lines over a few places of x, equally far apart and named; y begins at 0. */
final class SvgLines {
    private static final int LEFT = 70;
    private static final int TOP = 26;
    private static final int WIDTH = 460;
    private static final int HEIGHT = 210;
    private static final int RIGHT = 170;
    private static final int BOTTOM = 44;

    private record Point(double x, double y) {
    }

    private final String title;
    private final String xLabel;
    private final Palette palette;
    private final Map<String, List<Point>> lines = new LinkedHashMap<>();
    private final Map<Double, String> names = new LinkedHashMap<>();

    SvgLines(String title, String xLabel, Palette palette) {
        this.title = title;
        this.xLabel = xLabel;
        this.palette = palette;
    }

    /** Adds a point to a contender's line. */
    void point(String contender, double x, String xName, double y) {
        lines.computeIfAbsent(contender, k -> new ArrayList<>()).add(new Point(x, y));
        names.put(x, xName);
    }

    String svg() {
        List<Double> places = new ArrayList<>(new TreeSet<>(names.keySet()));
        double most = lines.values().stream().flatMap(List::stream).mapToDouble(Point::y).max().orElse(1);
        double step = step(most);
        double top = Math.ceil(most / step) * step;
        StringBuilder svg = new StringBuilder(String.format("<svg width=\"%d\" height=\"%d\" role=\"img\">%n<text x=\"%d\" y=\"14\" "
                + "font-weight=\"600\">%s</text>%n", LEFT + WIDTH + RIGHT, TOP + HEIGHT + BOTTOM, 0, SvgBars.escape(title)));
        for (int i = 0; i * step <= top * 1.0001; i++) {
            double y = TOP + HEIGHT - i * step / top * HEIGHT;
            svg.append(String.format("<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#e4e4e4\"/><text x=\"%d\" y=\"%.1f\" "
                    + "text-anchor=\"end\" fill=\"#666\">%s</text>%n", LEFT, LEFT + WIDTH, y, y, LEFT - 6, y + 4,
                            SvgBars.number(i * step)));
        }
        // As many names as have room.
        int every = Math.max(1, (places.size() + 11) / 12);
        for (int i = 0; i < places.size(); i += every) {
            svg.append(String.format("<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\" fill=\"#666\">%s</text>%n", x(i, places), TOP
                    + HEIGHT + 16,
                    SvgBars.escape(names.get(places.get(i)))));
        }
        svg.append(String.format("<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" fill=\"#666\">%s</text>%n", LEFT + WIDTH / 2,
                TOP + HEIGHT + 34, SvgBars.escape(xLabel)));
        int row = 0;
        for (Map.Entry<String, List<Point>> line : lines.entrySet()) {
            draw(svg, line.getKey(), line.getValue(), places, top, row++);
        }
        return svg.append("</svg>\n").toString();
    }

    private void draw(StringBuilder svg, String contender, List<Point> points, List<Double> places, double top, int row) {
        String color = palette.of(contender);
        StringBuilder path = new StringBuilder();
        StringBuilder dots = new StringBuilder();
        for (Point point : points) {
            double x = x(places.indexOf(point.x), places);
            double y = TOP + HEIGHT - point.y / top * HEIGHT;
            path.append(String.format("%.1f,%.1f ", x, y));
            dots.append(String.format("<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>", x, y, color));
        }
        svg.append(String.format("<polyline points=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"/>%s%n", path, color, dots));
        int y = TOP + 10 + row * 18;
        svg.append(String.format("<rect x=\"%d\" y=\"%d\" width=\"12\" height=\"12\" fill=\"%s\"/><text x=\"%d\" y=\"%d\">%s</text>%n",
                LEFT + WIDTH + 16, y - 10, color, LEFT + WIDTH + 34, y, SvgBars.escape(contender)));
    }

    private static double x(int place, List<Double> places) {
        return LEFT + (places.size() == 1 ? 0.5 : (double) place / (places.size() - 1)) * WIDTH;
    }

    /** 1, 2 or 5 times a power of ten, so that about five lines fit. */
    private static double step(double most) {
        double rough = Math.max(most, 1e-9) / 5;
        double power = Math.pow(10, Math.floor(Math.log10(rough)));
        double digits = rough / power;
        return power * (digits <= 1 ? 1 : digits <= 2 ? 2 : digits <= 5 ? 5 : 10);
    }
}
