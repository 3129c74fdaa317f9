package dev.gatun.tensor.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.exec.BoundPlan;
import dev.gatun.tensor.exec.ExecutionContext;
import dev.gatun.tensor.exec.Lifetime;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Lowering;
import dev.gatun.tensor.graph.Pass;
import dev.gatun.tensor.graph.Sizes;
import dev.gatun.tensor.graph.Target;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.graph.WeightPack;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Runs graphs as they are, and with and without a pass. */
public final class GraphRunner {
    /** For few rows: no kernel is measured. */
    public static final Target TARGET = Target.ofRows(1);

    private GraphRunner() {
    }

    /** A weight of uniform values in [-1, 1), or in [0.5, 1.5) if it is a scale or a variance. */
    public static Weight weight(Arena arena, String name, long... dims) {
        long count = 1;
        for (long dim : dims) {
            count *= dim;
        }
        float[] values = Reference.random(name.hashCode(), count);
        if (name.endsWith("scale") || name.endsWith("variance")) {
            for (int i = 0; i < values.length; i++) {
                values[i] = 1 + values[i] / 2;
            }
        }
        return new Weight(name, Tensor.ofFloats(arena, values, dims));
    }

    /** The layers, by node name, in order: as {@code conv1 Conv}. */
    public static List<String> kinds(Graph graph) {
        return graph.nodes().stream().map(node -> node.name() + " " + node.layer().kind()).toList();
    }

    /** Compiles and executes a graph twice over random inputs, which depend on their names; gives the second outputs. */
    public static Map<String, float[]> run(Graph graph, Sizes sizes, int threads) {
        return run(graph, sizes, threads, Map.of());
    }

    /** The same with whole numbers for inputs of S32. */
    public static Map<String, float[]> run(Graph graph, Sizes sizes, int threads, Map<String, int[]> whole) {
        try (Arena arena = Arena.ofShared(); ExecutionContext context = new ExecutionContext()) {
            Lowering lowering = new Lowering(graph, TARGET, new WeightPack(arena), arena);
            BoundPlan plan = context.bind(lowering.compile(sizes, new Lifetime("the test"), arena, threads));
            Map<String, float[]> outputs = new LinkedHashMap<>();
            for (int i = 0; i < 2; i++) {
                graph.inputs().keySet().forEach(name -> {
                    Tensor input = plan.input(name);
                    if (input.type() == DataType.S32) {
                        input.segment().copyFrom(MemorySegment.ofArray(whole.get(name)));
                        return;
                    }
                    float[] values = Reference.random(name.hashCode(), input.shape().elementCount());
                    for (int j = 0; j < values.length; j++) {
                        input.setFloat(j, values[j]);
                    }
                });
                plan.execute();
                graph.outputs().keySet().forEach(name -> outputs.put(name, plan.output(name).toFloats()));
            }
            return outputs;
        }
    }

    /**
     * Checks that a graph gives the same with a pass as without, with one thread and with two.
     *
     * @return the rewritten graph, whose weights live as long as the arena
     */
    public static Graph check(Pass pass, Graph graph, Sizes sizes, Arena arena, double tolerance) {
        return check(pass, graph, sizes, arena, tolerance, Map.of());
    }

    /** The same with whole numbers for inputs of S32. */
    public static Graph check(Pass pass, Graph graph, Sizes sizes, Arena arena, double tolerance, Map<String, int[]> whole) {
        Graph rewritten = pass.run(graph, TARGET, arena);
        for (int threads = 1; threads <= 2; threads++) {
            Map<String, float[]> expected = run(graph, sizes, threads, whole);
            Map<String, float[]> actual = run(rewritten, sizes, threads, whole);
            assertEquals(expected.keySet(), actual.keySet());
            expected.forEach((name, values) -> Reference.assertClose(Reference.widen(values), actual.get(name), tolerance));
        }
        return rewritten;
    }
}
