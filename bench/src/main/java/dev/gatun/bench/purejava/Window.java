package dev.gatun.bench.purejava;

/**
 * Square windows over pictures [n, c, h, w].
 *
 * @param size   of a window
 * @param stride between windows
 * @param pad    on each side
 */
public record Window(int n, int c, int h, int w, int size, int stride, int pad) {

    int outH() {
        return (h + 2 * pad - size) / stride + 1;
    }

    int outW() {
        return (w + 2 * pad - size) / stride + 1;
    }

    int paddedW() {
        return w + 2 * pad;
    }

    int paddedH() {
        return h + 2 * pad;
    }

    /** Copies plane number plane into the middle of a plane with a border, of which at is the first element. */
    void copyPadded(float[] src, int plane, float border, float[] dst, int at) {
        java.util.Arrays.fill(dst, at, at + paddedH() * paddedW(), border);
        for (int y = 0; y < h; y++) {
            System.arraycopy(src, (plane * h + y) * w, dst, at + (y + pad) * paddedW() + pad, w);
        }
    }
}
