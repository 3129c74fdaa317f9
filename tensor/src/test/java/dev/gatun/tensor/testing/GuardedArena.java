package dev.gatun.tensor.testing;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Memory between two pages that may not be touched, so that a kernel which reads or writes outside ends the process instead of going
 * unnoticed.
 */
@SuppressWarnings("restricted") // the bindings' guarded blocks have a page behind them only
public final class GuardedArena implements Arena {
    private static final long PAGE = 4096;
    private static final MethodHandle MMAP = find("mmap",
            FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG,
            ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG));
    private static final MethodHandle MPROTECT = find("mprotect", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS,
            ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));
    private static final MethodHandle MUNMAP = find("munmap", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS,
            ValueLayout.JAVA_LONG));
    private static final int READ_WRITE = 3;
    private static final int PRIVATE_ANONYMOUS = 0x22;

    private final Arena arena = Arena.ofShared();
    private final boolean atEnd;

    /** @param atEnd whether blocks end at the page behind them; otherwise they begin at the one before */
    public GuardedArena(boolean atEnd) {
        this.atEnd = atEnd;
    }

    private static MethodHandle find(String name, FunctionDescriptor descriptor) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor);
    }

    /** Memory that holds NaN, as a context's holds what was there before. */
    MemorySegment used(long byteSize) {
        return allocate(byteSize).fill((byte) 0xff);
    }

    /** Zeros. The alignment is that of a page at the beginning, and what the size leaves at the end. */
    @Override
    public MemorySegment allocate(long byteSize, long byteAlignment) {
        long data = Math.max(1, (byteSize + PAGE - 1) / PAGE) * PAGE;
        try {
            MemorySegment block = (MemorySegment) MMAP.invokeExact(MemorySegment.NULL, data + 2 * PAGE, READ_WRITE, PRIVATE_ANONYMOUS, -1,
                    0L);
            MemorySegment all = block.reinterpret(data + 2 * PAGE, arena, GuardedArena::unmap);
            protect(all.asSlice(0, PAGE));
            protect(all.asSlice(PAGE + data, PAGE));
            return all.asSlice(PAGE, data).asSlice(atEnd ? data - byteSize : 0, byteSize);
        } catch (Throwable e) {
            throw new AssertionError("no guarded memory", e);
        }
    }

    private static void protect(MemorySegment page) throws Throwable {
        if ((int) MPROTECT.invokeExact(page, page.byteSize(), 0) != 0) {
            throw new IllegalStateException("mprotect failed");
        }
    }

    private static void unmap(MemorySegment block) {
        try {
            int ignored = (int) MUNMAP.invokeExact(block, block.byteSize());
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public MemorySegment.Scope scope() {
        return arena.scope();
    }

    @Override
    public void close() {
        arena.close();
    }
}
