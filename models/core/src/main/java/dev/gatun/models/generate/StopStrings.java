package dev.gatun.models.generate;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;

/**
 * {@code stop_strings}: a sequence ends with the token that completes one of them, wherever in the token it ends. Tokens of the prompt
 * count. Compares UTF-8. One thread.
 */
final class StopStrings {
    private final byte[][] strings;
    private final IntFunction<byte[]> tokenBytes;
    private final Map<Integer, byte[]> known = new HashMap<>();

    StopStrings(List<String> strings, IntFunction<byte[]> tokenBytes) {
        if (tokenBytes == null) {
            throw new IllegalArgumentException("stop_strings " + strings + " need the texts of tokens, and there is no tokenizer");
        }
        this.strings = strings.stream().map(s -> s.getBytes(StandardCharsets.UTF_8)).toArray(byte[][]::new);
        this.tokenBytes = tokenBytes;
    }

    private byte[] bytes(int token) {
        return known.computeIfAbsent(token, tokenBytes::apply);
    }

    /** Whether a string ends inside this token, which follows the sequence. */
    boolean completes(Sequence sequence, int token) {
        byte[] last = bytes(token);
        for (byte[] string : strings) {
            for (int end = 1; end <= last.length; end++) {
                if (endsAt(sequence, last, end, string)) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Whether the text that ends with so many bytes of the last token ends in a string. */
    private boolean endsAt(Sequence sequence, byte[] last, int end, byte[] string) {
        int left = string.length;
        byte[] piece = last;
        int upTo = end;
        for (int i = sequence.length; ; ) {
            int count = Math.min(left, upTo);
            if (!Arrays.equals(piece, upTo - count, upTo, string, left - count, left)) {
                return false;
            }
            left -= count;
            if (left == 0 || --i < 0) {
                return left == 0;
            }
            piece = bytes(sequence.ids[i]);
            upTo = piece.length;
        }
    }
}
