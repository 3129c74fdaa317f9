package dev.gatun.tensor.graph;

import dev.gatun.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Makes what attention adds by the distance d from query to key: [heads, 2 * reach + 1], column {@code reach + d}, d from -reach to reach.
 */
public final class Distances {
    private static final int MOST_DISTANCE = 1 << 20;

    private Distances() {
    }

    /**
     * Buckets of distances, exact ones near and ever wider ones further away (Raffel et al. 2020), as T5 and MPNet have. All from
     * {@code maxDistance} on share one.
     *
     * @param arena         owns the result until the program is loaded
     * @param table         [buckets, heads]
     * @param bidirectional whether keys behind the query have buckets of their own; otherwise they share that of distance 0
     * @param maxDistance   from which on there is one bucket
     * @throws IllegalArgumentException if maxDistance is not 1 or more, or too many for a table
     */
    public static Weight ofBuckets(Arena arena, Weight table, boolean bidirectional, int maxDistance) {
        if (maxDistance < 1 || maxDistance > MOST_DISTANCE) {
            throw new IllegalArgumentException("maxDistance " + maxDistance + " of " + table + ", expected 1 to " + MOST_DISTANCE);
        }
        int buckets = Math.toIntExact(table.shape().dim(0));
        int heads = Math.toIntExact(table.shape().dim(1));
        int columns = 2 * maxDistance + 1;
        float[] values = new float[Math.multiplyExact(heads, columns)];
        List<Integer> rows = IntStream.range(0, columns)
                .mapToObj(i -> bucket(i - maxDistance, bidirectional, buckets, maxDistance)).toList();
        try (Arena widened = Arena.ofConfined()) {
            Tensor from = table.floats(widened);
            for (int column = 0; column < columns; column++) {
                for (int h = 0; h < heads; h++) {
                    values[h * columns + column] = from.getFloat((long) rows.get(column) * heads + h);
                }
            }
        }
        return new Weight(table.name() + " by distance", Tensor.ofFloats(arena, values, heads, columns), new Weight.Origin(table, rows));
    }

    /** The bucket of the distance from query to key, of so many. */
    public static int bucket(int distance, boolean bidirectional, int buckets, int maxDistance) {
        int count = bidirectional ? buckets / 2 : buckets;
        int first = bidirectional && distance > 0 ? count : 0;
        int far = bidirectional ? Math.abs(distance) : Math.max(-distance, 0);
        int exact = count / 2;
        if (far < exact) {
            return first + far;
        }
        // In float, as checkpoints were trained: a boundary that is met exactly must not fall to the other side.
        float share = (float) Math.log((float) far / exact) / (float) Math.log((double) maxDistance / exact);
        return first + Math.min(exact + (int) (share * (count - exact)), count - 1);
    }

    /**
     * -slope * |d| for each head (Press et al. 2022); exact up to {@code reach}, which must be the largest distance there is.
     *
     * @param arena owns the result until the program is loaded
     */
    public static Weight alibi(Arena arena, float[] slopes, int reach) {
        if (reach < 0 || (2L * reach + 1) * slopes.length > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("Distances: reach " + reach + " of " + slopes.length
                    + " heads must be 0 or more, and fit an array");
        }
        int columns = 2 * reach + 1;
        float[] values = new float[slopes.length * columns];
        for (int h = 0; h < slopes.length; h++) {
            for (int column = 0; column < columns; column++) {
                values[h * columns + column] = 0f - slopes[h] * Math.abs(column - reach);
            }
        }
        return new Weight("alibi", Tensor.ofFloats(arena, values, slopes.length, columns), new Weight.Origin(null, List.of()));
    }

    /**
     * The paper's slopes: 2^(-8 i / heads) for i from 1, where the number of heads is a power of two; else more, from the next larger
     * one's.
     */
    public static float[] alibiSlopes(int heads) {
        if (heads < 1) {
            throw new IllegalArgumentException("Distances: " + heads + " heads, expected 1 or more");
        }
        int power = Integer.highestOneBit(heads);
        float[] slopes = new float[heads];
        for (int i = 0; i < heads; i++) {
            slopes[i] = (float) Math.pow(2, i < power ? -8.0 * (i + 1) / power : -4.0 * (2 * (i - power) + 1) / power);
        }
        return slopes;
    }
}
