package dev.gatun.models.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Few sizes, little waste. */
class BucketsTest {

    @ParameterizedTest
    @ValueSource(ints = {1, 100, 4096})
    void bucketsAreFewAndWasteLittle(int largest) {
        Buckets buckets = new Buckets(largest);
        assertTrue(buckets.count() <= 64, buckets.count() + " buckets");
        for (int tokens = 1; tokens <= largest; tokens++) {
            int size = buckets.size(buckets.indexFor(tokens));
            assertTrue(size >= tokens && size - tokens <= Math.max(3, size / 9), tokens + " tokens in " + size);
        }
        assertThrows(IllegalArgumentException.class, () -> buckets.indexFor(buckets.size(buckets.count() - 1) + 1));
    }

    @Test
    void rowsWasteAThirdAtMost() {
        assertEquals(1, Buckets.rows(1));
        for (int rows = 1; rows < 1000; rows++) {
            int bucket = Buckets.rows(rows);
            assertTrue(bucket >= rows && (rows < 4 || bucket * 2 <= rows * 3), rows + " rows in " + bucket);
        }
    }
}
