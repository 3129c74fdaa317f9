package dev.gatun.models.audio;

/**
 * The discrete Fourier transform of a few hundred real values of any number, by one step of Cooley and Tukey (1965): n = rows * columns,
 * as square as n allows. Of one thread.
 */
final class Fourier {
    private final int n;
    private final int rows;
    private final int columns;
    private final double[] cos;
    private final double[] sin;
    private final double[] re;
    private final double[] im;

    Fourier(int n) {
        this.n = n;
        int divisor = (int) Math.sqrt(n);
        while (n % divisor != 0) {
            divisor--;
        }
        this.rows = divisor;
        this.columns = n / divisor;
        this.cos = new double[n];
        this.sin = new double[n];
        for (int i = 0; i < n; i++) {
            cos[i] = Math.cos(2 * Math.PI * i / n);
            sin[i] = -Math.sin(2 * Math.PI * i / n);
        }
        this.re = new double[n];
        this.im = new double[n];
    }

    /** Squares of the absolute values of the first n / 2 + 1 coefficients. */
    void power(double[] values, double[] power) {
        // Each row r is the transform of values[r], values[r + rows], ...
        for (int r = 0; r < rows; r++) {
            for (int k = 0; k < columns; k++) {
                double x = 0;
                double y = 0;
                for (int j = 0, w = 0; j < columns; j++) {
                    double value = values[j * rows + r];
                    x += value * cos[w];
                    y += value * sin[w];
                    w += k * rows;
                    w = w >= n ? w % n : w;
                }
                re[r * columns + k] = x;
                im[r * columns + k] = y;
            }
        }
        for (int k = 0; k <= n / 2; k++) {
            double x = 0;
            double y = 0;
            int column = k % columns;
            for (int r = 0, w = 0; r < rows; r++) {
                double a = re[r * columns + column];
                double b = im[r * columns + column];
                x += a * cos[w] - b * sin[w];
                y += a * sin[w] + b * cos[w];
                w += k;
                w = w >= n ? w - n : w;
            }
            power[k] = x * x + y * y;
        }
    }
}
