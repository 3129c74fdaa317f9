package dev.gatun.models.image;

import java.io.IOException;
import java.util.concurrent.Semaphore;

/**
 * The heap that pictures may take while they are decoded, by all threads together: one that needs more than is free waits for the
 * others, one that needs more than there is is refused.
 */
final class DecodeBudget {
    private static final int UNIT = 1 << 16;
    /** Half of the heap: the other half is the caller's, and what a collector wants to breathe. */
    static final DecodeBudget HEAP = new DecodeBudget(Runtime.getRuntime().maxMemory() / 2);

    private final Semaphore units;
    private final int total;

    DecodeBudget(long byteSize) {
        this.total = (int) Math.min(Integer.MAX_VALUE, byteSize / UNIT);
        this.units = new Semaphore(total, true);
    }

    /** What is decoded. */
    interface Task {
        Picture decode() throws IOException;
    }

    long byteSize() {
        return (long) total * UNIT;
    }

    boolean fits(long byteSize) {
        return byteSize <= byteSize();
    }

    Picture within(long byteSize, Task task) throws IOException {
        int permits = (int) ((byteSize + UNIT - 1) / UNIT);
        units.acquireUninterruptibly(permits);
        try {
            return task.decode();
        } finally {
            units.release(permits);
        }
    }
}
