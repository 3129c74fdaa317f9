package dev.gatun.models.onnx;

import java.util.Arrays;

/** What reads between the elements of pictures: GridSample, AffineGrid, RoiAlign. */
final class SampleOps {
    private SampleOps() {
    }

    /** The kernel of this family, or null. */
    static Kernel find(String op) {
        return switch (op) {
            case "GridSample" -> Operators.one(SampleOps::gridSample);
            case "AffineGrid" -> Operators.one(SampleOps::affineGrid);
            case "RoiAlign" -> Operators.one(SampleOps::roiAlign);
            default -> null;
        };
    }

    /** Between the four pixels around a place; what lies outside counts as 0. */
    static double bilinear(OnnxTensor x, long plane, double py, double px) {
        long h = x.dim(-2);
        long w = x.dim(-1);
        long y0 = (long) Math.floor(py);
        long x0 = (long) Math.floor(px);
        double sum = 0;
        for (int i = 0; i < 4; i++) {
            long yy = y0 + i / 2;
            long xx = x0 + i % 2;
            if (yy >= 0 && yy < h && xx >= 0 && xx < w) {
                sum += (1 - Math.abs(py - yy)) * (1 - Math.abs(px - xx)) * x.real(plane + yy * w + xx);
            }
        }
        return sum;
    }

    /** What a grid means. */
    private record Grid(String mode, String padding, boolean corners) {

        double place(double n, long size) {
            return corners ? (n + 1) / 2 * (size - 1) : ((n + 1) * size - 1) / 2;
        }

        double inside(double v, long size) {
            double low = corners ? 0 : -0.5;
            double high = corners ? size - 1 : size - 0.5;
            if (v >= low && v <= high || padding.equals("zeros")) {
                return v;
            }
            return padding.equals("border") ? Math.max(0, Math.min(size - 1, v)) : reflect(v, low, high);
        }

        private static double reflect(double v, double low, double high) {
            double range = high - low;
            double d = v < low ? low - v : v > high ? v - high : -1;
            if (d < 0 || range <= 0) {
                return range <= 0 ? 0 : v;
            }
            double n = Math.floor(d / range);
            double rest = d - n * range;
            return v < low == (n % 2 == 0) ? low + rest : high - rest;
        }

        /** The element that is read for index i; -1 for 0. */
        long index(long i, long size) {
            return switch (padding) {
                case "zeros" -> i >= 0 && i < size ? i : -1;
                case "border" -> Math.max(0, Math.min(size - 1, i));
                default -> Math.max(0, Math.min(size - 1, (long) reflect(i, corners ? 0 : -0.5, corners ? size - 1 : size - 0.5)));
            };
        }

