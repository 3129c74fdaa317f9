package dev.gatun.models.generate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.family.transformer.Seq2SeqModel;
import dev.gatun.models.testing.Allocation;
import dev.gatun.models.testing.RandomModels;
import dev.gatun.models.testing.ResidentMemory;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a token costs once everything is warm: no heap, and hardly more far into a sequence than at its beginning. */
class SteadyStateTest {
    private static final int LENGTH = 1024;

    private static GenerationOptions.Builder whole() {
        return GenerationOptions.builder().maxLength(LENGTH).minLength(LENGTH);
    }

    @Test
    void aTokenCostsNoHeap() {
        try (Seq2SeqModel model = RandomModels.create(101, 32, 2, LENGTH, 0); GenerationSession session = new GenerationSession(model, 1)) {
            for (GenerationOptions options : List.of(whole().build(), whole().numBeams(3).build(),
                    whole().doSample(true).topK(20).topP(0.9).repetitionPenalty(1.2).build(),
                            whole().doSample(true).numReturnSequences(2).build())) {
                long bytes = Long.MAX_VALUE;
                for (int i = 0; i < 30 && bytes > 0; i++) {
                    bytes = bytesOfTokens(session, options);
                }
                assertEquals(0, bytes, "heap bytes of " + (LENGTH - 200) + " tokens, " + options);
            }
        }
    }

    /** Heap bytes from the 100th token to the last but 100. */
    private static long bytesOfTokens(GenerationSession session, GenerationOptions options) {
        try (GenerationRun run = session.start(List.of(new int[] {5, 6, 7, 8}), options, TokenListener.NONE)) {
            for (int i = 0; i < 100; i++) {
                run.step();
            }
            long before = Allocation.bytes();
            for (int i = 0; i < LENGTH - 200; i++) {
                run.step();
            }
            long after = Allocation.bytes();
            assertTrue(run.step());
            return after - before;
        }
    }

    @Test
    void aTokenFarIntoASequenceCostsLittleMore() {
        try (Seq2SeqModel model = RandomModels.create(8000, 512, 8, LENGTH, 0);
                GenerationSession session = new GenerationSession(model, 1)) {
            long[] nanos = new long[LENGTH];
            for (int i = 0; i < 3; i++) {
                try (GenerationRun run = session.start(List.of(new int[] {5, 6, 7, 8}), whole().build(), TokenListener.NONE)) {
                    boolean more = true;
                    for (int position = 1; more; position++) {
                        long start = System.nanoTime();
                        more = run.step();
                        nanos[position] = i == 0 ? Long.MAX_VALUE : Math.min(nanos[position], System.nanoTime() - start);
                    }
                }
            }
            double early = median(nanos, 6);
            double late = median(nanos, 996);
            System.out.printf("time per token: %.1f us at position 10, %.1f us at position 1,000, ratio %.2f%n", early / 1e3, late / 1e3,
                    late / early);
            // Recomputing everything would be a factor of a hundred; this only tells a cache from none on a busy machine.
            assertTrue(late < 4 * early, early + " ns, " + late + " ns");
        }
    }

    @Test
    void tenThousandGenerationsTakeNoMoreMemory() throws Exception {
        List<Long> series = ResidentMemory.series(GenerationSeries.class, "");
        System.out.println("resident KiB after each 250 of 10,000 generations: " + series);
        // Plans for shapes that come up late are still compiled; there is a bounded number of them.
        ResidentMemory.assertFlat(series, 24);
    }

    private static double median(long[] nanos, int from) {
        return java.util.Arrays.stream(nanos, from, from + 9).sorted().skip(4).findFirst().orElseThrow();
    }
}
