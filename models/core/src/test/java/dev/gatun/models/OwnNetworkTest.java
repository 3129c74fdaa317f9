package dev.gatun.models;

import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.SafetensorsWriter;
import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.runtime.Program;
import dev.gatun.models.runtime.Session;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.EltwiseOp;
import dev.gatun.tensor.testing.Reference;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A user's own network: described, loaded from a safetensors file, run. */
class OwnNetworkTest {
    @TempDir
    Path folder;

    /** What docs/own-network.md shows. */
    private static Program load(Path file) {
        try (Arena files = Arena.ofConfined()) {
            WeightScope weights = WeightScope.of(SafetensorsFile.open(file, files));
            GraphBuilder g = new GraphBuilder("mlp");
            Port x = g.input("x", Spec.of(DataType.F32, "n", 7));
            x = g.add("fc1", new Linear(weights.part("fc1", 7, 33)), x);
            x = g.add("relu", new EltwiseOp(Activation.RELU), x);
            g.output("y", g.add("fc2", new Linear(weights.part("fc2", 33, 5)), x));
            return Program.load(g.build());
        }
    }

    private Path write(Map<String, float[]> values) throws IOException {
        Path file = folder.resolve("mlp.safetensors");
        try (Arena arena = Arena.ofConfined()) {
            Map<String, Tensor> tensors = new LinkedHashMap<>();
            tensors.put("fc1.weight", Tensor.ofFloats(arena, values.get("w1"), 33, 7));
            tensors.put("fc1.bias", Tensor.ofFloats(arena, values.get("b1"), 33));
            tensors.put("fc2.weight", Tensor.ofFloats(arena, values.get("w2"), 5, 33));
            tensors.put("fc2.bias", Tensor.ofFloats(arena, values.get("b2"), 5));
            SafetensorsWriter.write(file, tensors, Map.of());
        }
        return file;
    }

    @Test
    @Timeout(20)
    void closingDoesNotWaitForAThreadThatEndedInside() throws Exception {
        try (Program program = load(write(Map.of("w1", new float[33 * 7], "b1", new float[33], "w2", new float[5 * 33], "b2",
                new float[5])))) {
            Session session = program.newSession(1);
            Thread inside = Thread.ofPlatform().start(session::enter);
            inside.join();
            assertThrows(IllegalStateException.class, session::enter);
            session.close();
            assertThrows(IllegalStateException.class, session::enter);
            // Nor for one that ends while it waits.
            Session late = program.newSession(1);
            CountDownLatch entered = new CountDownLatch(1);
            Thread slow = Thread.ofPlatform().start(() -> {
                late.enter();
                entered.countDown();
                LockSupport.park();
            });
            entered.await();
            Thread closing = Thread.ofPlatform().start(late::close);
            while (!late.isClosed()) {
                Thread.onSpinWait();
            }
            LockSupport.unpark(slow);
            slow.join();
            closing.join();
        }
    }

    @Test
    void givesWhatPlainLoopsGiveForEverySizeAndClosesInAnyOrder() throws IOException {
        Map<String, float[]> v = Map.of("w1", Reference.random(1, 33 * 7), "b1", Reference.random(2, 33), "w2", Reference.random(3, 5 * 33),
                "b2", Reference.random(4, 5));
        Program program = load(write(v));
        Session session = program.newSession(1);
        Session other = program.newSession(2);
        try (Arena arena = Arena.ofConfined()) {
            for (int n : new int[] {1, 3, 17, 1}) {
                float[] x = Reference.random(n, n * 7L);
                Tensor in = Tensor.ofFloats(arena, x, n, 7);
                Reference.assertClose(plain(v, x, n), session.run(Map.of("x", in)).get("y").toFloats(), 1e-5);
                Reference.assertClose(plain(v, x, n), other.run(Map.of("x", in)).get("y").toFloats(), 1e-5);
            }
            Tensor wrong = Tensor.ofFloats(arena, new float[16], 2, 8);
            assertThrows(ShapeException.class, () -> session.run(Map.of("x", wrong)));
            assertThrows(IllegalArgumentException.class, () -> session.run(Map.of()));
            assertThrows(IllegalArgumentException.class, () -> session.run(Map.of("x", wrong, "y", wrong)));
            Tensor good = Tensor.ofFloats(arena, new float[7], 1, 7);
            session.close();
            assertThrows(IllegalStateException.class, () -> session.run(Map.of("x", good)));
            program.close();
            assertThrows(IllegalStateException.class, () -> other.run(Map.of("x", good)));
            assertThrows(IllegalStateException.class, () -> program.newSession(1));
            other.close();
            other.close();
            program.close();
        }
    }

    private static double[] plain(Map<String, float[]> v, float[] x, int n) {
        double[] y = new double[n * 5];
        for (int row = 0; row < n; row++) {
            for (int j = 0; j < 33; j++) {
                double h = v.get("b1")[j];
                for (int k = 0; k < 7; k++) {
                    h += (double) v.get("w1")[j * 7 + k] * x[row * 7 + k];
                }
                for (int o = 0; o < 5; o++) {
                    y[row * 5 + o] += Math.max(0, h) * v.get("w2")[o * 33 + j] + (j == 0 ? v.get("b2")[o] : 0);
                }
            }
        }
        return y;
    }
}
