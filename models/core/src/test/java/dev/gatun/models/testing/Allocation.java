package dev.gatun.models.testing;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/** Counts the bytes that threads have taken from the heap. Asking for the current one takes none. */
public final class Allocation {
    /** {@code com.sun.management.ThreadMXBean}, through a handle: the module under test does not read jdk.management. */
    private static final MethodHandle ALLOCATED_BYTES = count("getCurrentThreadAllocatedBytes");
    private static final MethodHandle TOTAL_BYTES = count("getTotalThreadAllocatedBytes");

    private static MethodHandle count(String method) {
        try {
            Object bean = Class.forName("java.lang.management.ManagementFactory").getMethod("getThreadMXBean").invoke(null);
            return MethodHandles.publicLookup().findVirtual(Class.forName("com.sun.management.ThreadMXBean"), method,
                    MethodType.methodType(long.class)).bindTo(bean);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private Allocation() {
    }

    /** Bytes since the thread began. */
    public static long bytes() {
        try {
            return (long) ALLOCATED_BYTES.invokeExact();
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** Bytes of all threads, also those that have ended, since the process began. */
    public static long ofAllThreads() {
        try {
            return (long) TOTAL_BYTES.invokeExact();
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }
}
