package dev.gatun.models.image;

import java.nio.file.Path;

/**
 * An upright 8-bit picture on the heap. Immutable as long as nobody writes to {@code samples}.
 *
 * @param width    pixels
 * @param height   pixels
 * @param channels 3 (red, green, blue) or 1 (grey)
 * @param samples  rows from the top, channels interleaved: {@code width * height * channels} unsigned bytes
 */
public record Picture(int width, int height, int channels, byte[] samples) {

    /** Checks the sizes. */
    public Picture {
        if (width < 1 || height < 1 || (channels != 1 && channels != 3)
                || samples.length != (long) width * height * channels) {
            throw new IllegalArgumentException("Picture: " + width + " x " + height + " with " + channels
                    + " channels does not go with " + samples.length + " samples");
        }
    }

    /**
     * Decodes a file, at most {@link PictureReader#DEFAULT_MAX_PIXELS} large.
     *
     * @throws PictureException if it is missing, not a picture, damaged or too large
     */
    public static Picture read(Path file) throws PictureException {
        return PictureReader.read(file, PictureReader.DEFAULT_MAX_PIXELS);
    }

    /** The luma of each pixel by ITU-R 601, with Pillow's integer weights; this picture if it is grey already. */
    public Picture grey() {
        if (channels == 1) {
            return this;
        }
        byte[] grey = new byte[width * height];
        for (int i = 0; i < grey.length; i++) {
            int r = samples[3 * i] & 0xff;
            int g = samples[3 * i + 1] & 0xff;
            int b = samples[3 * i + 2] & 0xff;
            grey[i] = (byte) ((r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16);
        }
        return new Picture(width, height, 1, grey);
    }

    /** Turns a picture as its EXIF orientation (1 to 8) asks; other values change nothing. */
    Picture oriented(int orientation) {
        if (orientation < 2 || orientation > 8) {
            return this;
        }
        boolean transposed = orientation >= 5;
        int w = transposed ? height : width;
        int h = transposed ? width : height;
        byte[] turned = new byte[samples.length];
        for (int y = 0; y < h; y++) {
            for (int x = 0; x < w; x++) {
                int u = transposed ? y : x;
                int v = transposed ? x : y;
                boolean mirrorU = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
                boolean mirrorV = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
                int src = ((mirrorV ? height - 1 - v : v) * width + (mirrorU ? width - 1 - u : u)) * channels;
                System.arraycopy(samples, src, turned, (y * w + x) * channels, channels);
            }
        }
        return new Picture(w, h, channels, turned);
    }
}
