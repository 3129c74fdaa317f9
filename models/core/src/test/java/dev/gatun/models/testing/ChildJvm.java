package dev.gatun.models.testing;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A JVM of its own. */
public final class ChildJvm {
    private ChildJvm() {
    }

    /** What it printed (both streams) and its exit code. */
    public record Result(int exitCode, String output) {
    }

    /** Runs {@code java} with these arguments to its end. */
    public static Result run(List<String> arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(arguments);
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError("the child JVM did not end: " + output);
        }
        return new Result(process.exitValue(), output);
    }

    /** The test's own class path. */
    public static String classPath() {
        return System.getProperty("java.class.path");
    }
}
