package dev.gatun.cli;

import dev.gatun.models.hub.HubName;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** A model of the hub into the local cache. */
@Command(name = "pull", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Download a model from the Hugging Face hub into its local cache, and print the folder; --model takes the name from "
                + "then on. "
                + "Interrupted downloads go on where they stopped, and checksums are compared. Of the environment HF_ENDPOINT, HF_TOKEN, "
                        + "HF_HOME and "
                + "HF_HUB_CACHE count. No other command opens a connection.")
final class PullCommand implements Callable<Integer> {
    private static final long INTERVAL_NANOS = 1_000_000_000L;

    @Parameters(paramLabel = "NAME", description = "Such as sentence-transformers/all-MiniLM-L6-v2.")
    String name;

    @Option(names = "--revision", paramLabel = "R", description = "A branch, a tag or a commit. Default: ${DEFAULT-VALUE}.")
    String revision = "main";

    @CommandLine.Spec
    CommandLine.Model.CommandSpec spec;

    private long printed;

    @Override
    public Integer call() throws IOException, InterruptedException {
        spec.commandLine().getOut().println(pull(System.getenv(), System.getProperty("user.home", ".")));
        return CommandLine.ExitCode.OK;
    }

    private Path pull(Map<String, String> environment, String home) throws IOException, InterruptedException {
        HubName model = name.contains("@") ? HubName.parse(name) : new HubName(name, revision);
        if (environment.getOrDefault("HF_HUB_OFFLINE", "0").matches("(?i)1|on|yes|true")) {
            throw new IOException(model + ": HF_HUB_OFFLINE is set, so nothing is downloaded");
        }
        return new HubDownload(environment, home, this::progress).pull(model);
    }

    private void progress(String file, long bytes, long of) {
        long now = System.nanoTime();
        if (now - printed >= INTERVAL_NANOS || bytes == of) {
            printed = now;
            PrintWriter err = spec.commandLine().getErr();
            err.printf(Locale.ROOT, "%s: %,.1f of %,.1f MB%n", file, bytes / 1e6, of / 1e6);
            err.flush();
        }
    }
}
