package dev.gatun.models.generate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.family.transformer.Seq2SeqModel;
import dev.gatun.models.testing.RandomModels;
import dev.gatun.models.testing.ResidentMemory;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a token costs once everything is warm: the same products wherever it stands in its sequence, and no memory. */
class SteadyStateTest {
    private static final int LENGTH = 1024;

    /** Were the tokens before computed again, there would be plans for more rows. */
    @Test
    void aTokenFarIntoASequenceRunsThePlanOfTheFirst() {
        GenerationOptions whole = GenerationOptions.builder().maxLength(LENGTH).minLength(LENGTH).build();
        try (Seq2SeqModel model = RandomModels.create(101, 32, 2, LENGTH, 0); GenerationSession session = new GenerationSession(model, 1);
                GenerationRun run = session.start(List.of(new int[] {5, 6, 7, 8}), whole, TokenListener.NONE)) {
            for (int i = 0; i < 3; i++) {
                assertTrue(run.step());
            }
            int plans = model.planCount();
            int steps = 3;
            while (run.step()) {
                steps++;
            }
            assertTrue(steps > LENGTH - 10, steps + " steps");
            assertEquals(plans, model.planCount());
        }
    }

    @Test
    void tenThousandGenerationsTakeNoMoreMemory() throws Exception {
        List<Long> series = ResidentMemory.series(GenerationSeries.class, "");
        System.out.println("resident KiB after each 250 of 10,000 generations: " + series);
        // Plans for shapes that come up late are still compiled; there is a bounded number of them.
        ResidentMemory.assertFlat(series, 8);
    }
}
