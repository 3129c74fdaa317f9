package dev.gatun.bench.harness;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A contender in a JVM of its own, told over standard input what to do. The protocol is a line each way: {@code run N} gives N
 * durations in nanoseconds, {@code load RATE SECONDS} latencies, {@code output FILE} writes the floats, {@code memory} gives the resident
 * bytes, {@code libraries} the bytes of its native libraries, {@code peak THREADS SECONDS} FLOP/s of multiply-adds between runs.
 */
public final class ContenderProcess implements AutoCloseable {
    private final Process process;
    private final BufferedReader answers;
    private final PrintStream commands;
    private final String version;
    private final double startSeconds;

    /** Starts a JVM and waits until the contender is ready and has run once. */
    public ContenderProcess(String suite, String contender, int workload, boolean quick) {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED", "--add-modules", "jdk.incubator.vector", "-Xmx4g",
                "-cp", System.getProperty("java.class.path")));
        System.getProperties().stringPropertyNames().stream().filter(name -> name.startsWith("gatun."))
                .forEach(name -> command.add("-D" + name + "=" + System.getProperty(name)));
        command.addAll(List.of("dev.gatun.bench.harness.ContenderMain", suite, contender,
                Integer.toString(workload), Boolean.toString(quick)));
        long start = System.nanoTime();
        try {
            ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD);
            // A kernel that the environment forces on OpenBLAS is not the one it would choose.
            builder.environment().keySet().removeIf(name -> name.startsWith("OPENBLAS_"));
            process = builder.start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        answers = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        commands = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
        String ready = answer();
        startSeconds = (System.nanoTime() - start) * 1e-9;
        if (!ready.startsWith("ready ")) {
            process.destroyForcibly();
            throw new IllegalStateException(ready);
        }
        version = ready.substring("ready ".length());
    }

    /** The engine and its version. */
    public String version() {
        return version;
    }

    /** From starting the JVM to the first result. */
    public double startSeconds() {
        return startSeconds;
    }

    /** Durations of so many runs, in nanoseconds. */
    public long[] run(int count) {
        return longs(ask("run " + count));
    }

    private static long[] longs(String answer) {
        String[] parts = answer.split(" ");
        long[] nanos = new long[parts.length];
        for (int i = 0; i < nanos.length; i++) {
            nanos[i] = Long.parseLong(parts[i]);
        }
        return nanos;
    }

    /** Latencies, in nanoseconds, of requests that come at random times, so many a second. */
    public long[] load(double rate, double seconds) {
        return longs(ask("load " + rate + " " + seconds));
    }

    /**
     * FLOP/s of multiply-adds in registers alone by so many threads, measured in turn with runs: work lowers the clock, and neighbours do.
     */
    public double peak(int threads, double seconds) {
        return Double.parseDouble(ask("peak " + threads + " " + seconds));
    }

    /** What the last run computed. */
    public float[] output() {
        try {
            Path file = Files.createTempFile("gatun-bench", ".f32");
            try {
                ask("output " + file);
                ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file));
                float[] values = new float[bytes.remaining() / Float.BYTES];
                bytes.asFloatBuffer().get(values);
                return values;
            } finally {
                Files.delete(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Resident memory of the process now, in bytes; -1 where the system does not say. */
    public long residentBytes() {
        return Long.parseLong(ask("memory"));
    }

    /** Size of the native libraries of the engine, in bytes; -1 where the system does not say. */
    public long libraryBytes() {
        return Long.parseLong(ask("libraries"));
    }

    private String ask(String command) {
        commands.println(command);
        String answer = answer();
        if (answer.startsWith("error ")) {
            throw new IllegalStateException(answer);
        }
        return answer;
    }

    private String answer() {
        try {
            for (String line = answers.readLine(); line != null; line = answers.readLine()) {
                if (line.startsWith("> ")) {
                    return line.substring(2);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        try {
            return "error the process ended with code " + process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "error interrupted";
        }
    }

    @Override
    public void close() {
        commands.close();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }
}
