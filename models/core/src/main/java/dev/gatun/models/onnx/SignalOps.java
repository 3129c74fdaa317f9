package dev.gatun.models.onnx;

/** Fourier transforms, windows, mel filters. */
final class SignalOps {
    private SignalOps() {
    }

    /** The kernel of this family, or null. */
    static Kernel find(String op) {
        return switch (op) {
            case "DFT" -> Operators.one(SignalOps::dft);
            case "STFT" -> Operators.one(SignalOps::stft);
            case "HannWindow" -> Operators.one(c -> window(c, 0.5, 0.5, 0));
            case "HammingWindow" -> Operators.one(c -> window(c, 25.0 / 46, 21.0 / 46, 0));
            case "BlackmanWindow" -> Operators.one(c -> window(c, 0.42, 0.5, 0.08));
            case "MelWeightMatrix" -> Operators.one(SignalOps::mel);
            default -> null;
        };
    }

    private static OnnxTensor window(Call c, double a, double b, double d) {
        long n = c.in(0).whole(0);
        OnnxTensor y = c.make(OnnxType.ofCode(c.i("output_datatype", 1)), n);
        double period = c.i("periodic", 1) != 0 ? n : n - 1;
        for (long i = 0; i < n; i++) {
            double at = 2 * Math.PI * i / period;
            y.put(i, a - b * Math.cos(at) + d * Math.cos(2 * at));
        }
        return y;
    }

    /** Discrete Fourier transform of re and im, of their own length; powers of two are halved, others summed. */
    static void transform(double[] re, double[] im, boolean inverse) {
        int n = re.length;
        if (n <= 1) {
            return;
        }
        if (n % 2 != 0) {
            slow(re, im, inverse);
            return;
        }
        double[][] half = new double[4][n / 2];
        for (int i = 0; i < n; i++) {
            half[i % 2 * 2][i / 2] = re[i];
            half[i % 2 * 2 + 1][i / 2] = im[i];
        }
        transform(half[0], half[1], inverse);
        transform(half[2], half[3], inverse);
        for (int k = 0; k < n / 2; k++) {
            double angle = (inverse ? 2 : -2) * Math.PI * k / n;
            double r = half[2][k] * Math.cos(angle) - half[3][k] * Math.sin(angle);
            double s = half[2][k] * Math.sin(angle) + half[3][k] * Math.cos(angle);
            re[k] = half[0][k] + r;
            im[k] = half[1][k] + s;
            re[k + n / 2] = half[0][k] - r;
            im[k + n / 2] = half[1][k] - s;
        }
    }

    private static void slow(double[] re, double[] im, boolean inverse) {
        int n = re.length;
        double[] r = re.clone();
        double[] s = im.clone();
        for (int k = 0; k < n; k++) {
            re[k] = 0;
            im[k] = 0;
            for (int t = 0; t < n; t++) {
                double angle = (inverse ? 2 : -2) * Math.PI * ((long) k * t % n) / n;
                re[k] += r[t] * Math.cos(angle) - s[t] * Math.sin(angle);
                im[k] += r[t] * Math.sin(angle) + s[t] * Math.cos(angle);
            }
        }
    }

