package dev.gatun.models.family.bert;

import dev.gatun.models.testing.ResidentMemory;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What many forwards leave behind in the process: nothing. */
class SteadyStateTest {
    @Test
    void twentyThousandForwardsTakeNoMoreMemory() throws Exception {
        List<Long> series = ResidentMemory.series(MemorySeries.class, "forwards");
        System.out.println("resident KiB after each 500 of 20,000 forwards: " + series);
        ResidentMemory.assertFlat(series, 8);
    }

    /** What comes and goes: models, plans, sessions. */
    @Test
    void loadingAndClosingTakesNoMoreMemory() throws Exception {
        List<Long> series = ResidentMemory.series(MemorySeries.class, "loads");
        System.out.println("resident KiB after each 5 of 200 loads: " + series);
        ResidentMemory.assertFlat(series, 24);
    }
}
