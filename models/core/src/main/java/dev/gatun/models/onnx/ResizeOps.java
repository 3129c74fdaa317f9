package dev.gatun.models.onnx;

import java.util.Arrays;

/** Resize and Upsample: one axis after another, each result a weighted sum of neighbours. */
final class ResizeOps {
    private ResizeOps() {
    }

    /** The kernel of this family, or null. */
    static Kernel find(String op) {
        return switch (op) {
            case "Resize" -> Operators.one(ResizeOps::resize);
            case "Upsample" -> Operators.one(c -> {
                OnnxTensor x = c.in(0);
                double[] scales = c.has(1) ? ConvOps.doubles(c.in(1)) : widened(c.floats("scales"));
                double[] all = Arrays.copyOf(scales, x.rank());
                String mode = c.s("mode", "nearest").equals("bilinear") ? "linear" : c.s("mode", "nearest");
                Axis axis = new Axis(mode, "asymmetric", "floor", false, false, -0.75, 0);
                OnnxTensor y = x;
                for (int i = 0; i < all.length; i++) {
                    y = along(c, y, i, axis, all[i], (long) Math.floor(x.dim(i) * all[i]), 0, 1);
                }
                return y;
            });
            default -> null;
        };
    }

    private static double[] widened(float[] values) {
        double[] wide = new double[values.length];
        for (int i = 0; i < wide.length; i++) {
            wide[i] = values[i];
        }
        return wide;
    }

    /** What is the same for all axes. */
    private record Axis(String mode, String coordinates, String nearest, boolean antialias, boolean excludeOutside, double cubic,
            double outside) {

        /** In FLOAT where it is a quotient by the scale, as others do: 3 / 0.6f is 5, a pixel, and no number below it. */
        double source(long y, double scale, long in, long out, double roiStart, double roiEnd) {
            double width = scale * in;
            float half = (y + 0.5f) / (float) scale - 0.5f;
            return switch (coordinates) {
                case "align_corners" -> width == 1 ? 0 : y * (in - 1) / (width - 1);
                case "asymmetric" -> y / (float) scale;
                case "tf_crop_and_resize" -> (width == 1 ? (roiEnd - roiStart) * (in - 1) / 2
                        : y * (roiEnd - roiStart) * (in - 1) / (width - 1))
                        + roiStart * (in - 1);
                case "pytorch_half_pixel" -> width == 1 ? -0.5 : half;
                case "half_pixel" -> half;
                case "half_pixel_symmetric" -> in / 2f * (1 - out / (float) width) + half;
                default -> throw new IllegalArgumentException("the coordinates " + coordinates + " are not known");
            };
        }

        /** Weights of the neighbours, the first of which lies {@code weights.length / 2 - 1} before the floor. */
        double[] weights(double ratio, double scale) {
            double shrink = antialias ? Math.min(scale, 1) : 1;
            return switch (mode) {
                case "nearest" -> nearestWeights(ratio);
                case "linear" -> kernel(ratio, shrink, 1);
                case "cubic" -> kernel(ratio, shrink, 2);
                default -> throw new IllegalArgumentException("the mode " + mode + " is not known");
            };
        }

        private double[] nearestWeights(double ratio) {
            boolean upper = ratio == 1 || switch (nearest) {
                case "round_prefer_floor" -> ratio > 0.5;
                case "round_prefer_ceil" -> ratio >= 0.5;
                case "floor" -> false;
                case "ceil" -> true;
                default -> throw new IllegalArgumentException("the mode " + nearest + " is not known");
            };
            return upper ? new double[] {0, 1} : new double[] {1, 0};
        }

        private double[] kernel(double ratio, double shrink, int reach) {
            int start = (int) Math.floor(-reach / shrink) + 1;
            double[] weights = new double[2 - 2 * start];
            double sum = 0;
            for (int i = 0; i < weights.length; i++) {
                double x = Math.abs((start + i - ratio) * shrink);
                weights[i] = reach == 1 ? Math.max(0, 1 - x) : x <= 1 ? ((cubic + 2) * x - (cubic + 3)) * x * x + 1
                        : x < 2 ? ((cubic * x - 5 * cubic) * x + 8 * cubic) * x - 4 * cubic : 0;
                sum += weights[i];
            }
            for (int i = 0; antialias && i < weights.length; i++) {
                weights[i] /= sum;
            }
            return weights;
        }
    }

