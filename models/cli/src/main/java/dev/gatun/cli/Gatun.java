package dev.gatun.cli;

import dev.gatun.bindings.loader.NativeLibraryException;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The {@code gatun} command. Exit codes: 0, 1 (failed), 2 (usage). */
@Command(name = "gatun", description = "Neural-network inference on CPUs.",
        mixinStandardHelpOptions = true, versionProvider = Gatun.Version.class, synopsisSubcommandLabel = "COMMAND",
        subcommands = {InfoCommand.class, EmbedCommand.class, SearchCommand.class, TranslateCommand.class, SummarizeCommand.class,
                DemoCommand.class,
                ClassifyCommand.class,
                BenchModelCommand.class, ProfileCommand.class, QuantizeCommand.class, InspectCommand.class, ClassifyTextCommand.class,
                RerankCommand.class, TagCommand.class, FillMaskCommand.class, AnswerCommand.class, ZeroShotCommand.class,
                VerifyCommand.class, RunCommand.class, PullCommand.class, GenerateCommand.class,
                PerplexityCommand.class, ForecastCommand.class, TranscribeCommand.class, TrainCommand.class})
public final class Gatun implements Callable<Integer> {
    @Option(names = "--stacktrace", scope = CommandLine.ScopeType.INHERIT, description = "Print the stack trace of a failure.")
    boolean stacktrace;

    @CommandLine.Spec
    CommandLine.Model.CommandSpec spec;

    /** The process. */
    public static void main(String[] args) {
        String lost = lostCharacters(args, System.getProperty("sun.jnu.encoding", "UTF-8"));
        if (lost != null) {
            System.err.println("gatun: " + lost);
            System.exit(CommandLine.ExitCode.USAGE);
        }
        System.exit(run(new PrintWriter(System.out, true), new PrintWriter(System.err, true), args));
    }

    /** The command as a call: what it prints goes to the writers; returns the exit code. */
    static int run(PrintWriter out, PrintWriter err, String... args) {
        Gatun gatun = new Gatun();
        CommandLine command = new CommandLine(gatun).setOut(out).setErr(err)
                .setCaseInsensitiveEnumValuesAllowed(true);
        command.setExecutionExceptionHandler((e, line, parsed) -> {
            if (Cleanup.isEnding()) {
                return CommandLine.ExitCode.SOFTWARE;
            }
            if (gatun.stacktrace) {
                e.printStackTrace(err);
            } else {
                err.println("gatun: " + message(e));
            }
            err.flush();
            return CommandLine.ExitCode.SOFTWARE;
        });
        command.setParameterExceptionHandler((e, parsed) -> misused(e, err));
        return command.execute(args);
    }

    /** One line of what is wrong, and where the options are listed; a command that is missing is answered with all of them. */
    private static int misused(CommandLine.ParameterException e, PrintWriter err) {
        CommandLine command = e.getCommandLine();
        err.println("gatun: " + e.getMessage());
        if (!CommandLine.UnmatchedArgumentException.printSuggestions(e, err) && command.getParent() == null) {
            command.usage(err);
        } else {
            if (e instanceof CommandLine.MissingParameterException) {
                err.print("Usage: " + command.getHelp().synopsis("Usage: ".length()));
            }
            err.println(command.getCommandSpec().qualifiedName() + " --help lists what it takes");
        }
        err.flush();
        return CommandLine.ExitCode.USAGE;
    }

    /** Under LC_ALL=C the JVM cannot read other characters than ASCII in arguments: it has put something else in their place. */
    static String lostCharacters(String[] args, String encoding) {
        if (encoding.replace("-", "").equalsIgnoreCase("UTF8")) {
            return null;
        }
        for (int i = 0; i < args.length; i++) {
            if (args[i].indexOf('\uFFFD') >= 0) {
                return "argument " + (i + 1) + " has lost characters: the locale's encoding is " + encoding
                        + "; set LC_ALL=C.UTF-8, or give the text "
                        + "in a file or on standard input";
            }
        }
        return null;
    }

    private static String message(Throwable e) {
        String message = e.getMessage();
        // A plain IOException is one that Gatun made: its message names the file. The JDK's own are subclasses.
        boolean own = e instanceof NativeLibraryException || e instanceof IllegalArgumentException
                || e instanceof IllegalStateException || e.getClass() == IOException.class
                        || e.getClass().getName().startsWith("dev.gatun.");
        return own && message != null ? message
                : e.getClass().getSimpleName() + (message == null ? "" : ": " + message) + " (--stacktrace tells where)";
    }

    @Override
    public Integer call() {
        throw new CommandLine.ParameterException(spec.commandLine(), "name a command");
    }

    /** Reads the version that the build wrote into the manifest. */
    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = Gatun.class.getPackage().getImplementationVersion();
            return new String[] {"gatun " + (version == null ? "(development)" : version)};
        }
    }
}
