package dev.gatun.models.onnx;

import java.lang.foreign.Arena;
import java.util.Random;

/**
 * Made-up texts: the first is whole, the others end in tokens that do not count.
 *
 * @param batch  texts
 * @param length tokens of the longest
 * @param vocab  ids are in its upper half, but for padId
 * @param padId  one that stands among them, or -1
 */
record TextSample(int batch, int length, int vocab, int padId) {

    OnnxTensor tensor(Arena arena, TextInput input, OnnxType type) {
        OnnxTensor t = OnnxTensor.allocate(arena, type, batch, length);
        Random random = new Random(length);
        for (int i = 0; i < batch * length; i++) {
            int id = vocab / 2 + random.nextInt(vocab - vocab / 2);
            t.putWhole(i, switch (input) {
                case IDS -> padId >= 0 && i % 5 == 2 ? padId : id;
                case MASK -> i % length < tokens(i / length) ? 1 : 0;
                case TYPES -> i % 3 == 1 ? 1 : 0;
                case POSITIONS -> i % length;
            });
        }
        return t;
    }

    /** Tokens of a text that count. */
    int tokens(int text) {
        return text == 0 ? length : Math.max(1, length - 2 * text);
    }

    /** Whether an index [batch or 1, length] or [length] is this for all tokens that count. */
    boolean isIndex(OnnxTensor index, Expected expected) {
        long rows = index.size() / length;
        boolean fits = index.size() % length == 0 && (rows == 1 || rows == batch) && index.dim(index.rank() - 1) == length;
        for (int b = 0; fits && b < batch; b++) {
            for (int s = 0; fits && s < tokens(b); s++) {
                fits = index.whole(rows == 1 ? s : (long) b * length + s) == expected.at(b, s);
            }
        }
        return fits;
    }

    /** What is expected of a token. */
    @FunctionalInterface
    interface Expected {
        long at(int text, int token);
    }
}
