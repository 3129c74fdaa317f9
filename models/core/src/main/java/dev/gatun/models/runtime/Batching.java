package dev.gatun.models.runtime;

import java.time.Duration;

/**
 * How requests of many callers are computed together.
 *
 * @param maxQueue  requests that wait at most; more are refused with {@link java.util.concurrent.RejectedExecutionException}. Callers who
 *                  block are as many as their threads, and are not counted
 * @param maxTokens a batch of several requests has so many tokens at most
 * @param maxWait   how long a request may wait for others to come; zero: what waits is computed together, and nobody waits for more
 */
public record Batching(int maxQueue, int maxTokens, Duration maxWait) {

    /** Checks the numbers. */
    public Batching {
        if (maxQueue < 1) {
            throw new IllegalArgumentException("maxQueue must be 1 or more, not " + maxQueue);
        }
        if (maxTokens < 1) {
            throw new IllegalArgumentException("maxTokens must be 1 or more, not " + maxTokens);
        }
        if (maxWait.isNegative() || maxWait.compareTo(Duration.ofMinutes(1)) > 0) {
            throw new IllegalArgumentException("maxWait must be from 0 to a minute, not " + maxWait);
        }
    }

    /** A queue of 4096 requests, batches of 128 tokens, no waiting for more. */
    public static Batching defaults() {
        return new Batching(4096, 128, Duration.ZERO);
    }

    /** The same with another queue. */
    public Batching withMaxQueue(int requests) {
        return new Batching(requests, maxTokens, maxWait);
    }

    /** The same with other batches. */
    public Batching withMaxTokens(int tokens) {
        return new Batching(maxQueue, tokens, maxWait);
    }

    /** The same with another time to wait for others. */
    public Batching withMaxWait(Duration wait) {
        return new Batching(maxQueue, maxTokens, wait);
    }
}
