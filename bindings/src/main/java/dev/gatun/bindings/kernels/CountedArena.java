package dev.gatun.bindings.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/**
 * A shared arena that knows how many bytes were taken in it, whoever took them: an owner of one counts what it holds without counting its
 * fields. Thread-safe.
 */
public final class CountedArena implements Arena {
    private static final LongAdder PROCESS = new LongAdder();

    private final Arena arena = Arena.ofShared();
    private final AtomicLong bytes = new AtomicLong();

    @Override
    public MemorySegment allocate(long byteSize, long byteAlignment) {
        MemorySegment segment = arena.allocate(byteSize, byteAlignment);
        add(byteSize);
        return segment;
    }

    @Override
    public MemorySegment.Scope scope() {
        return arena.scope();
    }

    void add(long byteSize) {
        bytes.addAndGet(byteSize);
        PROCESS.add(byteSize);
    }

    /** Bytes that are held; 0 once it is closed. */
    public long byteSize() {
        return bytes.get();
    }

    /** Bytes that all open arenas of this kind hold. */
    public static long processByteSize() {
        return PROCESS.sum();
    }

    @Override
    public void close() {
        arena.close();
        PROCESS.add(-bytes.getAndSet(0));
    }
}
