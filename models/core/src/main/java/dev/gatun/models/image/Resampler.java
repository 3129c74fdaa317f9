package dev.gatun.models.image;

/**
 * Resizes as Pillow to the bit: a filter as wide as the reduction, first along rows, then along columns, each rounded to 8 bits; weights
 * are whole numbers of 2^-22, which decides ties. Source: Pillow, {@code src/libImaging/Resample.c}.
 */
final class Resampler {
    private static final int FRACTION_BITS = 22;

    private Resampler() {
    }

    /** For each wanted output position the first input position and the weights from there on. */
    private record Taps(int[] first, int[][] weights) {
    }

    private static Taps taps(Interpolation filter, int inSize, int outSize, int from, int count) {
        double scale = (double) inSize / outSize;
        double filterScale = Math.max(scale, 1);
        boolean nearest = filter == Interpolation.NEAREST;
        int[] first = new int[count];
        int[][] weights = new int[count][];
        // Added up as Pillow does: where a centre falls on a pixel's edge the rounding decides.
        double place = scale * 0.5;
        for (int skipped = 0; skipped < from; skipped++) {
            place += scale;
        }
        for (int i = 0; i < count; i++) {
            double centre = (from + i + 0.5) * scale;
            double reach = filter.support() * filterScale;
            int min = nearest ? Math.min(inSize - 1, (int) place) : Math.max(0, (int) (centre - reach + 0.5));
            int max = nearest ? min + 1 : Math.min(inSize, (int) (centre + reach + 0.5));
            place += scale;
            double[] w = new double[max - min];
            double sum = 0;
            for (int k = 0; k < w.length; k++) {
                w[k] = filter.weight((k + min - centre + 0.5) * (1 / filterScale));
                sum += w[k];
            }
            first[i] = min;
            weights[i] = new int[w.length];
            for (int k = 0; k < w.length; k++) {
                double share = w[k] / sum * (1 << FRACTION_BITS);
                weights[i][k] = (int) (share < 0 ? share - 0.5 : share + 0.5);
            }
        }
        return new Taps(first, weights);
    }

    /** The part [y, y + height) x [x, x + width) of a picture resized to outWidth x outHeight. */
    static Picture resize(Picture src, Interpolation filter, int outWidth, int outHeight, int x, int y, int width, int height) {
        Taps columns = taps(filter, src.width(), outWidth, x, width);
        Taps rows = taps(filter, src.height(), outHeight, y, height);
        int channels = src.channels();
        int firstRow = rows.first[0];
        int lastRow = rows.first[height - 1] + rows.weights[height - 1].length;
        byte[] narrowed = new byte[Math.multiplyExact(Math.multiplyExact(lastRow - firstRow, width), channels)];
        for (int r = firstRow; r < lastRow; r++) {
            for (int i = 0; i < width; i++) {
                int base = (r * src.width() + columns.first[i]) * channels;
                for (int c = 0; c < channels; c++) {
                    narrowed[((r - firstRow) * width + i) * channels + c] =
                            weighted(src.samples(), base + c, channels, columns.weights[i]);
                }
            }
        }
        byte[] result = new byte[width * height * channels];
        int stride = width * channels;
        for (int j = 0; j < height; j++) {
            for (int k = 0; k < stride; k++) {
                result[j * stride + k] = weighted(narrowed, (rows.first[j] - firstRow) * stride + k, stride, rows.weights[j]);
            }
        }
        return new Picture(width, height, channels, result);
    }

    private static byte weighted(byte[] samples, int offset, int step, int[] weights) {
        int sum = 1 << FRACTION_BITS - 1;
        int at = offset;
        for (int weight : weights) {
            sum += weight * (samples[at] & 0xff);
            at += step;
        }
        return (byte) Math.clamp(sum >> FRACTION_BITS, 0, 255);
    }
}