        double[] weights(double t) {
            if (mode.equals("linear")) {
                return new double[] {1 - t, t};
            }
            double a = -0.75;
            return new double[] {((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a, ((a + 2) * t - (a + 3)) * t * t + 1,
                    ((a + 2) * (1 - t) - (a + 3)) * (1 - t) * (1 - t) + 1, ((a * (2 - t) - 5 * a) * (2 - t) + 8 * a) * (2 - t) - 4 * a};
        }
    }

    private static OnnxTensor gridSample(Call c) {
        OnnxTensor x = c.in(0);
        OnnxTensor grid = c.in(1);
        int rank = x.rank() - 2;
        c.require(rank >= 1 && grid.rank() == x.rank() && grid.dim(-1) == rank && grid.dim(0) == x.dim(0), "the grid does not fit");
        String mode = switch (c.s("mode", "linear")) {
            case "bilinear", "linear" -> "linear";
            case "bicubic", "cubic" -> "cubic";
            default -> c.s("mode", "linear");
        };
        Grid how = new Grid(mode, c.s("padding_mode", "zeros"), c.flag("align_corners"));
        long[] dims = x.dims();
        System.arraycopy(grid.dims(), 1, dims, 2, rank);
        OnnxTensor y = c.make(x.type(), dims);
        long spatial = Call.product(dims, 2, dims.length);
        long[] in = Arrays.copyOfRange(x.dims(), 2, x.rank());
        long plane = Call.product(in, 0, rank);
        double[] at = new double[rank];
        for (long n = 0; n < x.dim(0); n++) {
            for (long o = 0; o < spatial; o++) {
                for (int d = 0; d < rank; d++) {
                    double place = (float) how.place(grid.real((n * spatial + o) * rank + rank - 1 - d), in[d]);
                    at[d] = how.inside(mode.equals("nearest") ? Math.rint(place) : place, in[d]);
                }
                for (long ch = 0; ch < x.dim(1); ch++) {
                    long nc = n * x.dim(1) + ch;
                    y.put(nc * spatial + o, sample(x, nc * plane, in, how, at, 0));
                }
            }
        }
        return y;
    }

    private static double sample(OnnxTensor x, long base, long[] dims, Grid how, double[] at, int d) {
        if (d == dims.length) {
            return x.real(base);
        }
        long stride = Call.product(dims, d + 1, dims.length);
        if (how.mode.equals("nearest")) {
            long i = how.index((long) at[d], dims[d]);
            return i < 0 ? 0 : sample(x, base + i * stride, dims, how, at, d + 1);
        }
        long floor = (long) Math.floor(at[d]);
        double[] weights = how.weights(at[d] - floor);
        double sum = 0;
        for (int k = 0; k < weights.length; k++) {
            long i = how.index(floor + k - (weights.length / 2 - 1), dims[d]);
            sum += i < 0 ? 0 : weights[k] * sample(x, base + i * stride, dims, how, at, d + 1);
        }
        return sum;
    }

    private static OnnxTensor affineGrid(Call c) {
        OnnxTensor theta = c.in(0);
        long[] size = c.in(1).longs();
        int rank = size.length - 2;
        c.require(rank >= 1 && theta.rank() == 3 && theta.dim(1) == rank && theta.dim(2) == rank + 1, "theta does not fit the size");
        boolean corners = c.flag("align_corners");
        long[] spatial = Arrays.copyOfRange(size, 2, size.length);
        long[] dims = Arrays.copyOf(new long[] {size[0]}, rank + 2);
        System.arraycopy(spatial, 0, dims, 1, rank);
        dims[rank + 1] = rank;
        OnnxTensor y = c.make(theta.type(), dims);
        long count = Call.product(spatial, 0, rank);
        long[] at = new long[rank];
        for (long n = 0; n < size[0]; n++) {
            for (long o = 0; o < count; o++) {
                Walk.unravel(o, spatial, at);
                for (int row = 0; row < rank; row++) {
                    long first = (n * rank + row) * (rank + 1);
                    double sum = theta.real(first + rank);
                    for (int d = 0; d < rank; d++) {
                        // x first: the last dimension.
                        long s = spatial[rank - 1 - d];
                        double p = corners ? s == 1 ? -1 : -1 + 2.0 * at[rank - 1 - d] / (s - 1) : -1 + (2.0 * at[rank - 1 - d] + 1) / s;
                        sum += theta.real(first + d) * p;
                    }
                    y.put((n * count + o) * rank + row, sum);
                }
            }
        }
        return y;
    }

    private static OnnxTensor roiAlign(Call c) {
        OnnxTensor x = c.in(0);
        OnnxTensor rois = c.in(1);
        OnnxTensor batch = c.in(2);
        long ph = c.i("output_height", 1);
        long pw = c.i("output_width", 1);
        long ratio = c.i("sampling_ratio", 0);
        double scale = c.f("spatial_scale", 1);
        boolean max = c.s("mode", "avg").equals("max");
        boolean half = c.s("coordinate_transformation_mode", c.version() < 16 ? "output_half_pixel" : "half_pixel").equals("half_pixel");
        c.require(x.rank() == 4 && rois.rank() == 2 && rois.dim(1) == 4 && ph > 0 && pw > 0, "expected pictures and [n, 4]");
        OnnxTensor y = c.make(x.type(), rois.dim(0), x.dim(1), ph, pw);
        double offset = half ? 0.5 : 0;
        for (long r = 0; r < rois.dim(0); r++) {
            long n = GatherOps.index(batch.whole(r), x.dim(0));
            double[] box = new double[4];
            for (int i = 0; i < 4; i++) {
                box[i] = rois.real(r * 4 + i) * scale - offset;
            }
            double w = box[2] - box[0];
            double h = box[3] - box[1];
            w = half ? w : Math.max(w, 1);
            h = half ? h : Math.max(h, 1);
            long gridH = ratio > 0 ? ratio : (long) Math.ceil(h / ph);
            long gridW = ratio > 0 ? ratio : (long) Math.ceil(w / pw);
            for (long i = 0; i < x.dim(1) * ph * pw; i++) {
                long plane = (n * x.dim(1) + i / (ph * pw)) * x.dim(2) * x.dim(3);
                double sum = max ? Double.NEGATIVE_INFINITY : 0;
                for (long g = 0; g < gridH * gridW; g++) {
                    double py = box[1] + (i / pw % ph + (g / gridW + 0.5) / gridH) * h / ph;
                    double px = box[0] + (i % pw + (g % gridW + 0.5) / gridW) * w / pw;
                    double v = bin(x, plane, py, px, max);
                    sum = max ? Math.max(sum, v) : sum + v;
                }
                y.put(r * x.dim(1) * ph * pw + i, max ? gridH * gridW == 0 ? 0 : sum : sum / Math.max(1, gridH * gridW));
            }
        }
        return y;
    }

    private static double bin(OnnxTensor x, long plane, double py, double px, boolean max) {
        long h = x.dim(2);
        long w = x.dim(3);
        if (py < -1 || py > h || px < -1 || px > w) {
            return 0;
        }
        double cy = Math.max(0, Math.min(h - 1, py));
        double cx = Math.max(0, Math.min(w - 1, px));
        if (!max) {
            return bilinear(x, plane, cy, cx);
        }
        double best = Double.NEGATIVE_INFINITY;
        long y0 = (long) cy;
        long x0 = (long) cx;
        for (int i = 0; i < 4; i++) {
            long yy = Math.min(h - 1, y0 + i / 2);
            long xx = Math.min(w - 1, x0 + i % 2);
            double wy = i / 2 == 0 ? 1 - (cy - y0) : cy - y0;
            double wx = i % 2 == 0 ? 1 - (cx - x0) : cx - x0;
            best = Math.max(best, wy * wx * x.real(plane + yy * w + xx));
        }
        return best;
    }
}
