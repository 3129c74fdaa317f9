package dev.gatun.models.onnx;

/** Floats of 16 bits and fewer: tables for reading, rounding to nearest even for writing (OCP 8-bit floating point, ONNX's float8 page). */
final class SmallFloats {
    /**
     * One format.
     *
     * @param exponent bits of the exponent
     * @param mantissa bits of the mantissa
     * @param bias     of the exponent
     * @param fnuz     no negative zero, whose pattern is the only NaN
     * @param infinity whether the largest exponent is for infinity and NaN
     */
    private record Format(int exponent, int mantissa, int bias, boolean fnuz, boolean infinity) {
        double value(int bits) {
            int sign = bits >> exponent + mantissa & 1;
            int e = bits >> mantissa & (1 << exponent) - 1;
            int m = bits & (1 << mantissa) - 1;
            boolean last = e == (1 << exponent) - 1;
            if (fnuz ? sign == 1 && e == 0 && m == 0 : infinity ? last && m != 0 : this == E4M3FN && last && m == (1 << mantissa) - 1) {
                return Double.NaN;
            }
            double size = infinity && last ? Double.POSITIVE_INFINITY
                    : e == 0 ? Math.scalb((double) m, 1 - bias - mantissa) : Math.scalb((double) (m | 1 << mantissa), e - bias - mantissa);
            return sign == 1 ? -size : size;
        }
    }

    private static final Format E4M3FN = new Format(4, 3, 7, false, false);
    private static final Format E4M3FNUZ = new Format(4, 3, 8, true, false);
    private static final Format E5M2 = new Format(5, 2, 15, false, true);
    private static final Format E5M2FNUZ = new Format(5, 2, 16, true, false);
    private static final Format E2M1 = new Format(2, 1, 1, false, false);
    private static final double[][] TABLES = {table(E4M3FN, 256), table(E4M3FNUZ, 256), table(E5M2, 256), table(E5M2FNUZ, 256),
            table(E2M1, 16)};

    private SmallFloats() {
    }

    private static double[] table(Format format, int count) {
        double[] values = new double[count];
        for (int i = 0; i < count; i++) {
            values[i] = format.value(i);
        }
        return values;
    }

    private static int index(OnnxType type) {
        return switch (type) {
            case FLOAT8E4M3FN -> 0;
            case FLOAT8E4M3FNUZ -> 1;
            case FLOAT8E5M2 -> 2;
            case FLOAT8E5M2FNUZ -> 3;
            case FLOAT4E2M1 -> 4;
            default -> throw new IllegalArgumentException(type + " is no small float");
        };
    }

    static double read(OnnxType type, byte bits) {
        if (type == OnnxType.FLOAT8E8M0) {
            return bits == -1 ? Double.NaN : Math.scalb(1.0, (bits & 0xff) - 127);
        }
        double[] table = TABLES[index(type)];
        return table[bits & table.length - 1];
    }

    /** @param saturate whether what is too large becomes the largest finite value, otherwise infinity or NaN */
    static byte write(OnnxType type, double value, boolean saturate) {
        if (type == OnnxType.FLOAT8E8M0) {
            return powerOfTwo(value, saturate, 0);
        }
        Format format = new Format[] {E4M3FN, E4M3FNUZ, E5M2, E5M2FNUZ, E2M1}[index(type)];
        int signBit = 1 << format.exponent + format.mantissa;
        int sign = (Double.doubleToRawLongBits(value) < 0) ? signBit : 0;
        int nan = format.fnuz ? signBit : signBit - 1;
        if (format == E2M1) {
            // It has none: ml_dtypes, which made ONNX's expectations, writes -0.
            nan = signBit;
        }
        if (Double.isNaN(value)) {
            return (byte) (format.fnuz || format == E2M1 ? nan : sign | nan);
        }
        int largest = format.fnuz || format == E2M1 ? signBit - 1 : format == E4M3FN ? 0x7e : 0x7b;
        double size = Math.abs(value);
        int bits = nearest(TABLES[index(type)], size, largest, format);
        if (bits > largest) {
            boolean clip = saturate || format == E2M1;
            bits = clip ? largest : format.fnuz ? -1 : format == E4M3FN ? 0x7f : 0x7c;
        }
        return (byte) (bits == -1 ? signBit : bits == 0 && format.fnuz ? 0 : sign | bits);
    }

    /** The pattern of the value next to a size; one more than {@code largest} if it is beyond. */
    private static int nearest(double[] table, double size, int largest, Format format) {
        double max = table[largest];
        double step = max - table[largest - 1];
        if (size > max) {
            double limit = max + step / 2;
            return size > limit || size == limit && (largest & 1) == 1 ? largest + 1 : largest;
        }
        int low = 0;
        int high = largest;
        while (high - low > 1) {
            int middle = low + high >>> 1;
            if (table[middle] <= size) {
                low = middle;
            } else {
                high = middle;
            }
        }
        double below = size - table[low];
        double above = table[high] - size;
        return below < above || below == above && (low & 1) == 0 ? low : high;
    }

    /** @param mode 0: up, 1: down, 2: nearest */
    static byte powerOfTwo(double value, boolean saturate, int mode) {
        if (Double.isNaN(value)) {
            return -1;
        }
        double size = Math.abs(value);
        if (Double.isInfinite(size)) {
            return (byte) (saturate ? 0xfe : 0xff);
        }
        if (size == 0) {
            return 0;
        }
        int e = Math.getExponent(size);
        double fraction = size / Math.scalb(1.0, e);
        if (mode == 0 && fraction > 1 || mode == 2 && fraction >= 1.5) {
            e++;
        }
        return (byte) (e > 127 ? saturate ? 0xfe : 0xff : Math.max(0, e + 127));
    }
}
