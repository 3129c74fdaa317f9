package dev.gatun.models.onnx;

import java.util.ArrayList;
import java.util.List;

/** NonMaxSuppression. */
final class DetectionOps {
    private DetectionOps() {
    }

    /** The kernel of this family, or null. */
    static Kernel find(String op) {
        return switch (op) {
            case "NonMaxSuppression" -> Operators.one(DetectionOps::suppress);
            default -> null;
        };
    }

    private static OnnxTensor suppress(Call c) {
        OnnxTensor boxes = c.in(0);
        OnnxTensor scores = c.in(1);
        long most = c.has(2) ? c.in(2).whole(0) : 0;
        double overlap = c.has(3) ? c.in(3).real(0) : 0;
        double least = c.has(4) ? c.in(4).real(0) : Double.NEGATIVE_INFINITY;
        boolean center = c.flag("center_point_box");
        c.require(boxes.rank() == 3 && boxes.dim(2) == 4 && scores.rank() == 3 && scores.dim(2) == boxes.dim(1)
                && scores.dim(0) == boxes.dim(0),
                "expected boxes [B, n, 4] and scores [B, classes, n]");
        long n = boxes.dim(1);
        Wire.Numbers chosen = new Wire.Numbers();
        for (long bc = 0; bc < scores.dim(0) * scores.dim(1); bc++) {
            long b = bc / scores.dim(1);
            long first = bc * n;
            List<Long> order = new ArrayList<>();
            for (long i = 0; i < n; i++) {
                if (scores.real(first + i) > least) {
                    order.add(i);
                }
            }
            order.sort((p, q) -> Double.compare(scores.real(first + q), scores.real(first + p)));
            List<double[]> kept = new ArrayList<>();
            for (long i : order) {
                double[] box = box(boxes, (b * n + i) * 4, center);
                if (kept.size() < most && kept.stream().noneMatch(k -> shared(k, box) > overlap)) {
                    kept.add(box);
                    chosen.add(b);
                    chosen.add(bc % scores.dim(1));
                    chosen.add(i);
                }
            }
        }
        return c.ofLongs(chosen.toArray(), chosen.count() / 3, 3);
    }

    private static double[] box(OnnxTensor boxes, long at, boolean center) {
        double a = boxes.real(at);
        double b = boxes.real(at + 1);
        double p = boxes.real(at + 2);
        double q = boxes.real(at + 3);
        return center ? new double[] {a - p / 2, b - q / 2, a + p / 2, b + q / 2}
                : new double[] {Math.min(a, p), Math.min(b, q), Math.max(a, p), Math.max(b, q)};
    }

    private static double shared(double[] a, double[] b) {
        double h = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]));
        double w = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
        double both = h * w;
        double all = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both;
        return all <= 0 ? 0 : both / all;
    }
}
