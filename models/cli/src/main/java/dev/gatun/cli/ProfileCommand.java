package dev.gatun.cli;

import dev.gatun.bindings.kernels.Kernels;
import dev.gatun.bindings.kernels.Limits;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import jdk.jfr.Recording;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Where a forward's time goes. */
@Command(name = "profile", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Say where a forward's time goes: for each operation its share of the time, its kernel, and the share of what this "
                + "machine's threads can multiply or read at most, which are measured too. Takes image models, text encoders, and flight "
                + "recordings of a service (.jfr) in which dev.gatun.Operation was enabled.")
final class ProfileCommand implements Callable<Integer> {
    /** Far more than the last cache. */
    private static final long BANDWIDTH_BYTES = 256L << 20;
    private static final String OPERATION = "dev.gatun.Operation";

    @Parameters(paramLabel = "MODEL", description = "A folder as embed or classify takes it, or a recording.")
    Path model;

    @Option(names = "--batch", converter = Least.One.class, paramLabel = "N",
            description = "Pictures or texts a request. Default: ${DEFAULT-VALUE}.")
    int batch = 1;

    @Option(names = "--seq-len", converter = Least.One.class, paramLabel = "L",
            description = "Tokens of each text, for encoders. Default: ${DEFAULT-VALUE}.")
    int seqLen = 128;

    @Option(names = "--threads", converter = Least.Cores.class, paramLabel = "T",
            description = "Cores. Default: what the container may use.")
    int threads;

    @Option(names = "--precision", paramLabel = "f32|bf16|f16|int8|auto",
            description = "Of the weights of text encoders, see docs/precision.md. Default: f32, of images what the model has.")
    String precision;

    @Option(names = "--seconds", paramLabel = "S",
            description = "How long to look, after a third of it to warm up. Default: ${DEFAULT-VALUE}.")
    double seconds = 3;

    @Option(names = "--svg", paramLabel = "FILE", description = "Draw the same as well.")
    Path svg;

    @CommandLine.Spec
    CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        if (model.toString().endsWith(".jfr")) {
            List<ProfileRow> rows = ProfileRow.read(model);
            print(model.getFileName().toString(), rows, limits(threads == 0 ? 1 : threads));
            return 0;
        }
        BenchModelCommand loader = new BenchModelCommand();
        loader.spec = spec;
        loader.model = model;
        loader.batch = batch;
        loader.seqLen = seqLen;
        loader.threads = threads;
        loader.precision = precision;
        loader.seconds = seconds;
        loader.visit((name, unit, load, bytes, clients) -> {
            if (unit.equals("request")) {
                throw new CommandLine.ParameterException(spec.commandLine(), model + ": ONNX files have no plan of their own to profile; "
                        + "gatun bench-model --model " + model + " measures it, gatun inspect " + model + " names its kernels");
            }
            try (BenchModelLoad.Client client = clients.get()) {
                print(name + ", batch " + batch + (unit.equals("text") ? " x " + seqLen + " tokens" : "") + ", " + loader.threads
                        + " threads", recorded(client), limits(loader.threads));
            }
        });
        return 0;
    }

    private List<ProfileRow> recorded(BenchModelLoad.Client client) throws IOException {
        Path file = Files.createTempFile("gatun-profile", ".jfr");
        try (Recording recording = new Recording()) {
            run(client, seconds / 3);
            recording.enable(OPERATION);
            recording.start();
            run(client, seconds);
            recording.stop();
            recording.dump(file);
            return ProfileRow.read(file);
        } finally {
            Files.delete(file);
        }
    }

    private static void run(BenchModelLoad.Client client, double seconds) {
        long start = System.nanoTime();
        do {
            client.request();
        } while ((System.nanoTime() - start) * 1e-9 < seconds);
    }

    /** What so many threads can do at most: FLOP/s and bytes/s. */
    record Peak(double flops, double bytes) {
    }

    private static Peak limits(int threads) {
        int before = Kernels.maxThreads();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment floats = arena.allocate(BANDWIDTH_BYTES, 64).fill((byte) 0);
            Kernels.setThreads(threads);
            return new Peak(1e9 * Limits.fmaPeak(0.3), 1e9 * Limits.readBandwidth(floats, 0.3));
        } finally {
            Kernels.setThreads(before);
        }
    }

    private void print(String title, List<ProfileRow> rows, Peak peak) throws IOException {
        if (rows.isEmpty()) {
            throw new IOException(model + " has no events " + OPERATION + ": record with -XX:StartFlightRecording:filename=FILE,"
                    + OPERATION + "#enabled=true");
        }
        spec.commandLine().getOut().print(ProfileTable.text(title, rows, peak));
        spec.commandLine().getOut().flush();
        if (svg != null) {
            try {
                Files.writeString(svg, ProfileTable.svg(title, rows, peak));
            } catch (FileSystemException e) {
                throw new IOException("--svg " + svg + ": cannot be written (" + (Files.isDirectory(svg) ? "is a folder" : "is its folder "
                        + "there, and may you write to it?") + ")", e);
            }
        }
    }
}
