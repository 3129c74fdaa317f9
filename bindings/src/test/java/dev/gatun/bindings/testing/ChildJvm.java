package dev.gatun.bindings.testing;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A JVM of its own, for what can happen only once in a process. */
public final class ChildJvm {
    private final Process process;

    private ChildJvm(Process process) {
        this.process = process;
    }

    /** What it printed (both streams) and its exit code. */
    public record Result(int exitCode, String output) {
    }

    /** Starts a main class of the test class path with these JVM flags. */
    public static ChildJvm start(Class<?> main, String... flags) throws IOException {
        return start(List.of(), Map.of(), main, flags);
    }

    /** The same behind another command, which starts what follows it, and with these variables in its environment. */
    public static ChildJvm start(List<String> before, Map<String, String> environment, Class<?> main, String... flags) throws IOException {
        List<String> command = new ArrayList<>(before);
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-XX:TieredStopAtLevel=1");
        command.addAll(List.of(flags));
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().putAll(environment);
        return new ChildJvm(builder.start());
    }

    /** Waits for its end. */
    public Result finish() throws IOException, InterruptedException {
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError("the child JVM did not end: " + output);
        }
        return new Result(process.exitValue(), output);
    }
}
