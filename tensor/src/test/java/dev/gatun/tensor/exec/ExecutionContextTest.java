package dev.gatun.tensor.exec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.kernel.CompiledOp.Sharing;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.AttentionOp;
import dev.gatun.tensor.op.ConcatOp;
import dev.gatun.tensor.op.EltwiseOp;
import dev.gatun.tensor.op.EmbeddingOp;
import dev.gatun.tensor.op.KvLayout;
import dev.gatun.tensor.op.KvStoreOp;
import dev.gatun.tensor.op.MatMulOp;
import dev.gatun.tensor.op.SequencePoolOp;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ExecutionContextTest {
    private final Arena arena = Arena.ofShared();
    private final Lifetime model = new Lifetime("the model");

    @AfterEach
    void free() {
        if (model.close()) {
            arena.close();
        }
    }

    private Plan relu(int n) {
        PlanBuilder builder = new PlanBuilder("relu " + n, model, arena, 1);
        Value x = builder.input("x", TensorDesc.of(DataType.F32, n));
        builder.output("y", builder.add(new EltwiseOp(Activation.RELU), x));
        return builder.build();
    }

    /** A plan whose only operation waits inside until it is let go. */
    private Plan blocking(CountDownLatch inside, CountDownLatch go) {
        PlanBuilder builder = new PlanBuilder("blocking", model, arena, 1);
        Value x = builder.input("x", TensorDesc.of(DataType.F32, 1));
        builder.output("y", new FakeOp(1, Sharing.NONE, binding -> {
            inside.countDown();
            try {
                go.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            binding.dst().setFloat(0, 42);
        }).addTo(builder, x));
        return builder.build();
    }

    private static void check(BoundPlan plan, int n) {
        Tensor x = plan.input("x");
        for (int i = 0; i < n; i++) {
            x.setFloat(i, i % 2 == 0 ? i : -i);
        }
        plan.execute();
        for (int i = 0; i < n; i++) {
            assertEquals(i % 2 == 0 ? i : 0, plan.output("y").getFloat(i));
        }
    }

    @Test
    void plansShareTheMemoryOfTheLargest() {
        try (ExecutionContext context = new ExecutionContext()) {
            Plan small = relu(10);
            Plan large = relu(100_000);
            BoundPlan first = context.bind(small);
            assertSame(first, context.bind(small));
            check(first, 10);
            check(context.bind(large), 100_000);
            long handles = context.nativeByteSize() - large.activationByteSize() - large.scratchpadByteSize();
            assertTrue(handles > 0 && handles < 4096, "handles and argument blocks take " + handles + " bytes");
            assertThrows(IllegalStateException.class, first::execute, "its memory went when the context grew");
            assertThrows(IllegalStateException.class, () -> first.input("x").setFloat(0, 1));
            assertNotSame(first, context.bind(small));
            check(context.bind(small), 10);
            check(context.bind(large), 100_000);
        }
    }

    @Test
    void anInterruptedThreadStopsBetweenOperations() {
        PlanBuilder builder = new PlanBuilder("two", model, arena, 1);
        AtomicInteger ran = new AtomicInteger();
        Value x = builder.input("x", TensorDesc.of(DataType.F32, 1));
        Value first = new FakeOp(1, Sharing.NONE, binding -> {
            ran.incrementAndGet();
            Thread.currentThread().interrupt();
        }).addTo(builder, x);
        builder.output("y", new FakeOp(1, Sharing.NONE, binding -> ran.incrementAndGet()).addTo(builder, first));
        try (ExecutionContext context = new ExecutionContext()) {
            BoundPlan plan = context.bind(builder.build());
            assertThrows(CancellationException.class, plan::execute);
            assertTrue(Thread.interrupted());
            assertEquals(1, ran.get());
            assertThrows(CancellationException.class, plan::execute, "the context is free again");
            assertTrue(Thread.interrupted());
        }
    }

    @Test
    void useAfterCloseThrows() {
        ExecutionContext context = new ExecutionContext();
        Plan plan = relu(10);
        BoundPlan bound = context.bind(plan);
        context.close();
        context.close();
        assertEquals(0, context.nativeByteSize());
        assertClosed("the execution context is closed", () -> context.bind(plan));
        assertClosed("the execution context is closed", bound::execute);
        assertThrows(IllegalStateException.class, () -> bound.input("x").setFloat(0, 1));
        assertThrows(IllegalStateException.class, () -> bound.output("y").getFloat(0));
    }

    @Test
    void thePlanOfAClosedModelIsRefused() {
        try (ExecutionContext context = new ExecutionContext()) {
            Plan plan = relu(10);
            BoundPlan bound = context.bind(plan);
            Plan unbound = relu(20);
            assertTrue(model.close());
            arena.close();
            assertClosed("the model is closed", bound::execute);
            assertClosed("the model is closed", () -> context.bind(unbound));
        }
    }

    private static void assertClosed(String message, org.junit.jupiter.api.function.Executable call) {
        assertEquals(message, assertThrows(IllegalStateException.class, call).getMessage());
    }

    @Test
    void aSecondThreadAtOnceIsRefused() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        Plan plan = blocking(inside, go);
        try (ExecutionContext context = new ExecutionContext(); ExecutorService other = Executors.newSingleThreadExecutor()) {
            BoundPlan bound = context.bind(plan);
            Future<?> running = other.submit(() -> bound.execute());
            inside.await();
            String message = assertThrows(IllegalStateException.class, bound::execute).getMessage();
            assertTrue(message.contains("in use by another thread"), message);
            assertThrows(IllegalStateException.class, () -> context.bind(plan));
            go.countDown();
            running.get(10, TimeUnit.SECONDS);
            assertEquals(42, bound.output("y").getFloat(0));
            bound.execute();
        }
    }

    @Test
    void closingWaitsForAnExecutionUnderWay() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        ExecutionContext context = new ExecutionContext();
        BoundPlan bound = context.bind(blocking(inside, go));
        try (ExecutorService threads = Executors.newFixedThreadPool(3)) {
            Future<?> running = threads.submit(() -> bound.execute());
            inside.await();
            Future<?> closing = threads.submit(() -> context.close());
            Future<Boolean> modelClosing = threads.submit(model::close);
            Thread.sleep(30);
            assertFalse(closing.isDone());
            assertFalse(modelClosing.isDone());
            go.countDown();
            running.get(10, TimeUnit.SECONDS);
            closing.get(10, TimeUnit.SECONDS);
            assertTrue(modelClosing.get(10, TimeUnit.SECONDS));
        }
        arena.close();
        assertThrows(IllegalStateException.class, bound::execute);
    }

    @Test
    void compiledOnOneThreadExecutedOnOthers() throws Exception {
        // With oneDNN's own scratchpad this crashes the process: 96 x 200 x 80 needs one.
        Plan[] plans = new Plan[1];
        Thread compiler = new Thread(() -> {
            PlanBuilder builder = new PlanBuilder("product", model, arena, 1);
            Value a = builder.input("a", TensorDesc.of(DataType.F32, 96, 200));
            Value b = builder.input("b", TensorDesc.of(DataType.F32, 200, 80));
            builder.output("c", builder.add(new MatMulOp(false, 1f, Activation.NONE), a, b));
            plans[0] = builder.build();
        });
        compiler.start();
        compiler.join();
        float[] expected = product(plans[0]);
        assertEquals(200, expected[0], 1e-3);
        try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
            List<Future<float[]>> results = new ArrayList<>();
            for (int i = 0; i < 64; i++) {
                results.add(threads.submit(() -> product(plans[0])));
            }
            for (Future<float[]> result : results) {
                assertArrayEquals(expected, result.get(30, TimeUnit.SECONDS));
            }
        }
    }

    private static float[] product(Plan plan) {
        try (ExecutionContext context = new ExecutionContext()) {
            BoundPlan bound = context.bind(plan);
            for (int i = 0; i < 96 * 200; i++) {
                bound.input("a").setFloat(i, 2);
            }
            for (int i = 0; i < 200 * 80; i++) {
                bound.input("b").setFloat(i, 0.5f);
            }
            bound.execute();
            return bound.output("c").toFloats();
        }
    }

    @Test
    void aContextMayMoveFromThreadToThread() throws Exception {
        try (ExecutionContext context = new ExecutionContext()) {
            Plan plan = relu(1000);
            for (int i = 0; i < 4; i++) {
                Thread thread = new Thread(() -> check(context.bind(plan), 1000));
                Throwable[] failure = new Throwable[1];
                thread.setUncaughtExceptionHandler((t, e) -> failure[0] = e);
                thread.start();
                thread.join();
                assertSame(null, failure[0]);
            }
        }
    }

    @Test
    void aPlanTooLargeForTheMachineLeavesTheContextUsable() {
        try (ExecutionContext context = new ExecutionContext()) {
            Plan small = relu(10);
            check(context.bind(small), 10);
            PlanBuilder builder = new PlanBuilder("huge", model, arena, 1);
            Value x = builder.input("x", TensorDesc.of(DataType.F32, 1L << 55));
            builder.output("y", FakeOp.sum(1, Sharing.NONE).addTo(builder, x));
            Plan huge = builder.build();
            assertThrows(OutOfMemoryError.class, () -> context.bind(huge));
            check(context.bind(small), 10);
        }
    }

    @Test
    void aPlanTellsWhatItHolds() {
        Plan plan = relu(16);
        assertEquals(1, plan.stepCount());
        assertEquals(1, plan.threads());
        assertEquals("Plan relu 16", plan.toString());
        assertTrue(plan.describe().getFirst().startsWith("EltwiseOp -> F32 [16] "), plan.describe().toString());
        assertTrue(plan.activationByteSize() >= 128);
    }

    @Test
    void freedWeightsAreRefused() {
        try (ExecutionContext context = new ExecutionContext()) {
            BoundPlan bound;
            try (Arena weights = Arena.ofShared()) {
                Tensor table = Tensor.ofFloats(weights, new float[12], 3, 4);
                PlanBuilder builder = new PlanBuilder("words", model, arena, 1);
                builder.output("y", builder.add(new EmbeddingOp(table, null, null, null),
                        builder.input("ids", TensorDesc.of(DataType.S32, 2))));
                bound = context.bind(builder.build());
                bound.execute();
            }
            assertClosed("plan words: its weights are freed: their arena was closed", bound::execute);
            try (ExecutionContext another = new ExecutionContext()) {
                assertClosed("plan words: its weights are freed: their arena was closed", () -> another.bind(bound.plan()));
            }
        }
    }

    @Test
    void aPlanOverAStateThatGrewIsRefused() {
        try (ExecutionContext context = new ExecutionContext()) {
            BoundPlan small = context.bind(stateful("small", 3));
            small.state("h").setFloat(2, 7);
            BoundPlan large = context.bind(stateful("large", 100));
            assertEquals(7, large.state("h").getFloat(2));
            assertClosed("Plan small: the context has grown since this was bound: ask it again", small::execute);
            context.bind(small.plan()).execute();
        }
    }

    private Plan stateful(String name, int n) {
        PlanBuilder builder = new PlanBuilder(name, model, arena, 1);
        builder.output("y", builder.add(new EltwiseOp(Activation.RELU), builder.state("h", TensorDesc.of(DataType.F32, n))));
        return builder.build();
    }

    @Test
    void addressesComeFromAStateOnlyAndZeroIsNone() {
        KvStoreOp op = new KvStoreOp(new KvLayout(1, 1, 4), 0, true);
        PlanBuilder refused = new PlanBuilder("input", model, arena, 1);
        Value[] operands = {refused.input("kv", TensorDesc.of(DataType.F32, 2, 8)), refused.input("s", TensorDesc.of(DataType.S32, 3)),
            refused.input("tables", TensorDesc.of(DataType.U8, 8))};
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> refused.add(op, operands));
        assertEquals("plan input: KvStoreOp follows addresses, which only a state may hold", e.getMessage());
        PlanBuilder builder = new PlanBuilder("state", model, arena, 1);
        Value kv = builder.input("kv", TensorDesc.of(DataType.F32, 2, 8));
        builder.output("y", builder.add(op, kv, builder.input("s", TensorDesc.of(DataType.S32, 3)),
                builder.state("t", TensorDesc.of(DataType.U8, 8))));
        assertThrows(IllegalArgumentException.class, () -> refused.add(new EltwiseOp(Activation.RELU), kv), "another plan's value");
        try (ExecutionContext context = new ExecutionContext()) {
            BoundPlan bound = context.bind(builder.build());
            bound.input("s").setInt(0, 1);
            bound.execute();
            bound.input("s").setInt(2, 2);
            assertClosed("row 0 has 2 tokens and no table of a cache", bound::execute);
        }
    }

    /** The indices are read once, into memory of the plan's own; without that, such a race ended the process. */
    @Test
    void indicesThatChangeWhileAPlanRuns() throws Exception {
        Tensor table = Tensor.ofFloats(arena, new float[12], 3, 4);
        PlanBuilder builder = new PlanBuilder("race", model, arena, 1);
        Value ids = builder.input("ids", TensorDesc.of(DataType.S32, 64));
        Value rows = builder.add(new EmbeddingOp(table, null, null, null), ids);
        Value sequences = builder.input("sequences", TensorDesc.of(DataType.S32, 18));
        Value q = builder.add(new ConcatOp(1), rows, rows, rows);
        builder.output("a", builder.add(AttentionOp.packedSelf(2, 2), q, sequences));
        builder.output("p", builder.add(new SequencePoolOp(SequencePoolOp.Kind.MEAN, false, 16), rows, sequences));
        try (ExecutionContext context = new ExecutionContext(); ExecutorService other = Executors.newSingleThreadExecutor()) {
            BoundPlan bound = context.bind(builder.build());
            Tensor id = bound.input("ids");
            Tensor offsets = bound.input("sequences");
            AtomicBoolean stop = new AtomicBoolean();
            Future<?> writer = other.submit(() -> {
                int[] values = {1, 1 << 30, -1 << 30, 0};
                for (int i = 0; !stop.get(); i++) {
                    id.setInt(i % 64, i % 5 == 0 ? values[i / 5 % 4] : i % 3);
                    offsets.setInt(i % 18, i % 7 == 0 ? values[i / 7 % 4] : i % 18 == 0 ? 16 : (i % 18 - 1) * 4);
                }
            });
            int done = 0;
            for (int i = 0; i < 20_000; i++) {
                try {
                    bound.execute();
                    done++;
                } catch (IllegalArgumentException refused) {
                    assertTrue(refused.getMessage().contains("expected"), refused.getMessage());
                }
            }
            stop.set(true);
            writer.get(10, TimeUnit.SECONDS);
            for (int i = 0; i < 64; i++) {
                id.setInt(i, i % 3);
            }
            for (int i = 0; i < 18; i++) {
                offsets.setInt(i, i == 0 ? 16 : (i - 1) * 4);
            }
            bound.execute();
            assertTrue(done < 20_000, "nothing was refused: nothing was raced");
        }
    }
}