    private static OnnxTensor dft(Call c) {
        OnnxTensor x = c.in(0);
        int rank = x.rank();
        int axis = c.version() >= 20 ? Call.axis(c.has(2) ? c.in(2).whole(0) : -2, rank) : c.axis("axis", 1, rank);
        boolean inverse = c.flag("inverse");
        boolean onesided = c.flag("onesided");
        c.require(axis != rank - 1 && (x.dim(-1) == 1 || x.dim(-1) == 2), "the last dimension must be 1 or 2 and no axis");
        boolean back = inverse && onesided;
        int n = Math.toIntExact(c.has(1) ? c.in(1).whole(0) : back ? 2 * (x.dim(axis) - 1) : x.dim(axis));
        c.require(n >= 1, "a transform of length " + n);
        long[] dims = x.dims();
        dims[axis] = onesided && !inverse ? n / 2 + 1 : n;
        dims[rank - 1] = back ? 1 : 2;
        OnnxTensor y = c.make(x.type(), dims);
        long inner = Call.product(dims, axis + 1, rank - 1);
        long outer = Call.product(dims, 0, axis);
        long parts = x.dim(-1);
        for (long line = 0; line < outer * inner; line++) {
            long p = line / inner;
            long q = line % inner;
            double[] re = new double[n];
            double[] im = new double[n];
            for (int i = 0; i < Math.min(back ? n / 2 + 1 : n, x.dim(axis)); i++) {
                long at = ((p * x.dim(axis) + i) * inner + q) * parts;
                re[i] = x.real(at);
                im[i] = parts == 2 ? x.real(at + 1) : 0;
            }
            for (int i = n / 2 + 1; back && i < n; i++) {
                re[i] = re[n - i];
                im[i] = -im[n - i];
            }
            transform(re, im, inverse);
            for (int i = 0; i < dims[axis]; i++) {
                long at = ((p * dims[axis] + i) * inner + q) * dims[rank - 1];
                y.put(at, inverse ? re[i] / n : re[i]);
                if (!back) {
                    y.put(at + 1, inverse ? im[i] / n : im[i]);
                }
            }
        }
        return y;
    }

    private static OnnxTensor stft(Call c) {
        OnnxTensor x = c.in(0);
        long step = c.in(1).whole(0);
        OnnxTensor window = c.opt(2);
        int length = Math.toIntExact(c.has(3) ? c.in(3).whole(0) : window != null ? window.size() : x.dim(1));
        boolean onesided = c.i("onesided", 1) != 0;
        c.require(step > 0 && length > 0 && length <= x.dim(1) && (window == null || window.size() == length),
                "the frame does not fit the signal");
        long frames = 1 + (x.dim(1) - length) / step;
        long bins = onesided ? length / 2 + 1 : length;
        OnnxTensor y = c.make(x.type(), x.dim(0), frames, bins, 2);
        long parts = x.rank() > 2 ? x.dim(2) : 1;
        for (long f = 0; f < x.dim(0) * frames; f++) {
            double[] re = new double[length];
            double[] im = new double[length];
            for (int i = 0; i < length; i++) {
                long at = (f / frames * x.dim(1) + f % frames * step + i) * parts;
                double w = window == null ? 1 : window.real(i);
                re[i] = x.real(at) * w;
                im[i] = parts == 2 ? x.real(at + 1) * w : 0;
            }
            transform(re, im, false);
            for (int i = 0; i < bins; i++) {
                y.put((f * bins + i) * 2, re[i]);
                y.put((f * bins + i) * 2 + 1, im[i]);
            }
        }
        return y;
    }

    private static OnnxTensor mel(Call c) {
        int bins = Math.toIntExact(c.in(0).whole(0));
        long length = c.in(1).whole(0);
        double rate = c.in(2).real(0);
        double low = 2595 * Math.log10(1 + c.in(3).real(0) / 700);
        double high = 2595 * Math.log10(1 + c.in(4).real(0) / 700);
        c.require(bins >= 0 && length > 0 && rate > 0, "sizes must be positive");
        long rows = length / 2 + 1;
        OnnxTensor y = c.zeros(OnnxType.ofCode(c.i("output_datatype", 1)), rows, bins);
        long[] at = new long[bins + 2];
        for (int i = 0; i < at.length; i++) {
            double hertz = 700 * (Math.pow(10, (i * (high - low) / at.length + low) / 2595) - 1);
            at[i] = (long) Math.floor((length + 1) * hertz / rate);
        }
        for (int i = 0; i < bins; i++) {
            if (at[i + 1] == at[i]) {
                put(y, at[i + 1], i, 1);
            }
            for (long j = at[i]; j <= at[i + 1] && at[i + 1] > at[i]; j++) {
                put(y, j, i, (double) (j - at[i]) / (at[i + 1] - at[i]));
            }
            for (long j = at[i + 1]; j < at[i + 2]; j++) {
                put(y, j, i, (double) (at[i + 2] - j) / (at[i + 2] - at[i + 1]));
            }
        }
        return y;
    }

    private static void put(OnnxTensor y, long row, long column, double value) {
        y.put(GatherOps.index(row, y.dim(0)) * y.dim(1) + column, value);
    }
}
