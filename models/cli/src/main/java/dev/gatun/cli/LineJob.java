package dev.gatun.cli;

import dev.gatun.models.generate.GenerationOptions;
import dev.gatun.models.io.LineWriter;
import dev.gatun.models.io.Utf8Lines;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** Lines in, lines out, in order, to standard output or to a file that a later run of the same command may go on with. */
final class LineJob {
    private static final int BATCH = 1024;

    @Option(names = "--output", paramLabel = "FILE", description = "Where the lines go. Default: standard output.")
    Path output;

    @Option(names = "--resume", description = "Go on where an interrupted run of the same command stopped, and leave what is done in "
            + "FILE.part if this one is interrupted.")
    boolean resume;

    @CommandLine.Spec(CommandLine.Spec.Target.MIXEE)
    CommandLine.Model.CommandSpec command;

    /** Where lines go; one that has breaks within goes there with spaces for them. */
    interface Out {
        void println(String line) throws IOException;
    }

    /** What becomes of some lines. */
    interface Step {
        void run(List<String> lines, long firstLine, Out out) throws IOException;
    }

    /**
     * Refuses wrong use.
     *
     * @param lines whether lines are read, and each gives one
     */
    void check(boolean lines) {
        if (resume && (output == null || !lines)) {
            throw new CommandLine.ParameterException(command.commandLine(),
                    "--resume needs --input and --output, and a line out for each line in");
        }
    }

    /** Refuses to go on with what was drawn: it cannot be told whether it is of the same model. */
    void check(GenerationOptions how) {
        if (resume && how.doSample()) {
            throw new CommandLine.ParameterException(command.commandLine(),
                    "--resume: the folder's generation_config.json says do_sample; leave --resume out");
        }
    }

    /**
     * Does it.
     *
     * @param texts instead of lines, unless it is empty
     * @param input of lines
     * @param eager whether each line is a step of its own
     */
    void run(List<String> texts, String input, boolean eager, Step step) throws IOException {
        Step flat = (lines, first, out) -> step.run(lines, first, line -> out.println(line.replaceAll("\\R", " ")));
        if (output == null) {
            PrintWriter out = command.commandLine().getOut();
            all(texts, input, eager ? 1 : BATCH, flat, out::println, null);
            return;
        }
        try (LineWriter file = LineWriter.open(output, resume); Cleanup _ = new Cleanup(file::close)) {
            all(texts, input, BATCH, flat, file::write, file);
            file.finish();
        }
    }

    private void all(List<String> texts, String input, int size, Step step, Out out, LineWriter file) throws IOException {
        if (!texts.isEmpty()) {
            step.run(texts, 1, out);
            command.commandLine().getOut().flush();
            return;
        }
        Progress progress = new Progress(command.commandLine().getErr(), "lines");
        try (Utf8Lines lines = Utf8Lines.open(input)) {
            long first = 1 + (file == null ? 0 : skip(input, lines, step, file));
            List<String> batch = next(lines, size);
            while (!batch.isEmpty()) {
                step.run(batch, first, out);
                if (file != null) {
                    file.flush();
                }
                command.commandLine().getOut().flush();
                first += batch.size();
                progress.add(batch.size());
                batch = next(lines, size);
            }
        }
        progress.finish();
    }

    private static List<String> next(Utf8Lines lines, int size) throws IOException {
        List<String> batch = new ArrayList<>();
        String line = lines.next();
        while (line != null) {
            batch.add(line);
            line = batch.size() == size ? null : lines.next();
        }
        return batch;
    }

    /** Lines that are done already; the last of them must be what this model makes of it. */
    private long skip(String input, Utf8Lines lines, Step step, LineWriter file) throws IOException {
        long done = file.lines();
        String line = null;
        for (long i = 0; i < done; i++) {
            line = lines.next();
            if (line == null) {
                throw new IOException(output + ".part has " + done + " lines, " + input + " only " + i
                        + ": it is of another input; delete it or leave --resume out");
            }
        }
        if (line != null) {
            List<String> again = new ArrayList<>();
            step.run(List.of(line), done, again::add);
            if (!again.equals(List.of(file.last()))) {
                throw new IOException(output + ".part: its last line is not what this model makes of line " + done + " of " + input
                        + ": it is of another model, other options or another input; delete it or leave --resume out");
            }
            command.commandLine().getErr().println(done + " lines are done already");
        }
        return done;
    }
}
