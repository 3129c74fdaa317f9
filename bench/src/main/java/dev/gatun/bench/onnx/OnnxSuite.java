package dev.gatun.bench.onnx;

import dev.gatun.bench.harness.Contender;
import dev.gatun.bench.harness.Suite;
import dev.gatun.bench.harness.Workload;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The same ONNX files in Gatun and in ONNX Runtime with its defaults: folders NAME/model.onnx below {@code -Dgatun.bench.onnx=FOLDER},
 * which {@code bench/onnx_models.py} writes. Without such a folder there is no work. A quick run is of one item each, with 1 and 2 threads.
 */
public final class OnnxSuite implements Suite {
    /** Names the folder. */
    public static final String FOLDER = "gatun.bench.onnx";

    private static List<Path> models() {
        Path folder = Path.of(System.getProperty(FOLDER, "bench/target/onnx"));
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> inside = Files.list(folder)) {
            return inside.map(f -> f.resolve("model.onnx")).filter(Files::isRegularFile).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public String name() {
        return "onnx";
    }

    @Override
    public List<Workload> workloads(boolean quick) {
        List<Workload> workloads = new ArrayList<>();
        List<Path> models = models();
        for (int i = 0; i < models.size(); i++) {
            for (int threads : new int[] {1, 2}) {
                for (int batch : new int[] {1, 8}) {
                    if (!quick || batch == 1) {
                        workloads.add(new Workload(models.get(i).getParent().getFileName() + " batch " + batch + ", threads " + threads,
                                Map.of("model", i, "batch", batch, "threads", threads), batch, "items"));
                    }
                }
            }
        }
        return workloads;
    }

    @Override
    public List<String> contenders() {
        return List.of("gatun", "onnxruntime");
    }

    @Override
    public Contender create(String contender, Workload workload) throws Exception {
        Path model = models().get(workload.get("model"));
        return switch (contender) {
            case "gatun" -> new GatunOnnx(model, workload.get("batch"), workload.get("threads"));
            case "onnxruntime" -> new OnnxRuntimeFile(model, workload.get("batch"), workload.get("threads"));
            default -> throw new IllegalArgumentException(contender);
        };
    }

    @Override
    public double tolerance() {
        return 1e-3;
    }

    /** A quantized file, whose folder's name ends in {@code _q}: roundings of a dynamic scale fall to either side; 0.049 was seen. */
    @Override
    public double tolerance(Workload workload) {
        return models().get(workload.get("model")).getParent().getFileName().toString().endsWith("_q") ? 0.1 : tolerance();
    }
}
