package dev.gatun.models.family.bert;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.gatun.models.encode.Encoder;
import dev.gatun.models.encode.EncoderSession;
import dev.gatun.models.encode.Head;
import dev.gatun.models.encode.Pooling;
import dev.gatun.models.registry.Encoders;
import dev.gatun.models.testing.ChildJvm;
import dev.gatun.models.testing.Goldens;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Loading, compiling and computing in threads with little stack: a JVM that dies does so in its own process. */
class SmallStackTest {

    /** Loads and computes in a thread of so many KB, twice with other lengths, and prints a sum. */
    static final class Main {
        public static void main(String[] args) throws Exception {
            Thread thread = new Thread(null, Main::compute, "small", Long.parseLong(args[0]) << 10);
            thread.start();
            thread.join();
        }

        private static void compute() {
            try (Encoder encoder = Encoders.load(Goldens.path("bert/tiny"), Head.pooled(Pooling.MEAN, true));
                    EncoderSession one = encoder.newSession(1); EncoderSession two = encoder.newSession(2);
                            Arena arena = Arena.ofConfined()) {
                float[] first = run(one, arena, 5);
                assertArrayEquals(first, run(two, arena, 5), 1e-5f);
                run(two, arena, 30);
                System.out.println("computed " + first.length);
            }
        }

        private static float[] run(EncoderSession session, Arena arena, int tokens) {
            MemorySegment ids = arena.allocate(ValueLayout.JAVA_INT, tokens);
            MemorySegment offsets = arena.allocateFrom(ValueLayout.JAVA_INT, 0, tokens);
            MemorySegment vector = arena.allocate(ValueLayout.JAVA_FLOAT, 40);
            session.forward(ids, offsets, 1, vector);
            return vector.toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    @Test
    void everythingWorksInThreadsOfLittleStack() throws Exception {
        for (String linear : List.of("onednn", "measure")) {
            ChildJvm.Result result = ChildJvm.run(List.of("--enable-native-access=ALL-UNNAMED", "-Xss256k", "-Dgatun.linear=" + linear,
                    "-cp", ChildJvm.classPath(), Main.class.getName(), "256"));
            assertEquals("computed 40", result.output().strip(), linear);
        }
    }
}
