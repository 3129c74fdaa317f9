package dev.gatun.bindings.loader;

import java.util.Locale;

/**
 * An operating system and a processor, named as the native jars are: {@code linux-x86_64}.
 *
 * @param os   {@code linux}, {@code macosx} or {@code windows}, or the system's own name
 * @param arch {@code x86_64} or {@code arm64}, or the processor's own name
 */
public record Platform(String os, String arch) {

    /** The platform of this JVM. */
    public static Platform current() {
        return of(System.getProperty("os.name", ""), System.getProperty("os.arch", ""));
    }

    static Platform of(String osName, String osArch) {
        String name = osName.toLowerCase(Locale.ROOT);
        String os = name.startsWith("linux") ? "linux"
                : name.startsWith("mac") ? "macosx"
                : name.startsWith("windows") ? "windows" : name.replace(' ', '-');
        String arch = switch (osArch.toLowerCase(Locale.ROOT)) {
            case "amd64", "x86_64" -> "x86_64";
            case "aarch64", "arm64" -> "arm64";
            default -> osArch.toLowerCase(Locale.ROOT);
        };
        return new Platform(os, arch);
    }

    @Override
    public String toString() {
        return os + "-" + arch;
    }
}
