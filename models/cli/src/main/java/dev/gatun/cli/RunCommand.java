package dev.gatun.cli;

import dev.gatun.bindings.loader.ThreadCount;
import dev.gatun.models.onnx.OnnxModel;
import dev.gatun.models.onnx.OnnxNpy;
import dev.gatun.models.onnx.OnnxSession;
import dev.gatun.models.onnx.OnnxTensor;
import dev.gatun.models.onnx.OnnxValue;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Runs an ONNX file once. */
@Command(name = "run", mixinStandardHelpOptions = true, sortOptions = false,
        description = "Run an ONNX file on inputs from .npy files. Without --output the outputs' types and shapes are printed.")
final class RunCommand implements Callable<Integer> {
    @Option(names = "--model", required = true, paramLabel = "FILE", description = "The ONNX file.")
    Path model;

    @Option(names = "--input", paramLabel = "NAME=FILE.npy", description = "An input of the graph. Repeat for others.")
    Map<String, Path> inputs = new LinkedHashMap<>();

    @Option(names = "--random", description = "Random values for the inputs that are not given.")
    boolean random;

    @Option(names = "--size", paramLabel = "NAME=N",
            description = "Size of an open dimension of random inputs, by its name or as INPUT:DIMENSION. "
            + "Otherwise 1 for a first dimension, 16 for others.")
    Map<String, Long> sizes = new HashMap<>();

    @Option(names = "--output", paramLabel = "DIR",
            description = "A folder for the outputs, each as NAME.npy; characters unfit for a name become _.")
    Path output;

    @Option(names = "--threads", converter = Least.Cores.class, paramLabel = "T",
            description = "Cores to use. Default: what the container may use.")
    int threads = ThreadCount.usual();

    @CommandLine.Spec
    CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        try (Arena arena = Arena.ofShared(); OnnxModel loaded = OnnxModel.load(model); OnnxSession session = loaded.newSession(threads)) {
            Map<String, OnnxTensor> values = new LinkedHashMap<>();
            if (random) {
                values.putAll(OnnxInputs.random(loaded, arena, sizes, 1, 16));
            }
            for (Map.Entry<String, Path> input : inputs.entrySet()) {
                values.put(input.getKey(), OnnxNpy.read(input.getValue(), arena));
            }
            write(session.run(values));
        }
        return CommandLine.ExitCode.OK;
    }

    private void write(Map<String, OnnxValue> results) throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        if (output != null) {
            Files.createDirectories(output);
        }
        for (Map.Entry<String, OnnxValue> result : results.entrySet()) {
            out.println(result.getKey() + ": " + result.getValue());
            if (output != null) {
                write(result.getKey().replaceAll("[^A-Za-z0-9._-]", "_"), result.getValue());
            }
        }
        out.flush();
    }

    private void write(String name, OnnxValue value) throws IOException {
        switch (value) {
            case OnnxTensor tensor -> OnnxNpy.write(output.resolve(name + ".npy"), tensor);
            case OnnxValue.Optional optional -> {
                if (optional.value() != null) {
                    write(name, optional.value());
                }
            }
            case OnnxValue.Sequence sequence -> {
                for (int i = 0; i < sequence.values().size(); i++) {
                    write(name + "_" + i, sequence.values().get(i));
                }
            }
        }
    }
}