    private static OnnxTensor resize(Call c) {
        OnnxTensor x = c.in(0);
        boolean old = c.version() < 11;
        int rank = x.rank();
        int[] axes = new int[rank];
        Arrays.setAll(axes, i -> i);
        if (c.ints("axes") != null) {
            axes = Arrays.stream(c.ints("axes")).mapToInt(a -> Call.axis(a, rank)).toArray();
        }
        OnnxTensor roi = old ? null : c.opt(1);
        OnnxTensor scaleInput = c.opt(old ? 1 : 2);
        double[] scales = new double[axes.length];
        long[] sizes = new long[axes.length];
        if (scaleInput != null && scaleInput.size() > 0) {
            c.require(scaleInput.size() == axes.length, "as many scales as axes");
            for (int i = 0; i < axes.length; i++) {
                scales[i] = scaleInput.real(i);
                sizes[i] = (long) Math.floor(x.dim(axes[i]) * scales[i]);
            }
        } else {
            c.require(c.has(3) && c.in(3).size() == axes.length, "neither scales nor as many sizes as axes");
            fit(c, x, axes, c.in(3).longs(), scales, sizes);
        }
        Axis how = new Axis(c.s("mode", "nearest"), old ? "asymmetric" : c.s("coordinate_transformation_mode", "half_pixel"),
                old ? "floor" : c.s("nearest_mode", "round_prefer_floor"), c.flag("antialias"), c.flag("exclude_outside"),
                c.f("cubic_coeff_a", -0.75), c.f("extrapolation_value", 0));
        OnnxTensor y = x;
        boolean crops = how.coordinates.equals("tf_crop_and_resize");
        for (int i = 0; i < axes.length; i++) {
            double start = crops ? roi.real(i) : 0;
            double end = crops ? roi.real(i + axes.length) : 1;
            y = along(c, y, axes[i], how, scales[i], sizes[i], start, end);
        }
        return y;
    }

    private static void fit(Call c, OnnxTensor x, int[] axes, long[] wanted, double[] scales, long[] sizes) {
        String policy = c.s("keep_aspect_ratio_policy", "stretch");
        for (int i = 0; i < axes.length; i++) {
            sizes[i] = wanted[i];
            scales[i] = (double) wanted[i] / x.dim(axes[i]);
        }
        if (!policy.equals("stretch")) {
            double scale = policy.equals("not_larger") ? Arrays.stream(scales).min().orElse(1) : Arrays.stream(scales).max().orElse(1);
            for (int i = 0; i < axes.length; i++) {
                scales[i] = scale;
                sizes[i] = (long) Math.floor(scale * x.dim(axes[i]) + 0.5);
            }
        }
    }

    private static OnnxTensor along(Call c, OnnxTensor x, int axis, Axis how, double scale, long out, double roiStart, double roiEnd) {
        long in = x.dim(axis);
        boolean crops = how.coordinates.equals("tf_crop_and_resize");
        if (out == in && scale == 1 && !(crops && (roiStart != 0 || roiEnd != 1))) {
            return x;
        }
        c.require(scale > 0 && out >= 0 && in > 0, "cannot be resized by " + scale);
        long[] dims = x.dims();
        dims[axis] = out;
        OnnxTensor y = c.make(x.type(), dims);
        long outer = Call.product(dims, 0, axis);
        long inner = Call.product(dims, axis + 1, dims.length);
        boolean real = x.type().isReal();
        for (long o = 0; o < out; o++) {
            double at = how.source(o, scale, in, out, roiStart, roiEnd);
            boolean outside = crops && (at < 0 || at > in - 1);
            // An exact pixel is the right neighbour of the one before.
            double floor = Math.floor(at);
            boolean exact = at == floor;
            double[] weights = how.weights(exact ? 1 : at - floor, scale);
            long first = (long) floor - (exact ? 1 : 0) - (weights.length / 2 - 1);
            if (how.excludeOutside) {
                exclude(weights, first, in);
            }
            for (long p = 0; p < outer; p++) {
                for (long q = 0; q < inner; q++) {
                    double sum = outside ? how.outside : 0;
                    for (int i = 0; !outside && i < weights.length; i++) {
                        if (weights[i] != 0) {
                            sum += weights[i] * x.real((p * in + Math.max(0, Math.min(in - 1, first + i))) * inner + q);
                        }
                    }
                    y.put((p * out + o) * inner + q, real ? sum : Math.rint(sum));
                }
            }
        }
        return y;
    }

    private static void exclude(double[] weights, long first, long in) {
        double sum = 0;
        for (int i = 0; i < weights.length; i++) {
            weights[i] = first + i < 0 || first + i >= in ? 0 : weights[i];
            sum += weights[i];
        }
        for (int i = 0; i < weights.length; i++) {
            weights[i] /= sum;
        }
    }
}
