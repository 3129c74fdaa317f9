package dev.gatun.models.train;

import java.lang.foreign.MemorySegment;

/** The mean of each plane. */
final class MeanRule implements Rule {
    private final MemorySegment x;
    private final MemorySegment y;
    private final MemorySegment dx;
    private final MemorySegment dy;
    private final long planes;
    private final long plane;

    /** @param dx null if nobody wants it */
    MeanRule(MemorySegment x, MemorySegment y, MemorySegment dx, MemorySegment dy) {
        this.x = x;
        this.y = y;
        this.dx = dx;
        this.dy = dy;
        this.planes = y.byteSize() / Float.BYTES;
        this.plane = x.byteSize() / Float.BYTES / Math.max(1, planes);
    }

    @Override
    public void forward(boolean training) {
        for (long p = 0; p < planes; p++) {
            double sum = 0;
            for (long i = p * plane; i < (p + 1) * plane; i++) {
                sum += Rule.at(x, i);
            }
            Rule.set(y, p, (float) (sum / plane));
        }
    }

    @Override
    public void backward() {
        for (long i = 0; dx != null && i < planes * plane; i++) {
            Rule.add(dx, i, Rule.at(dy, i / plane) / plane);
        }
    }
}
