package dev.gatun.tensor.graph.pass;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Precision;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Lowering;
import dev.gatun.tensor.graph.Narrowing;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.graph.Target;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.graph.WeightPack;
import dev.gatun.tensor.testing.Reference;
import java.lang.foreign.Arena;
import java.util.List;
import org.junit.jupiter.api.Test;

class NarrowTest {
    private static final Target TARGET = Target.ofRows(1);

    private static Weight floats(Arena arena, String name, float[] values, long out, long in) {
        return new Weight(name, Tensor.ofFloats(arena, values, out, in));
    }

    private static Weight halves(Arena arena, String name, DataType type, long out, long in) {
        return new Weight(name, Tensor.allocate(arena, TensorDesc.of(type, out, in)));
    }

    /** One of each kind: plain, with outliers, with what is too large or too small for F16, of few outputs, from files of halves. */
    private static Graph graph(Arena arena) {
        GraphBuilder g = new GraphBuilder("layers");
        Port x = g.input("x", Spec.of(DataType.F32, "n", 40));
        float[] outlier = Reference.random(2, 40 * 40);
        for (int i = 0; i < 40; i++) {
            outlier[i * 40 + i] *= 1000;
        }
        float[] huge = Reference.random(3, 40 * 40);
        huge[17] = 1e6f;
        x = g.add("plain", new Linear(floats(arena, "plain", Reference.random(1, 40 * 40), 40, 40), null), x);
        x = g.add("outlier", new Linear(floats(arena, "outlier", outlier, 40, 40), null), x);
        x = g.add("huge", new Linear(floats(arena, "huge", huge, 40, 40), null), x);
        float[] tiny = Reference.random(5, 40 * 40);
        for (int i = 0; i < tiny.length; i++) {
            tiny[i] *= 1e-8f;
        }
        x = g.add("tiny", new Linear(floats(arena, "tiny", tiny, 40, 40), null), x);
        x = g.add("f16", new Linear(halves(arena, "f16", DataType.F16, 40, 40), null), x);
        x = g.add("bf16", new Linear(halves(arena, "bf16", DataType.BF16, 40, 40), null), x);
        g.output("y", g.add("few", new Linear(floats(arena, "few", Reference.random(4, 15 * 40), 15, 40), null), x));
        return g.build();
    }

    private static List<Narrowing> lowered(Precision precision) {
        try (Arena arena = Arena.ofConfined()) {
            Target target = TARGET.withPrecision(precision);
            return new Lowering(Passes.run(graph(arena), target, arena), target, new WeightPack(arena), arena).narrowings();
        }
    }

    private static String taken(Precision precision) {
        return String.join(" ", lowered(precision).stream().map(each -> each.taken().toString()).toList());
    }

    @Test
    void whatLosesTooMuchStaysWide() {
        assertEquals("int8 f32 f32 int8 int8 int8 f32", taken(Precision.INT8));
        assertEquals("f16 f16 f32 f32 f16 f16 f32", taken(Precision.F16));
        assertEquals("bf16 bf16 bf16 bf16 bf16 bf16 f32", taken(Precision.BF16));
    }

    @Test
    void autoKeepsTheFilesNumbers() {
        assertEquals("f32 f32 f32 f32 f16 bf16 f32", taken(Precision.AUTO));
        assertTrue(lowered(Precision.AUTO).stream().allMatch(each -> each.lost() == 0 && each.why().equals("as in the file")));
    }

    @Test
    void theReportSaysWhy() {
        List<Narrowing> int8 = lowered(Precision.INT8);
        assertEquals("outlier", int8.get(1).layer());
        assertTrue(int8.get(1).lost() > 0.1 && int8.get(1).why().contains("0.1"), int8.toString());
        assertTrue(int8.get(0).lost() > 0.001 && int8.get(0).lost() < 0.02, int8.toString());
        assertTrue(lowered(Precision.F16).get(2).why().contains("f16 cannot hold"));
        assertTrue(int8.getLast().why().contains("outputs"));
        assertEquals(List.of(), lowered(Precision.F32));
    }

    @Test
    void inF32NothingChanges() {
        try (Arena arena = Arena.ofConfined()) {
            Graph graph = graph(arena);
            assertSame(graph, new Narrow().run(graph, TARGET, arena));
            assertTrue(Passes.runUntil(graph, TARGET.withPrecision(Precision.F16), arena, "narrow").toString().contains(" in f16"));
        }
    }
}
