package dev.gatun.bindings.loader;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** Functions of the C library that the loader needs. */
final class SystemCalls {
    private static final int RTLD_LAZY = 1;
    private static final long LONGEST_MESSAGE = 4096;

    private SystemCalls() {
    }

    /** Whether the C library has it. */
    static boolean has(String name) {
        return Linker.nativeLinker().defaultLookup().find(name).isPresent();
    }

    static MethodHandle handle(String name, FunctionDescriptor descriptor) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor);
    }

    /** Why the system's loader does not open a library, in its own words; an empty text if it does, or cannot be asked. */
    static String refusal(String file) {
        if (!has("dlopen") || !has("dlerror")) {
            return "";
        }
        MethodHandle open = handle("dlopen", FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
        MethodHandle error = handle("dlerror", FunctionDescriptor.of(ValueLayout.ADDRESS));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment library = (MemorySegment) open.invokeExact(arena.allocateFrom(file), RTLD_LAZY);
            if (library.address() != 0) {
                return "";
            }
            MemorySegment text = (MemorySegment) error.invokeExact();
            return text.address() == 0 ? "" : text.reinterpret(LONGEST_MESSAGE).getString(0);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }
}
