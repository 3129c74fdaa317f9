package dev.gatun.bench.recurrent;

import dev.gatun.bench.harness.Contender;
import dev.gatun.bench.harness.Suite;
import dev.gatun.bench.harness.Workload;
import dev.gatun.bench.onnx.OnnxGraphWriter;
import dev.gatun.tensor.Cell;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** LSTM and GRU of one layer and one direction, as many inputs as units, over sequences of equal length. */
public final class RecurrentSuite implements Suite {
    private static final int[] HIDDEN = {256, 1024};
    private static final int[] STEPS = {1, 128};
    private static final int[] BATCHES = {1, 32};

    @Override
    public String name() {
        return "recurrent";
    }

    @Override
    public List<Workload> workloads(boolean quick) {
        List<Workload> workloads = new ArrayList<>();
        for (Cell cell : List.of(Cell.LSTM, Cell.GRU)) {
            for (int hidden : HIDDEN) {
                for (int steps : STEPS) {
                    for (int batch : BATCHES) {
                        for (int threads : quick ? new int[] {1} : new int[] {1, 2}) {
                            workloads.add(new Workload(cell + " " + hidden + ", " + batch + "x" + steps + ", threads " + threads,
                                    Map.of("cell", cell.ordinal(), "hidden", hidden, "steps", steps, "batch", batch, "threads", threads),
                                    flops(cell, hidden, steps, batch), "FLOP"));
                        }
                    }
                }
            }
        }
        return workloads;
    }

    /** Of products; sequences begin with zeros, whose product nobody needs. */
    private static long flops(Cell cell, long hidden, long steps, long batch) {
        return 2 * cell.gates() * hidden * hidden * batch * (2 * steps - 1);
    }

    @Override
    public List<String> contenders() {
        return List.of("gatun", "onnx-runtime", "djl-pytorch");
    }

    @Override
    public void prepare(Workload workload) throws IOException {
        Path file = file(workload);
        if (!Files.exists(file)) {
            Layer layer = Layer.of(workload);
            OnnxGraphWriter graph = new OnnxGraphWriter(14);
            String x = graph.input("x", OnnxGraphWriter.FLOAT, layer.steps, layer.batch, layer.hidden);
            long gates = (long) layer.cell.gates() * layer.hidden;
            float[] bias = new float[Math.toIntExact(2 * gates)];
            System.arraycopy(layer.onnx(layer.inputBias, 1), 0, bias, 0, (int) gates);
            System.arraycopy(layer.onnx(layer.stateBias, 1), 0, bias, (int) gates, (int) gates);
            Map<String, Object> attributes = new HashMap<>(Map.of("hidden_size", (long) layer.hidden));
            if (layer.cell == Cell.GRU) {
                attributes.put("linear_before_reset", 1L);
            }
            graph.named("y", layer.cell.name(), List.of(x, graph.floats(layer.onnx(layer.input, layer.hidden), 1, gates, layer.hidden),
                    graph.floats(layer.onnx(layer.state, layer.hidden), 1, gates, layer.hidden), graph.floats(bias, 1, 2 * gates)),
                    attributes);
            graph.output("y", OnnxGraphWriter.FLOAT, layer.steps, 1, layer.batch, layer.hidden);
            Path part = file.resolveSibling(file.getFileName() + ".part");
            graph.write(part);
            Files.move(part, file);
        }
    }

    private static Path file(Workload workload) throws IOException {
        Path folder = Files.createDirectories(Path.of(System.getProperty("gatun.bench.work", "bench/target/work")));
        return folder.resolve(workload.name().replaceAll("[^A-Za-z0-9]+", "-") + ".onnx");
    }

    @Override
    public Contender create(String contender, Workload workload) throws Exception {
        return switch (contender) {
            case "gatun" -> new GatunRecurrent(Layer.of(workload), workload.get("threads"));
            case "onnx-runtime" -> new OnnxRuntimeRecurrent(file(workload), Layer.of(workload), workload.get("threads"));
            case "djl-pytorch" -> new DjlRecurrent(Layer.of(workload), workload.get("threads"));
            default -> throw new IllegalArgumentException(contender);
        };
    }

    @Override
    public double tolerance() {
        return 1e-4;
    }

    /** The layer's weights in PyTorch's order, and inputs of one sequence after the other. */
    record Layer(Cell cell, int hidden, int steps, int batch, float[] input, float[] state, float[] inputBias, float[] stateBias,
            float[] x) {

        static Layer of(Workload workload) {
            Random random = new Random(5);
            Cell cell = Cell.values()[workload.get("cell")];
            int hidden = workload.get("hidden");
            int gates = cell.gates() * hidden;
            float bound = (float) (1 / Math.sqrt(hidden));
            return new Layer(cell, hidden, workload.get("steps"), workload.get("batch"), floats(random, gates * hidden, bound),
                    floats(random, gates * hidden, bound), floats(random, gates, bound), floats(random, gates, bound),
                    floats(random, workload.get("batch") * workload.get("steps") * hidden, 1));
        }

        private static float[] floats(Random random, int count, float bound) {
            float[] values = new float[count];
            for (int i = 0; i < count; i++) {
                values[i] = random.nextFloat(-bound, bound);
            }
            return values;
        }

        /** With gates in ONNX's order: i o f c of an LSTM, z r h of a GRU. */
        float[] onnx(float[] own, int columns) {
            int[] order = cell == Cell.LSTM ? new int[] {0, 3, 1, 2} : new int[] {1, 0, 2};
            float[] other = new float[own.length];
            for (int g = 0; g < order.length; g++) {
                System.arraycopy(own, order[g] * hidden * columns, other, g * hidden * columns, hidden * columns);
            }
            return other;
        }
    }
}
