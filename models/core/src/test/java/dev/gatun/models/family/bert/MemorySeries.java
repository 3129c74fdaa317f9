package dev.gatun.models.family.bert;

import dev.gatun.models.encode.Encoder;
import dev.gatun.models.encode.EncoderSession;
import dev.gatun.models.encode.Head;
import dev.gatun.models.encode.Pooling;
import dev.gatun.models.registry.Encoders;
import dev.gatun.models.testing.Goldens;
import dev.gatun.models.testing.ResidentMemory;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.SplittableRandom;

/** Prints the resident memory of its process, in KiB, forty times while it works; see {@link SteadyStateTest}. */
final class MemorySeries {
    private MemorySeries() {
    }

    public static void main(String[] args) throws IOException {
        if (args[0].equals("forwards")) {
            forwards();
        } else {
            loads();
        }
    }

    private static void forwards() throws IOException {
        try (Encoder encoder = Encoders.load(Goldens.path("bert/tiny"), Head.pooled(Pooling.MEAN, true));
                Arena arena = Arena.ofConfined()) {
            Requests requests = new Requests(encoder, 1, arena, new SplittableRandom(9), 997, 12, 60);
            try (EncoderSession session = requests.session()) {
                for (int i = 0; i < 40; i++) {
                    requests.forward(500);
                    ResidentMemory.print();
                }
            }
            if (encoder.planCount() > encoder.maxPlanCount()) {
                throw new AssertionError(encoder.planCount() + " plans, expected at most " + encoder.maxPlanCount());
            }
        }
    }

    private static void loads() throws IOException {
        for (int i = 0; i < 40; i++) {
            for (int j = 0; j < 5; j++) {
                try (Encoder encoder = Encoders.load(Goldens.path("bert/tiny"), Head.pooled(Pooling.MEAN, true));
                        Arena arena = Arena.ofConfined()) {
                    Requests requests = new Requests(encoder, 1, arena, new SplittableRandom(j), 4, 4, 80);
                    requests.forward(4);
                    requests.session().close();
                }
            }
            ResidentMemory.print();
        }
    }
}
