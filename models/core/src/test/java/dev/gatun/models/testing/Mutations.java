package dev.gatun.models.testing;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Damages files: bits, bytes, numbers at their limits, parts cut, repeated, moved; and of texts their numbers, words and brackets. */
public final class Mutations {
    private static final long[] LIMITS = {0, 1, -1, Integer.MAX_VALUE, Integer.MIN_VALUE, Long.MAX_VALUE, Long.MIN_VALUE, 1L << 32,
            (1L << 31) + 1,
        0xffff, 1 << 24};
    private static final Pattern TOKEN = Pattern.compile("-?[0-9]+(\\.[0-9]+)?|\"[^\"]*\"|[\\[\\]{}:,]");
    private static final String[] VALUES = {"0", "-1", "1", "2147483647", "2147483648", "1000000000", "99999999999999999999", "1e400",
            "1e-400",
        "0.5", "null", "true", "\"\"", "\"a\"", "[]", "{}", "[1]", "{\"a\":1}", "\"../..\"", "\"\\u0000\"", "\"\\ud83d\"", "NaN", "",
                "65536",
        "1" + "0".repeat(2000), "\"" + "x".repeat(100_000) + "\"", "[".repeat(5000), "{\"a\":".repeat(5000), "4", "8", "-2147483648"};

    private Mutations() {
    }

    /** A damaged copy: one change, or several. */
    public static byte[] of(byte[] whole, boolean text, SplittableRandom random) {
        byte[] bytes = whole.clone();
        int changes = 1 << random.nextInt(4);
        for (int i = 0; i < changes; i++) {
            bytes = text && random.nextInt(4) != 0 ? token(bytes, random) : change(bytes, random);
        }
        return bytes;
    }

    private static byte[] change(byte[] bytes, SplittableRandom random) {
        if (bytes.length == 0) {
            return new byte[] {(byte) random.nextInt()};
        }
        // Headers are at the start: half of the changes go there.
        int at = random.nextInt(random.nextBoolean() ? Math.min(bytes.length, 256) : bytes.length);
        int length = Math.min(bytes.length - at, 1 + random.nextInt(random.nextBoolean() ? 8 : 300));
        switch (random.nextInt(8)) {
            case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
            case 1 -> bytes[at] = (byte) random.nextInt();
            case 2 -> {
                int width = 1 << random.nextInt(4);
                if (at + width <= bytes.length) {
                    long limit = LIMITS[random.nextInt(LIMITS.length)];
                    byte[] number = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(limit).array();
                    System.arraycopy(number, 0, bytes, at, width);
                }
            }
            case 3 -> {
                return Arrays.copyOf(bytes, at);
            }
            case 4 -> {
                return splice(bytes, at, at + length, new byte[0]);
            }
            case 5 -> {
                return splice(bytes, at, at, Arrays.copyOfRange(bytes, at, at + length));
            }
            case 6 -> {
                byte[] noise = new byte[length];
                random.nextBytes(noise);
                return splice(bytes, at, at + (random.nextBoolean() ? length : 0), noise);
            }
            default -> Arrays.fill(bytes, at, at + length, (byte) (random.nextBoolean() ? 0 : 0xff));
        }
        return bytes;
    }

    private static byte[] token(byte[] bytes, SplittableRandom random) {
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        Matcher matcher = TOKEN.matcher(text);
        List<int[]> tokens = matcher.results().map(r -> new int[] {r.start(), r.end()}).toList();
        if (tokens.isEmpty()) {
            return change(bytes, random);
        }
        int[] token = tokens.get(random.nextInt(tokens.size()));
        String value = VALUES[random.nextInt(VALUES.length)];
        return splice(bytes, token[0], random.nextInt(8) == 0 ? token[0] : token[1], value.getBytes(StandardCharsets.ISO_8859_1));
    }

    private static byte[] splice(byte[] bytes, int from, int to, byte[] middle) {
        byte[] result = new byte[bytes.length - (to - from) + middle.length];
        System.arraycopy(bytes, 0, result, 0, from);
        System.arraycopy(middle, 0, result, from, middle.length);
        System.arraycopy(bytes, to, result, from + middle.length, bytes.length - to);
        return result;
    }
}
