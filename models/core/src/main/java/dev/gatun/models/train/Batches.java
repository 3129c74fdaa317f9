package dev.gatun.models.train;

import dev.gatun.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Random;

/** The order in which examples are learnt from, and copies of some into a batch. Allocates nothing once it is made. */
final class Batches {
    private final TrainingData data;
    private final Augmentation augmentation;
    private final int[] order;
    private final Random random = new Random();
    private final long inputBytes;
    private final long targetBytes;
    private long look;

    Batches(TrainingData data, Augmentation augmentation) {
        this.data = data;
        this.augmentation = augmentation;
        this.order = new int[data.count()];
        this.inputBytes = data.inputs().segment().byteSize() / order.length;
        this.targetBytes = data.targets().segment().byteSize() / order.length;
        for (int i = 0; i < order.length; i++) {
            order[i] = i;
        }
    }

    int count() {
        return order.length;
    }

    Tensor targets() {
        return data.targets();
    }

    /** Another order, which depends on seed and epoch alone. */
    void shuffle(long seed, int epoch) {
        look = 31 * seed + epoch;
        random.setSeed(look);
        for (int i = 0; i < order.length; i++) {
            int j = random.nextInt(i + 1);
            order[i] = order[j];
            order[j] = i;
        }
    }

    void copy(int first, int rows, Tensor inputs, Tensor targets) {
        for (int i = 0; i < rows; i++) {
            int example = order[first + i];
            augmentation.copy(data.inputs().segment(), example * inputBytes, inputs.segment(), i * inputBytes, inputBytes,
                    look * 1_000_003 + example);
            MemorySegment.copy(data.targets().segment(), example * targetBytes, targets.segment(), i * targetBytes, targetBytes);
        }
    }
}
