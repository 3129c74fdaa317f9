package dev.gatun.bench.ffm;

import dev.gatun.bench.harness.Contender;
import dev.gatun.bindings.kernels.Kernels;

/** Calls of a C function that does nothing. */
final class EmptyCalls implements Contender {

    EmptyCalls() {
        Kernels.load();
    }

    @Override
    public String version() {
        return "Java " + Runtime.version().feature();
    }

    @Override
    public void run() {
        for (int i = 0; i < FfmSuite.CALLS; i++) {
            Kernels.noop();
        }
    }

    @Override
    public float[] output() {
        return new float[1];
    }

    @Override
    public void close() {
        // Nothing is held.
    }
}
