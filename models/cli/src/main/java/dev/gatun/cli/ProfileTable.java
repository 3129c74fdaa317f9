package dev.gatun.cli;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** A profile as a table, and as bars. */
final class ProfileTable {
    private static final String[] COLOURS = {"#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#ff8ab7", "#a463f2", "#97bbf5"};
    private static final int ROW = 16;
    private static final int LEFT = 420;
    private static final int WIDTH = 460;

    private ProfileTable() {
    }

    static String text(String title, List<ProfileRow> rows, ProfileCommand.Peak peak) {
        double total = total(rows);
        StringBuilder text = new StringBuilder();
        text.append(String.format(Locale.ROOT, "%s%npeak: %.1f GFLOP/s of multiply-adds, %.1f GB/s of reading%n", title,
                peak.flops() * 1e-9, peak.bytes() * 1e-9));
        for (Map.Entry<String, List<ProfileRow>> plan : plans(rows).entrySet()) {
            long count = plan.getValue().stream().mapToLong(ProfileRow::count).max().orElse(1);
            text.append(String.format(Locale.ROOT, "%n%s: %d forwards, %.3f ms each%n", plan.getKey(), count,
                    total(plan.getValue()) * 1e-6 / count));
            text.append(String.format("%6s %9s %7s %7s  %-36s %-26s %s%n", "time", "ms", "of peak", "of read", "operation", "result",
                    "kernel"));
            for (ProfileRow row : plan.getValue()) {
                text.append(String.format(Locale.ROOT, "%5.1f%% %9.4f %7s %6.0f%%  %-36s %-26s %s%n", 100 * row.nanos() / total,
                        row.nanos() * 1e-6 / row.count(), flops(row, peak), 100 * row.ofBandwidth(peak), row.operation(), row.result(),
                        row.kernel()));
            }
        }
        text.append(String.format("%nby kernel%n"));
        kernels(rows).entrySet().stream().sorted(Map.Entry.<String, long[]>comparingByValue(Comparator.comparingLong(v -> -v[0])))
                .forEach(kernel -> text.append(String.format(Locale.ROOT, "%5.1f%% %9s %7s  %s%n", 100 * kernel.getValue()[0] / total, "",
                        kernel.getValue()[1] == 0 ? "" : String.format(Locale.ROOT, "%.0f%%",
                                100 * kernel.getValue()[1] / (kernel.getValue()[0] * 1e-9) / peak.flops()), kernel.getKey())));
        return text.toString();
    }

    private static String flops(ProfileRow row, ProfileCommand.Peak peak) {
        return row.flops() == 0 ? "" : String.format(Locale.ROOT, "%.0f%%", 100 * row.ofPeak(peak));
    }

    private static double total(List<ProfileRow> rows) {
        return rows.stream().mapToLong(ProfileRow::nanos).sum();
    }

    private static Map<String, List<ProfileRow>> plans(List<ProfileRow> rows) {
        Map<String, List<ProfileRow>> plans = new LinkedHashMap<>();
        rows.forEach(row -> plans.computeIfAbsent(row.plan(), name -> new ArrayList<>()).add(row));
        return plans;
    }

    /** Nanoseconds and FLOP of each kernel; FLOP only of those whose operations all have products. */
    private static Map<String, long[]> kernels(List<ProfileRow> rows) {
        Map<String, long[]> kernels = new TreeMap<>();
        for (ProfileRow row : rows) {
            long[] sum = kernels.computeIfAbsent(row.kernel(), name -> new long[2]);
            sum[0] += row.nanos();
            sum[1] += row.flops() * row.count();
        }
        return kernels;
    }

    /** A bar for each operation, as long as its share of the time, its kernel's colour; the dark part is the share of the peak. */
    static String svg(String title, List<ProfileRow> rows, ProfileCommand.Peak peak) {
        double total = total(rows);
        double longest = rows.stream().mapToLong(ProfileRow::nanos).max().orElse(1);
        List<String> kernels = kernels(rows).keySet().stream().toList();
        int height = (rows.size() + kernels.size() + 4) * ROW;
        StringBuilder svg = new StringBuilder(String.format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
                + "font-family=\"sans-serif\" font-size=\"11\">%n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>%n",
                LEFT + WIDTH + 180, height));
        svg.append(label(10, ROW, title + "; bars: share of the time, dark: share of the multiply-add peak"));
        int y = 2 * ROW;
        for (ProfileRow row : rows) {
            y += ROW;
            double width = WIDTH * row.nanos() / longest;
            String colour = COLOURS[kernels.indexOf(row.kernel()) % COLOURS.length];
            svg.append(label(10, y, row.operation() + "  " + row.result()));
            svg.append(bar(y, width, colour, 0.45)).append(bar(y, width * Math.min(1, row.ofPeak(peak)), colour, 1));
            svg.append(label(LEFT + (int) width + 6, y, String.format(Locale.ROOT, "%.1f%%%s", 100 * row.nanos() / total,
                    row.flops() == 0 ? "" : ", " + flops(row, peak) + " of peak")));
        }
        for (int i = 0; i < kernels.size(); i++) {
            y += ROW;
            svg.append(bar(y, ROW, COLOURS[i % COLOURS.length], 1)).append(label(LEFT + 2 * ROW, y, kernels.get(i)));
        }
        return svg.append("</svg>\n").toString();
    }

    private static String bar(int y, double width, String colour, double opacity) {
        return String.format(Locale.ROOT, "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\" opacity=\"%.2f\"/>%n", LEFT,
                y - ROW + 5, width, ROW - 3, colour, opacity);
    }

    private static String label(int x, int y, String text) {
        return String.format("<text x=\"%d\" y=\"%d\">%s</text>%n", x, y, text.replace("&", "&amp;").replace("<", "&lt;"));
    }
}
