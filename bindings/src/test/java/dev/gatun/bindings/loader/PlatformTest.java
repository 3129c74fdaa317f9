package dev.gatun.bindings.loader;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlatformTest {

    @ParameterizedTest
    @CsvSource({
        "Linux, amd64, linux-x86_64", "Linux, x86_64, linux-x86_64", "Linux, aarch64, linux-arm64",
        "Mac OS X, aarch64, macosx-arm64", "Mac OS X, x86_64, macosx-x86_64", "Windows 11, amd64, windows-x86_64",
        "Plan 9, riscv64, plan-9-riscv64"})
    void namesThePlatformsAsTheNativeJarsDo(String os, String arch, String expected) {
        assertEquals(expected, Platform.of(os, arch).toString());
    }

    @Test
    void aPlatformWithoutLibrariesIsNamedWithTheWaysOut() {
        NativeLibraryException e = assertThrows(
                NativeLibraryException.class, () -> LibraryManifest.of(Platform.of("Plan 9", "riscv64")));
        assertTrue(e.getMessage().contains("no native libraries for plan-9-riscv64"), e.getMessage());
        assertTrue(e.getMessage().contains("gatun-native"), e.getMessage());
        assertTrue(e.getMessage().contains("-Dgatun.library.path"), e.getMessage());
    }
}
