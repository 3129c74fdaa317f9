package dev.gatun.models.image;

/**
 * How pictures are resized, as Pillow names and computes it: a filter as wide as the reduction, so that every pixel counts; only
 * {@link #NEAREST} takes one pixel each. Source: Pillow, {@code src/libImaging/Resample.c}.
 */
public enum Interpolation {
    /** The pixel below the centre. */
    NEAREST(0),
    /** The mean of what is covered. */
    BOX(0.5),
    /** A triangle. */
    BILINEAR(1),
    /** A cosine over a triangle's width, sharper than it. */
    HAMMING(1),
    /** Keys' cubic with a = -0.5. */
    BICUBIC(2),
    /** A windowed sinc of three lobes. */
    LANCZOS(3);

    private static final double CUBIC = -0.5;

    private final double support;

    Interpolation(double support) {
        this.support = support;
    }

    /** Half the filter's width, in pixels of the larger picture; 0 of NEAREST. */
    double support() {
        return support;
    }

    /** The filter at a distance from its centre. */
    double weight(double x) {
        double distance = Math.abs(x);
        return switch (this) {
            case NEAREST -> 1;
            case BOX -> x > -0.5 && x <= 0.5 ? 1 : 0;
            case BILINEAR -> Math.max(0, 1 - distance);
            case HAMMING -> distance >= 1 ? 0 : distance == 0 ? 1 : sinc(distance) * (0.54 + 0.46 * Math.cos(Math.PI * distance));
            case BICUBIC -> distance < 1 ? ((CUBIC + 2) * distance - (CUBIC + 3)) * distance * distance + 1
                    : distance < 2 ? (((distance - 5) * distance + 8) * distance - 4) * CUBIC : 0;
            case LANCZOS -> distance < 3 ? sinc(distance) * sinc(distance / 3) : 0;
        };
    }

    private static double sinc(double x) {
        return x == 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
    }
}
