package dev.gatun.models.image;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;

/**
 * From a picture to a model's input: resized, cropped to the centre, {@code (value / 255 - mean) / std}, as float32
 * planes [C, H, W]. Immutable and thread-safe.
 *
 * @param channels  3 for RGB, 1 for grey
 * @param height    of the input
 * @param width     of the input
 * @param shortSide what the shorter side is resized to before the centre is cropped; 0 stretches the whole picture to
 *                  height x width instead
 * @param mean      per channel
 * @param std       per channel, not 0
 * @param interpolation how it is resized
 * @param corner   null for torchvision's crop: what cannot lie in the middle lies half a pixel to either side; empty for transformers',
 *                 where it always lies to the left and above; two sides, height first, for that of a picture stretched to them
 */
public record ImagePreprocessor(int channels, int height, int width, int shortSide, float[] mean, float[] std,
        Interpolation interpolation, int[] corner) {

    /** Checks the parameters and copies the arrays. */
    public ImagePreprocessor {
        Objects.requireNonNull(interpolation, "interpolation");
        mean = mean.clone();
        std = std.clone();
        corner = corner == null ? null : corner.clone();
        boolean stretches = corner != null && corner.length == 2;
        if (corner != null && (stretches ? shortSide != 0 || corner[0] < height || corner[1] < width
                : corner.length > 0 || shortSide == 0)) {
            throw new IllegalArgumentException("ImagePreprocessor: stretched to " + Arrays.toString(corner) + ", shortSide " + shortSide
                    + ", expected two sides of at least " + height + " x " + width + " or a shorter side");
        }
        if (channels != 1 && channels != 3) {
            throw new IllegalArgumentException("ImagePreprocessor: channels " + channels + ", expected 1 or 3");
        }
        if (height < 1 || width < 1 || (shortSide != 0 && shortSide < Math.max(height, width))) {
            throw new IllegalArgumentException("ImagePreprocessor: shortSide " + shortSide + ", expected 0 or at least the "
                    + "input's sides " + height + " x " + width);
        }
        if (mean.length != channels || std.length != channels) {
            throw new IllegalArgumentException("ImagePreprocessor: mean of " + mean.length + " and std of " + std.length
                    + " values, expected " + channels);
        }
        for (float m : mean) {
            if (!Float.isFinite(m)) {
                throw new IllegalArgumentException("ImagePreprocessor: mean " + Arrays.toString(mean) + ", expected finite numbers");
            }
        }
        for (float s : std) {
            if (!(s > 0) || Float.isInfinite(s)) {
                throw new IllegalArgumentException("ImagePreprocessor: std " + Arrays.toString(std) + ", expected above 0");
            }
        }
    }

    /** Resized bilinearly, as most networks want it. */
    public ImagePreprocessor(int channels, int height, int width, int shortSide, float[] mean, float[] std) {
        this(channels, height, width, shortSide, mean, std, Interpolation.BILINEAR);
    }

    /** Cropped as torchvision does. */
    public ImagePreprocessor(int channels, int height, int width, int shortSide, float[] mean, float[] std, Interpolation interpolation) {
        this(channels, height, width, shortSide, mean, std, interpolation, null);
    }

    /** The same cropped as transformers does, of a picture stretched to two sides, or to none, which leaves it to the shorter side. */
    public ImagePreprocessor withCorner(int... sides) {
        return new ImagePreprocessor(channels, height, width, shortSide, mean, std, interpolation, sides);
    }

    /** The usual preprocessing of ImageNet models: shorter side 256, centre 224 x 224, ImageNet's mean and std. */
    public static ImagePreprocessor imageNet() {
        return new ImagePreprocessor(3, 224, 224, 256, new float[] {0.485f, 0.456f, 0.406f},
                new float[] {0.229f, 0.224f, 0.225f});
    }

    /** A copy. */
    @Override
    public float[] mean() {
        return mean.clone();
    }

    /** A copy. */
    @Override
    public float[] std() {
        return std.clone();
    }

    /** A copy, or null. */
    @Override
    public int[] corner() {
        return corner == null ? null : corner.clone();
    }

    /** Floats of one input: {@code channels * height * width}. */
    public long elementCount() {
        return (long) channels * height * width;
    }

    /**
     * Reads a file into a slot of the model's input.
     *
     * @param dst [C, H, W] float32, at least {@code 4 * elementCount()} bytes
     * @throws PictureException if the file cannot be used; then dst is as it was
     */
    public void load(Path file, MemorySegment dst) throws PictureException {
        Picture picture = Picture.read(file);
        if (resizedLength(picture) > Integer.MAX_VALUE) {
            throw new PictureException(file, "is " + picture.width() + " x " + picture.height()
                    + " pixels, too thin for a shorter side of " + shortSide);
        }
        try {
            write(picture, dst);
        } catch (OutOfMemoryError | ArithmeticException e) {
            throw new PictureException(file, "is " + picture.width() + " x " + picture.height() + " pixels, which do not fit the heap when"
                    + " resized: " + e.getMessage(), e);
        }
    }

    /**
     * Writes a picture into a slot of the model's input.
     *
     * @param dst [C, H, W] float32, at least {@code 4 * elementCount()} bytes
     * @throws IllegalArgumentException if dst is too small
     */
    public void write(Picture picture, MemorySegment dst) {
        if (dst.byteSize() < elementCount() * Float.BYTES) {
            throw new IllegalArgumentException("ImagePreprocessor: dst has " + dst.byteSize() + " bytes, expected "
                    + elementCount() * Float.BYTES + " for " + channels + " x " + height + " x " + width);
        }
        Picture fitted = fit(channels == 1 ? picture.grey() : picture);
        byte[] samples = fitted.samples();
        int step = fitted.channels();
        for (int c = 0; c < channels; c++) {
            int from = step == 1 ? 0 : c;
            long plane = (long) c * height * width;
            for (int i = 0; i < height * width; i++) {
                float value = ((samples[i * step + from] & 0xff) / 255f - mean[c]) / std[c];
                dst.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, plane + i, value);
            }
        }
    }

    /** The 8-bit picture that the model sees: height x width, in the colours of the source. */
    public Picture fit(Picture picture) {
        if (corner != null && corner.length == 2) {
            return Resampler.resize(picture, interpolation, corner[1], corner[0], (corner[1] - width) / 2, (corner[0] - height) / 2, width,
                    height);
        }
        if (shortSide == 0) {
            return Resampler.resize(picture, interpolation, width, height, 0, 0, width, height);
        }
        boolean tall = picture.height() > picture.width();
        int longer = Math.toIntExact(resizedLength(picture));
        int outWidth = tall ? shortSide : longer;
        int outHeight = tall ? longer : shortSide;
        // Python's round(), as torchvision's CenterCrop: halves go to the even number.
        int x = corner != null ? (outWidth - width) / 2 : (int) Math.rint((outWidth - width) / 2.0);
        int y = corner != null ? (outHeight - height) / 2 : (int) Math.rint((outHeight - height) / 2.0);
        return Resampler.resize(picture, interpolation, outWidth, outHeight, x, y, width, height);
    }

    private long resizedLength(Picture picture) {
        long longer = Math.max(picture.width(), picture.height());
        return shortSide * longer / Math.min(picture.width(), picture.height());
    }
}
