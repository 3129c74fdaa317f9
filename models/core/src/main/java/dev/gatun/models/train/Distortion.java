package dev.gatun.models.train;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Pictures F32 [C, H, W] turned, sheared, scaled and moved a little, and with less contrast: bilinear, what lies outside is the nearest
 * pixel of the edge. Every amount is drawn evenly from plus to minus its bound.
 *
 * @param channels C
 * @param height   H
 * @param width    W
 * @param rotation radians
 * @param shear    of a row against the next, in pixels
 * @param scale    share
 * @param shift    share of half the picture
 * @param contrast share that is lost at most
 */
public record Distortion(int channels, int height, int width, float rotation, float shear, float scale, float shift, float contrast)
        implements Augmentation {
    /** Checks the sizes. */
    public Distortion {
        if (channels < 1 || height < 1 || width < 1 || (long) height * width > Integer.MAX_VALUE / channels / Float.BYTES) {
            throw new IllegalArgumentException(channels + " channels of " + height + " x " + width
                    + " pixels: expected 1 or more of each, and fewer than 2 GB");
        }
    }

    /** What handwriting and small pictures bear. */
    public static Distortion small(int channels, int height, int width) {
        return new Distortion(channels, height, width, 0.2f, 0.15f, 0.12f, 0.12f, 0.2f);
    }

    @Override
    public void copy(MemorySegment all, long from, MemorySegment batch, long to, long byteSize, long seed) {
        if (byteSize != (long) channels * height * width * Float.BYTES) {
            throw new IllegalArgumentException("an example of " + byteSize + " bytes is not F32 [" + channels + ", " + height + ", "
                    + width + "]");
        }
        float angle = draw(seed, 0) * rotation;
        float size = 1 + draw(seed, 1) * scale;
        float cos = (float) Math.cos(angle) * size;
        float sin = (float) Math.sin(angle) * size;
        float skew = draw(seed, 2) * shear - sin;
        float right = (1 + draw(seed, 3) * shift) * (width - 1) / 2f;
        float down = (1 + draw(seed, 4) * shift) * (height - 1) / 2f;
        float factor = 1 - Math.abs(draw(seed, 5)) * contrast;
        long plane = (long) height * width;
        for (int y = 0; y < height; y++) {
            float v = y - (height - 1) / 2f;
            for (int x = 0; x < width; x++) {
                float u = x - (width - 1) / 2f;
                float column = Math.clamp(u * cos + v * skew + right, 0, width - 1);
                float row = Math.clamp(u * sin + v * cos + down, 0, height - 1);
                int left = Math.min((int) column, Math.max(0, width - 2));
                int top = Math.min((int) row, Math.max(0, height - 2));
                long at = from / Float.BYTES + (long) top * width + left;
                long next = at + (height > 1 ? width : 0);
                int step = width > 1 ? 1 : 0;
                float s = column - left;
                float t = row - top;
                for (int c = 0; c < channels; c++) {
                    float above = at(all, at + c * plane) * (1 - s) + at(all, at + c * plane + step) * s;
                    float below = at(all, next + c * plane) * (1 - s) + at(all, next + c * plane + step) * s;
                    batch.setAtIndex(ValueLayout.JAVA_FLOAT, to / Float.BYTES + c * plane + (long) y * width + x,
                            factor * (above * (1 - t) + below * t));
                }
            }
        }
    }

    private static float at(MemorySegment x, long i) {
        return x.getAtIndex(ValueLayout.JAVA_FLOAT, i);
    }

    /** From -1 to 1, by the mixing of SplitMix64. */
    static float draw(long seed, int which) {
        long z = seed + (which + 1) * 0x9e3779b97f4a7c15L;
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return ((z ^ (z >>> 31)) >>> 40) / (float) (1 << 23) - 1;
    }
}
