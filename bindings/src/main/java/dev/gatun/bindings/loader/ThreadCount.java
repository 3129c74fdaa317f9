package dev.gatun.bindings.loader;

/** How many threads may be asked for. */
public final class ThreadCount {
    private static final int AT_LEAST_ALLOWED = 64;
    private static final int ALLOWED_EACH_PROCESSOR = 4;
    /** libgatun's GATUN_MAX_THREADS. */
    private static final int MOST = 256;

    private ThreadCount() {
    }

    /** The most threads that may be asked for: more than that only wait for each other. */
    public static int most() {
        return Math.min(MOST, Math.max(AT_LEAST_ALLOWED, ALLOWED_EACH_PROCESSOR * Runtime.getRuntime().availableProcessors()));
    }

    /** Those of whoever does not ask: what the container may use. */
    public static int usual() {
        return Math.min(MOST, Runtime.getRuntime().availableProcessors());
    }

    /**
     * Checks a number of threads before anything is divided among them.
     *
     * @throws IllegalArgumentException if it is less than 1 or more than {@link #most}
     */
    public static int checked(int threads) {
        if (threads < 1 || threads > most()) {
            throw new IllegalArgumentException("threads must be 1 to " + most() + " on " + Runtime.getRuntime().availableProcessors()
                    + " processors, not " + threads);
        }
        return threads;
    }
}
