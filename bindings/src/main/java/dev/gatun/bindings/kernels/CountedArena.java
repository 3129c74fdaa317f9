package dev.gatun.bindings.kernels;

import dev.gatun.bindings.loader.NativeLimitException;
import dev.gatun.bindings.loader.Setting;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A shared arena that knows how many bytes were taken in it, whoever took them: an owner of one counts what it holds without counting its
 * fields. All of them together stay below {@code gatun.native.limit}. Thread-safe.
 */
public final class CountedArena implements Arena {
    private static final AtomicLong PROCESS = new AtomicLong();
    private static final Set<CountedArena> OPEN = ConcurrentHashMap.newKeySet();
    private static volatile long processLimit = Setting.NATIVE_LIMIT.bytes();

    private final String owner;
    private final Arena arena = Arena.ofShared();
    private final AtomicLong bytes = new AtomicLong();

    /** @param owner what messages about the limit call it, as in "plans of bert" */
    public CountedArena(String owner) {
        this.owner = owner;
        OPEN.add(this);
    }

    /** Of an owner without a name. */
    public CountedArena() {
        this("others");
    }

    @Override
    public MemorySegment allocate(long byteSize, long byteAlignment) {
        reserve(byteSize);
        try {
            return arena.allocate(byteSize, byteAlignment);
        } catch (RuntimeException | Error e) {
            release(byteSize);
            throw e;
        }
    }

    @Override
    public MemorySegment.Scope scope() {
        return arena.scope();
    }

    /**
     * Counts bytes before they are taken.
     *
     * @throws NativeLimitException if there would be more than the process may have: nothing is counted then
     */
    void reserve(long byteSize) {
        long limit = processLimit;
        long before = PROCESS.getAndAdd(byteSize);
        if (byteSize > limit - before) {
            PROCESS.addAndGet(-byteSize);
            throw new NativeLimitException(owner, byteSize, limit, holders());
        }
        bytes.addAndGet(byteSize);
    }

    /** Takes back what was counted and could not be had. */
    void release(long byteSize) {
        bytes.addAndGet(-byteSize);
        PROCESS.addAndGet(-byteSize);
    }

    /** Bytes that are held; 0 once it is closed. */
    public long byteSize() {
        return bytes.get();
    }

    /** Bytes that all open arenas of this kind hold. */
    public static long processByteSize() {
        return PROCESS.get();
    }

    /** Sets what {@code gatun.native.limit} sets at the start; what is held already is not taken away. */
    public static void limitProcess(long byteSize) {
        processLimit = byteSize;
    }

    /** Bytes of all open arenas by what their owners are called. */
    public static Map<String, Long> holders() {
        Map<String, Long> holders = new TreeMap<>();
        OPEN.forEach(open -> holders.merge(open.owner, open.byteSize(), Long::sum));
        return holders;
    }

    @Override
    public void close() {
        arena.close();
        OPEN.remove(this);
        PROCESS.addAndGet(-bytes.getAndSet(0));
    }
}
