package dev.gatun.bench.harness;

import dev.gatun.bench.Bench;
import dev.gatun.bindings.kernels.Kernels;
import dev.gatun.bindings.kernels.Limits;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.StringJoiner;

/** The other end of {@link ContenderProcess}: holds one contender and does what it is told. */
public final class ContenderMain {
    private ContenderMain() {
    }

    /** Arguments: suite, contender, index of the workload, quick. */
    public static void main(String[] args) throws IOException {
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
        // Engines print what they like; the protocol has the real standard output to itself.
        System.setOut(System.err);
        // As a service would that shares its cores; figures stay comparable with those of before.
        Suite suite = Bench.suite(args[0]);
        Workload workload = suite.workloads(Boolean.parseBoolean(args[3])).get(Integer.parseInt(args[2]));
        try (Contender contender = suite.create(args[1], workload)) {
            contender.run();
            out.println("> ready " + contender.version());
            serve(contender, out);
        } catch (Exception | LinkageError e) {
            out.println("> error " + e.toString().replace('\n', ' '));
        }
    }

    private static void serve(Contender contender, PrintStream out) throws IOException {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] parts = line.split(" ", 2);
            switch (parts[0]) {
                case "run" -> out.println("> " + join(contender.time(Integer.parseInt(parts[1]))));
                case "load" -> {
                    String[] numbers = parts[1].split(" ");
                    out.println("> " + join(contender.load(Double.parseDouble(numbers[0]), Double.parseDouble(numbers[1]))));
                }
                case "peak" -> {
                    String[] numbers = parts[1].split(" ");
                    out.println("> " + peak(contender, Integer.parseInt(numbers[0]), Double.parseDouble(numbers[1])));
                }
                case "output" -> {
                    write(contender.output(), Path.of(parts[1]));
                    out.println("> written");
                }
                case "memory" -> out.println("> " + residentBytes());
                case "libraries" -> out.println("> " + libraryBytes());
                default -> out.println("> error unknown command " + line);
            }
        }
    }

    private static String join(long[] durations) {
        StringJoiner nanos = new StringJoiner(" ");
        for (long duration : durations) {
            nanos.add(Long.toString(duration));
        }
        return nanos.toString();
    }

    /** Passes of a millisecond, between runs that take about as long. */
    private static double peak(Contender contender, int threads, double seconds) {
        Kernels.setThreads(threads);
        List<Double> passes = new ArrayList<>();
        long start = System.nanoTime();
        for (long now = start; now - start < seconds * 1e9; ) {
            long pass = now;
            passes.add(1e9 * Limits.fmaPeak(0));
            now = System.nanoTime();
            for (long end = 2 * now - pass; now < end; now = System.nanoTime()) {
                contender.run();
            }
        }
        return Statistics.median(Result.array(passes));
    }

    private static void write(float[] values, Path file) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * Float.BYTES);
        bytes.asFloatBuffer().put(values);
        Files.write(file, bytes.array());
    }

    /** Sizes of the native libraries that this process has mapped, less the JDK's and the system's. */
    private static long libraryBytes() throws IOException {
        Path maps = Path.of("/proc/self/maps");
        if (!Files.exists(maps)) {
            return -1;
        }
        String jdk = System.getProperty("java.home");
        Set<String> libraries = new HashSet<>();
        for (String line : Files.readAllLines(maps)) {
            int slash = line.indexOf('/');
            String file = slash < 0 ? "" : line.substring(slash);
            boolean system = file.startsWith(jdk) || file.startsWith("/usr/lib") || file.startsWith("/lib");
            if (file.contains(".so") && !system && Files.exists(Path.of(file))) {
                libraries.add(file);
            }
        }
        long bytes = 0;
        for (String library : libraries) {
            bytes += Files.size(Path.of(library));
        }
        return bytes;
    }

    private static long residentBytes() throws IOException {
        Path status = Path.of("/proc/self/status");
        if (!Files.exists(status)) {
            return -1;
        }
        for (String line : Files.readAllLines(status)) {
            if (line.startsWith("VmRSS:")) {
                return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
            }
        }
        return -1;
    }
}
