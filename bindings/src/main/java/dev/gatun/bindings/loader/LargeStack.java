package dev.gatun.bindings.loader;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.function.Supplier;

/**
 * Runs what takes more stack than its caller's thread may have: initializing and compiling inside oneDNN end the process on 512 KB. The
 * thread is one of our own, and the caller waits.
 */
public final class LargeStack {
    private static final long BYTES = 16L << 20;
    /** What the JVM gives a thread unless told otherwise; enough for everything. */
    private static final long ENOUGH_BYTES = (1L << 20) - (64 << 10);
    private static final long ATTRIBUTES_BYTES = 64;

    private LargeStack() {
    }

    /**
     * Runs the task here if this thread's stack is large, otherwise in a thread of our own.
     *
     * @throws NativeLibraryException if the libraries are not loaded and cannot be
     */
    public static <T> T callIfSmall(Supplier<T> task) {
        NativeLibraries.load();
        return byteSize() >= ENOUGH_BYTES ? task.get() : call(task);
    }

    /** Runs the task in a thread of our own and waits for it; an interrupt is kept for later. */
    static <T> T call(Supplier<T> task) {
        Task<T> run = new Task<>(task);
        Thread thread = new Thread(null, run, "gatun-large-stack", BYTES);
        thread.setDaemon(true);
        thread.start();
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return run.get();
    }

    private static final class Task<T> implements Runnable {
        private final Supplier<T> task;
        private T result;
        private Throwable failure;

        Task(Supplier<T> task) {
            this.task = task;
        }

        @Override
        public void run() {
            try {
                result = task.get();
            } catch (Throwable e) {
                failure = e;
            }
        }

        T get() {
            switch (failure) {
                case null -> {
                    return result;
                }
                case RuntimeException e -> throw e;
                case Error e -> throw e;
                default -> throw new IllegalStateException(failure);
            }
        }
    }

    /** Bytes of the calling thread's stack; the largest number where the system does not say. */
    static long byteSize() {
        Functions functions = Functions.FOUND;
        if (functions == null) {
            return Long.MAX_VALUE;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment attributes = arena.allocate(ATTRIBUTES_BYTES, Long.BYTES);
            MemorySegment size = arena.allocate(ValueLayout.JAVA_LONG);
            long self = (long) functions.self.invokeExact();
            if ((int) functions.attributes.invokeExact(self, attributes) != 0) {
                return Long.MAX_VALUE;
            }
            int status = (int) functions.stackSize.invokeExact(attributes, size);
            status |= (int) functions.destroy.invokeExact(attributes);
            return status == 0 ? size.get(ValueLayout.JAVA_LONG, 0) : Long.MAX_VALUE;
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** Of glibc's threads. */
    private record Functions(MethodHandle self, MethodHandle attributes, MethodHandle stackSize, MethodHandle destroy) {
        static final Functions FOUND = find();

        private static Functions find() {
            if (!SystemCalls.has("pthread_getattr_np")) {
                return null;
            }
            return new Functions(SystemCalls.handle("pthread_self", FunctionDescriptor.of(ValueLayout.JAVA_LONG)),
                    SystemCalls.handle("pthread_getattr_np",
                            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS)),
                    SystemCalls.handle("pthread_attr_getstacksize",
                            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS)),
                    SystemCalls.handle("pthread_attr_destroy", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS)));
        }
    }
}
