package dev.gatun.tensor.exec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.tensor.exec.MemoryPlanner.Buffer;
import dev.gatun.tensor.exec.MemoryPlanner.Placement;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class MemoryPlannerTest {

    @Test
    void buffersThatLiveAtOnceNeverOverlap() {
        SplittableRandom random = new SplittableRandom(7);
        for (int round = 0; round < 2000; round++) {
            List<Buffer> buffers = randomBuffers(random, 1 + random.nextInt(40));
            check(buffers, MemoryPlanner.place(buffers));
        }
    }

    private static List<Buffer> randomBuffers(SplittableRandom random, int count) {
        List<Buffer> buffers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            int first = random.nextInt(count) - 1;
            long size = random.nextInt(10) == 0 ? 0 : 1 + random.nextLong(random.nextBoolean() ? 100 : 1L << 33);
            buffers.add(new Buffer(size, first, first + random.nextInt(1 + count / 2)));
        }
        return buffers;
    }

    private static void check(List<Buffer> buffers, Placement placement) {
        long sum = 0;
        for (int i = 0; i < buffers.size(); i++) {
            Buffer a = buffers.get(i);
            long begin = placement.offsets()[i];
            assertTrue(begin >= 0 && begin % 64 == 0, "offset " + begin);
            assertTrue(begin + a.byteSize() <= placement.byteSize(), "buffer " + i + " is not inside");
            sum += MemoryPlanner.align(a.byteSize());
            for (int j = 0; j < i; j++) {
                Buffer b = buffers.get(j);
                long other = placement.offsets()[j];
                boolean apart = begin + a.byteSize() <= other || other + b.byteSize() <= begin;
                assertTrue(apart || !a.overlaps(b), a + " at " + begin + " and " + b + " at " + other);
            }
        }
        assertTrue(placement.byteSize() <= sum, placement.byteSize() + " bytes, without sharing " + sum);
    }

    @Test
    void aChainTakesTheRoomOfTwo() {
        List<Buffer> chain = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            chain.add(new Buffer(1000, i, i + 1));
        }
        assertEquals(2048, MemoryPlanner.place(chain).byteSize());
        assertEquals(0, MemoryPlanner.place(List.of()).byteSize());
    }
}
