package dev.gatun.bindings.loader;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Optional;
import java.util.zip.CRC32;

/**
 * Arguments go to libgatun as structs, which say nothing of their layout: a library of another {@code gatun.h} than this jar's would read
 * them wrongly, in silence. The header lies in this jar; libgatun knows the checksum of its own.
 */
final class HeaderCheck {
    private static final String SYMBOL = "gatun_header_checksum";

    private HeaderCheck() {
    }

    /** @throws NativeLibraryException if the library was built from another header */
    static void require(Path file, SymbolLookup gatun) {
        long expected = checksum();
        Optional<MemorySegment> symbol = gatun.find(SYMBOL);
        String found = symbol.map(s -> "a header with checksum " + call(s)).orElse("an older header, without a checksum");
        if (!found.endsWith(" " + expected)) {
            throw new NativeLibraryException("library gatun: " + file + " was built from " + found + ", these classes need " + expected
                    + "; in a clone run make native and build again, else use the native jar of this Gatun release");
        }
    }

    private static long checksum() {
        try (InputStream header = HeaderCheck.class.getResourceAsStream("gatun.h")) {
            CRC32 crc = new CRC32();
            crc.update(header.readAllBytes());
            return crc.getValue();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long call(MemorySegment function) {
        try {
            return (long) Linker.nativeLinker().downcallHandle(function, FunctionDescriptor.of(ValueLayout.JAVA_LONG)).invokeExact();
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }
}
