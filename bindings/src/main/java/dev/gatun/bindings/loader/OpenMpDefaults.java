package dev.gatun.bindings.loader;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * How long OpenMP's threads spin between two operations before they sleep. The run-time library reads it from the
 * environment when it is loaded, and its own default of 300,000 rounds takes cores from whoever else needs them. Two
 * processes that share two cores, each with two threads, classify 2 to 9 pictures a second with it, 16 with 10,000
 * rounds, 21 with 3,000 and 23 with 1,000 (ResNet-50; one alone 42 to 45 with any of the last three). But requests that come
 * now and then on free cores wake the threads again and again with fewer rounds: an encoder's of 10 ms, 10 to 25 a second,
 * have a median of 9 to 19 ms (mostly 11 to 15) with 10,000 and 13 to 24 (mostly 18 to 22) with 3,000.
 *
 * <p>The environment belongs to the program, so a library leaves it alone: who owns the process calls this, or sets the variable outside.
 */
public final class OpenMpDefaults {
    private static final String SPIN_COUNT = "GOMP_SPINCOUNT";
    private static final String ROUNDS = "10000";

    private OpenMpDefaults() {
    }

    /** Sets the count to 10,000 unless the user has chosen one; before the libraries are loaded, for programs that own their process. */
    public static void spinBriefly() {
        if (!Platform.current().os().equals("linux") || System.getenv(SPIN_COUNT) != null || System.getenv("OMP_WAIT_POLICY") != null) {
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
