package dev.gatun.bindings.loader;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Whether OpenMP gives a calling thread the team that work was divided for. A smaller one would leave parts of a result uncomputed, and
 * a thread that cannot be started ends the process: both become exceptions here.
 */
public final class OpenMpTeam {
    private static final int AT_LEAST_ALLOWED = 64;
    private static final int ALLOWED_EACH_PROCESSOR = 4;
    private static final long SEMAPHORE_BYTES = 64;
    private static final FunctionDescriptor NUMBER = FunctionDescriptor.of(ValueLayout.JAVA_INT);

    /** The largest team that a thread is known to get. */
    private static final ThreadLocal<int[]> KNOWN = ThreadLocal.withInitial(() -> new int[] {1});

    private OpenMpTeam() {
    }

    /** The most threads that may be asked for: more than that only wait for each other. */
    public static int mostThreads() {
        return Math.max(AT_LEAST_ALLOWED, ALLOWED_EACH_PROCESSOR * Runtime.getRuntime().availableProcessors());
    }

    /**
     * Checks a number of threads before anything is divided among them.
     *
     * @throws IllegalArgumentException if it is less than 1 or more than {@link #mostThreads}
     */
    public static int checked(int threads) {
        if (threads < 1 || threads > mostThreads()) {
            throw new IllegalArgumentException("threads must be 1 to " + mostThreads() + " on " + Runtime.getRuntime().availableProcessors()
                    + " processors, not " + threads);
        }
        return threads;
    }

    /**
     * Makes sure that the calling thread's kernels may run on so many threads; nanoseconds, once it is known.
     *
     * @throws IllegalStateException if the environment or the system allows fewer; names what does and the cure
     */
    public static void require(int threads) {
        if (threads <= 1) {
            return;
        }
        int[] known = KNOWN.get();
        if (threads > known[0]) {
            requireAllowed(threads);
            requireStartable(threads);
            known[0] = threads;
        }
    }

    private static void requireAllowed(int threads) {
        SymbolLookup openMp = NativeLibraries.lookup("dnnl");
        if (number(openMp, "omp_get_dynamic", 0) != 0) {
            throw refused(threads, "OMP_DYNAMIC lets it give fewer; take OMP_DYNAMIC out of the environment");
        }
        int limit = number(openMp, "omp_get_thread_limit", Integer.MAX_VALUE);
        if (limit < threads) {
            throw refused(threads, "OMP_THREAD_LIMIT is " + limit + "; ask for so many threads, or raise it");
        }
        if (number(openMp, "omp_get_max_active_levels", 1) < 1) {
            throw refused(threads, "OMP_MAX_ACTIVE_LEVELS is 0; take it out of the environment");
        }
    }

    private static IllegalStateException refused(int threads, String why) {
        return new IllegalStateException("OpenMP does not give " + threads + " threads: " + why);
    }

    private static int number(SymbolLookup openMp, String function, int otherwise) {
        MemorySegment address = openMp.find(function).orElse(null);
        if (address == null) {
            return otherwise;
        }
        try {
            return (int) Linker.nativeLinker().downcallHandle(address, NUMBER).invokeExact();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** OpenMP ends the process if the system refuses it a thread: the same number is started here before, all at once, and ended. */
    private static void requireStartable(int threads) {
        if (!SystemCalls.has("pthread_create") || !SystemCalls.has("sem_wait")) {
            return;
        }
        Linker linker = Linker.nativeLinker();
        MethodHandle init = SystemCalls.handle("sem_init",
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT,
                ValueLayout.JAVA_INT));
        MethodHandle post = SystemCalls.handle("sem_post", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS));
        MethodHandle create = SystemCalls.handle("pthread_create", FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS,
                ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.ADDRESS));
        MethodHandle join = SystemCalls.handle("pthread_join",
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment wait = linker.defaultLookup().findOrThrow("sem_wait");
            MemorySegment semaphore = arena.allocate(SEMAPHORE_BYTES, Long.BYTES);
            MemorySegment ids = arena.allocate(ValueLayout.JAVA_LONG, threads);
            int status = (int) init.invokeExact(semaphore, 0, 0);
            int started = 0;
            while (status == 0 && started < threads - 1) {
                status = (int) create.invokeExact(ids.asSlice(started * (long) Long.BYTES), MemorySegment.NULL, wait, semaphore);
                started += status == 0 ? 1 : 0;
            }
            for (int i = 0; i < started; i++) {
                int posted = (int) post.invokeExact(semaphore);
            }
            for (int i = 0; i < started; i++) {
                int joined = (int) join.invokeExact(ids.getAtIndex(ValueLayout.JAVA_LONG, i), MemorySegment.NULL);
            }
            if (started < threads - 1) {
                throw refused(threads, "the system starts only " + started + " more; ask for " + (started + 1)
                        + " threads or fewer, or raise the "
                        + "limit of this user's or this container's processes (ulimit -u, pids.max)");
            }
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }
}
