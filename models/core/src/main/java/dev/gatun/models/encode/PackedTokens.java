package dev.gatun.models.encode;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * Token ids of several texts end to end, as {@link EncoderSession#forward} wants them; memory of the arena that they were made in.
 *
 * @param ids     S32 [tokens]
 * @param types   S32 [tokens], or {@link MemorySegment#NULL} where all are 0
 * @param offsets S32 [count + 1]
 * @param count   texts
 * @param tokens  of all texts
 */
public record PackedTokens(MemorySegment ids, MemorySegment types, MemorySegment offsets, int count, int tokens) {

    /**
     * Packs texts.
     *
     * @param arena owns the memory
     * @param ids   of each text
     * @param types likewise, or null where all are 0; left out if the model does not tell them apart
     * @param first number of the first text, for messages
     * @throws IllegalArgumentException if the model has no such token or type: names the text
     */
    public static PackedTokens of(Arena arena, Encoder encoder, List<int[]> ids, List<int[]> types, int first) {
        int tokens = ids.stream().mapToInt(row -> row.length).sum();
        MemorySegment packed = pack(arena, ids, tokens);
        MemorySegment offsets = arena.allocate((ids.size() + 1L) * Integer.BYTES, Integer.BYTES);
        int end = 0;
        for (int i = 0; i < ids.size(); i++) {
            require(encoder, ids.get(i), types == null ? null : types.get(i), first + i);
            end += ids.get(i).length;
            offsets.setAtIndex(ValueLayout.JAVA_INT, i + 1L, end);
        }
        MemorySegment packedTypes = typed(encoder, types) ? pack(arena, types, tokens) : MemorySegment.NULL;
        return new PackedTokens(packed, packedTypes, offsets, ids.size(), tokens);
    }

    private static boolean typed(Encoder encoder, Object types) {
        return types != null && encoder.hasTypes() && encoder.spec().typeCount() > 1;
    }

    /** Refuses what the model has no rows for. */
    static void require(Encoder encoder, int[] ids, int[] types, int text) {
        require(ids, encoder.spec().vocabSize(), text, "id", "vocabulary");
        if (typed(encoder, types)) {
            require(types, encoder.spec().typeCount(), text, "type", "model");
        }
    }

    private static MemorySegment pack(Arena arena, List<int[]> rows, int tokens) {
        MemorySegment packed = arena.allocate(Math.max(1, tokens) * (long) Integer.BYTES, Integer.BYTES);
        long at = 0;
        for (int[] row : rows) {
            MemorySegment.copy(row, 0, packed, ValueLayout.JAVA_INT, at * Integer.BYTES, row.length);
            at += row.length;
        }
        return packed;
    }

    /** A tokenizer may know more tokens than the model has rows for: what it makes of such a text is refused with the text's place. */
    private static void require(int[] row, int limit, int text, String what, String where) {
        for (int value : row) {
            if (value < 0 || value >= limit) {
                throw new IllegalArgumentException("text " + text + " has a token that has " + what + " " + value + ", the " + where
                        + " has 0 to "
                        + (limit - 1) + ": the tokenizer is of another model");
            }
        }
    }
}
