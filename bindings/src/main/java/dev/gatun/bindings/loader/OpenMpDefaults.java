package dev.gatun.bindings.loader;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * How long OpenMP's threads spin between two operations before they sleep. The run-time library reads it from the
 * environment when it is loaded, and its own default of 300,000 rounds takes cores from whoever else needs them:
 * with the cores shared, a forward of two threads took 43 ms; with 10,000 rounds 27 ms, and no longer than before when
 * the cores are free.
 */
final class OpenMpDefaults {
    private static final String SPIN_COUNT = "GOMP_SPINCOUNT";
    private static final String ROUNDS = "10000";

    private OpenMpDefaults() {
    }

    /** Sets the count, unless the user has chosen one. */
    static void set(Platform platform) {
        if (!platform.os().equals("linux") || System.getenv(SPIN_COUNT) != null || System.getenv("OMP_WAIT_POLICY") != null) {
            return;
        }
        Linker linker = Linker.nativeLinker();
        MemorySegment setenv = linker.defaultLookup().findOrThrow("setenv");
        FunctionDescriptor descriptor = FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS,
                ValueLayout.ADDRESS, ValueLayout.JAVA_INT);
        try (Arena arena = Arena.ofConfined()) {
            int status = (int) linker.downcallHandle(setenv, descriptor)
                    .invokeExact(arena.allocateFrom(SPIN_COUNT), arena.allocateFrom(ROUNDS), 0);
            if (status != 0) {
                throw new NativeLibraryException("the environment variable " + SPIN_COUNT + " cannot be set");
            }
        } catch (IllegalCallerException denied) {
            // Loading the libraries will say so, with the flag that is missing.
            return;
        } catch (RuntimeException e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }
}
