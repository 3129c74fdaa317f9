package dev.gatun.tensor.exec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.kernel.CompiledOp.Sharing;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class BufferAssignmentTest {
    private final Arena arena = Arena.ofShared();
    private final PlanBuilder builder = new PlanBuilder("test", new Lifetime("the test's model"), arena, 1);

    @AfterEach
    void free() {
        arena.close();
    }

    private Value input(String name) {
        return builder.input(name, TensorDesc.of(DataType.F32, 100));
    }

    private static FakeOp op(Sharing sharing) {
        return FakeOp.sum(100, sharing);
    }

    @Test
    void aResultTakesTheMemoryOfADeadInput() {
        Value x = op(Sharing.NONE).addTo(builder, input("in"));
        Value y = op(Sharing.mayOverwrite(0)).addTo(builder, x);
        Value z = op(Sharing.mustOverwrite(0)).addTo(builder, y);
        builder.output("out", z);
        Plan plan = builder.build();
        assertEquals(plan.offset(x.id()), plan.offset(y.id()));
        assertEquals(plan.offset(x.id()), plan.offset(z.id()));
        assertEquals(2 * MemoryPlanner.align(400), plan.activationByteSize());
    }

    @Test
    void whatIsReadLaterIsNotOverwritten() {
        Value x = op(Sharing.NONE).addTo(builder, input("in"));
        Value y = op(Sharing.mayOverwrite(0)).addTo(builder, x);
        builder.output("out", op(Sharing.NONE).addTo(builder, x, y));
        Plan plan = builder.build();
        assertNotEquals(plan.offset(x.id()), plan.offset(y.id()));
    }

    @Test
    void inputsAndOutputsAreTheCallers() {
        Value in = input("in");
        Value x = op(Sharing.mayOverwrite(0)).addTo(builder, in);
        builder.output("x", x);
        Value y = op(Sharing.mayOverwrite(0)).addTo(builder, x);
        builder.output("y", y);
        Plan plan = builder.build();
        assertEquals(3, List.of(plan.offset(in.id()), plan.offset(x.id()), plan.offset(y.id())).stream().distinct().count());
    }

    @Test
    void aViewIsTheSameMemoryAndKeepsItAlive() {
        Value x = op(Sharing.NONE).addTo(builder, input("in"));
        Value view = op(Sharing.view(0)).addTo(builder, x);
        Value y = op(Sharing.mayOverwrite(0)).addTo(builder, x);
        builder.output("out", op(Sharing.NONE).addTo(builder, view, y));
        Plan plan = builder.build();
        assertEquals(plan.offset(x.id()), plan.offset(view.id()));
        assertNotEquals(plan.offset(x.id()), plan.offset(y.id()), "the view is read after y is written");
    }

    @Test
    void aLargerResultNeedsMemoryOfItsOwn() {
        Value x = op(Sharing.NONE).addTo(builder, input("in"));
        Value y = FakeOp.sum(101, Sharing.mayOverwrite(0)).addTo(builder, x);
        builder.output("out", y);
        Plan plan = builder.build();
        assertNotEquals(plan.offset(x.id()), plan.offset(y.id()));
    }

    @Test
    void overwritingWhatIsReadLaterIsAnError() {
        Value x = op(Sharing.NONE).addTo(builder, input("in"));
        Value y = op(Sharing.mustOverwrite(0)).addTo(builder, x);
        builder.output("out", op(Sharing.NONE).addTo(builder, x, y));
        String message = assertThrows(IllegalStateException.class, builder::build).getMessage();
        assertTrue(message.contains("plan test: step 1 (FakeOp) overwrites its input 0"), message);
    }

    @Test
    void overwritingAnInputOfThePlanIsAnError() {
        builder.output("out", op(Sharing.mustOverwrite(0)).addTo(builder, input("in")));
        assertThrows(IllegalStateException.class, builder::build);
    }

    @Test
    void overwritingWithALargerResultIsAnError() {
        Value x = op(Sharing.NONE).addTo(builder, input("in"));
        builder.output("out", FakeOp.sum(101, Sharing.mustOverwrite(0)).addTo(builder, x));
        assertThrows(IllegalStateException.class, builder::build);
    }

    @Test
    void namesAreUniqueAndUnknownOnesAreListed() {
        Value in = input("in");
        assertThrows(IllegalArgumentException.class, () -> input("in"));
        builder.output("out", op(Sharing.NONE).addTo(builder, in));
        assertThrows(IllegalArgumentException.class, () -> builder.output("out", in));
        Plan plan = builder.build();
        String message = assertThrows(IllegalArgumentException.class, () -> plan.inputId("other")).getMessage();
        assertTrue(message.contains("plan test has no input other, only [in]"), message);
        assertThrows(IllegalArgumentException.class, () -> new PlanBuilder("none", new Lifetime("none"), arena, 0));
    }

    /** Random graphs whose every value is checked against the same graph computed with memory for each value. */
    @Test
    void sharingNeverChangesAResult() {
        SplittableRandom random = new SplittableRandom(11);
        for (int round = 0; round < 300; round++) {
            randomGraph(random, round);
        }
    }

    private void randomGraph(SplittableRandom random, int round) {
        PlanBuilder graph = new PlanBuilder("graph " + round, new Lifetime("the test's model"), arena, 1);
        List<Value> values = new ArrayList<>();
        List<Float> expected = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            values.add(graph.input("in" + i, TensorDesc.of(DataType.F32, 1 + random.nextInt(40))));
            expected.add((float) (3 + i));
        }
        for (int step = 0; step < 12; step++) {
            int a = random.nextInt(values.size());
            int b = random.nextInt(values.size());
            Sharing sharing = random.nextInt(3) == 0 ? Sharing.NONE : Sharing.mayOverwrite(random.nextInt(2));
            values.add(FakeOp.sum(1 + random.nextInt(40), sharing).addTo(graph, values.get(a), values.get(b)));
            expected.add(1 + expected.get(a) + expected.get(b));
            if (random.nextInt(4) == 0) {
                graph.output("out" + (values.size() - 1), values.getLast());
            }
        }
        graph.output("last", values.getLast());
        try (ExecutionContext context = new ExecutionContext()) {
            BoundPlan plan = context.bind(graph.build());
            for (int i = 0; i < 2; i++) {
                for (long j = 0; j < plan.input("in" + i).shape().elementCount(); j++) {
                    plan.input("in" + i).setFloat(j, expected.get(i));
                }
            }
            plan.execute();
            plan.execute();
            assertEquals(expected.getLast(), plan.output("last").getFloat(0));
            for (int i = 2; i < values.size(); i++) {
                int value = i;
                if (hasOutput(plan, value)) {
                    assertEquals(expected.get(i), plan.output("out" + i).getFloat(0), "graph " + round + " value " + i);
                }
            }
        }
    }

    private static boolean hasOutput(BoundPlan plan, int value) {
        try {
            plan.plan().outputId("out" + value);
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }
}
