package dev.gatun.models.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.bindings.kernels.CountedArena;
import dev.gatun.bindings.loader.NativeLimitException;
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
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A process that may hold little. */
class NativeLimitTest {
    /** Opens sessions until there is no room, closes one, and goes on with another; then everything, and loads again. */
    static final class Main {
        private static final int MOST = 10_000;

        public static void main(String[] args) {
            Path folder = Path.of(args[0]);
            List<EncoderSession> sessions = new ArrayList<>();
            try (Encoder encoder = Encoders.load(folder, Head.pooled(Pooling.MEAN, true))) {
                try {
                    while (sessions.size() < MOST) {
                        sessions.add(encoder.newSession(1));
                        run(encoder, sessions.getLast());
                    }
                } catch (NativeLimitException e) {
                    System.out.println("refused: " + e.getMessage());
                    System.out.println("within: " + (CountedArena.processByteSize() <= e.limit()));
                }
                sessions.removeFirst().close();
                run(encoder, sessions.getFirst());
                EncoderSession another = encoder.newSession(1);
                sessions.add(another);
                run(encoder, another);
            }
            sessions.forEach(EncoderSession::close);
            System.out.println("left: " + CountedArena.processByteSize() + " " + CountedArena.holders());
        }

        private static void run(Encoder encoder, EncoderSession session) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment ids = arena.allocateFrom(ValueLayout.JAVA_INT, 1, 2, 3);
                session.forward(ids, arena.allocateFrom(ValueLayout.JAVA_INT, 0, 3), 1, arena.allocate(encoder.head().columns() * 4L, 4));
            }
        }
    }

    @Test
    void nothingIsTakenBeyondTheLimitAndTheMessageSaysWhoHoldsWhat() throws Exception {
        ChildJvm.Result result = ChildJvm.run(List.of("--enable-native-access=ALL-UNNAMED", "-Dgatun.native.limit=4m", "-cp",
                ChildJvm.classPath(), Main.class.getName(), Goldens.path("bert/tiny").toString()));
        assertEquals(0, result.exitCode(), result.output());
        String said = result.output().lines().filter(line -> line.startsWith("refused: ")).findFirst().orElseThrow(
                () -> new AssertionError(result.output()));
        assertTrue(said.contains("activations of sessions wants "), said);
        assertTrue(said.contains("may hold 4.2 MB of native memory (-Dgatun.native.limit)"), said);
        assertTrue(said.matches(".*it holds [34]\\.\\d MB: activations of sessions \\d.*weights of .*"), said);
        assertTrue(result.output().contains("within: true"), result.output());
        assertTrue(result.output().contains("left: 0 {}"), result.output());
    }
}
