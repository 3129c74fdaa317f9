package dev.gatun.models.train;

import java.lang.foreign.MemorySegment;

/** Dropout over a result in its own memory; the choice is made again on the way back. */
final class DropoutRule implements Rule {
    private final long seed;
    private final float share;
    private final MemorySegment y;
    private final MemorySegment dy;
    private long step;

    DropoutRule(long seed, float share, MemorySegment y, MemorySegment dy) {
        this.seed = seed;
        this.share = share;
        this.y = y;
        this.dy = dy;
    }

    @Override
    public void forward(boolean training) {
        if (training) {
            step++;
            mask(y);
        }
    }

    @Override
    public void backward() {
        mask(dy);
    }

    private void mask(MemorySegment x) {
        for (long i = 0; i < x.byteSize() / Float.BYTES; i++) {
            boolean out = (Distortion.draw(seed + step * 0x632be59bd9b4e019L + i * 0xd1342543de82ef95L, 0) + 1) / 2 < share;
            Rule.set(x, i, out ? 0 : Rule.at(x, i) / (1 - share));
        }
    }
}
