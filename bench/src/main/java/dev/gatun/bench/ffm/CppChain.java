package dev.gatun.bench.ffm;

import dev.gatun.bench.harness.Contender;
import dev.gatun.bench.harness.Workload;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** The C++ program, which times itself: what passes between the processes is not in the durations. */
final class CppChain implements Contender {
    private final Process process;
    private final PrintStream commands;
    private final BufferedReader answers;

    CppChain(Workload workload) throws IOException {
        Path program = Path.of(System.getProperty("gatun.bench.chain", "native/target/bench-chain"));
        if (!Files.isExecutable(program)) {
            throw new IllegalStateException(program + " does not exist: make -C native bench-chain builds it");
        }
        process = new ProcessBuilder(program.toString(), Integer.toString(workload.get("layers")),
                Integer.toString(workload.get("m")), Integer.toString(workload.get("k")), Integer.toString(workload.get("n")))
                .redirectError(ProcessBuilder.Redirect.INHERIT).start();
        commands = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
        answers = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    private String ask(String command) {
        commands.println(command);
        try {
            String answer = answers.readLine();
            if (answer == null) {
                throw new IllegalStateException("the C++ program has ended");
            }
            return answer;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String version() {
        return "C++";
    }

    @Override
    public void run() {
        ask("run 1");
    }

    @Override
    public long[] time(int count) {
        return Arrays.stream(ask("run " + count).split(" ")).mapToLong(Long::parseLong).toArray();
    }

    @Override
    public float[] output() {
        String[] parts = ask("output").split(" ");
        float[] values = new float[parts.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = Float.parseFloat(parts[i]);
        }
        return values;
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
