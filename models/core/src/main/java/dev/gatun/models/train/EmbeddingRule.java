package dev.gatun.models.train;

import dev.gatun.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Rows of tables, summed; a norm may follow. A row's gradient is the sum over all places where it was looked up. */
final class EmbeddingRule implements Rule {
    private final Table[] tables;
    private final MemorySegment sum;
    private final MemorySegment dSum;
    private final NormRule norm;
    private final long rows;
    private final long columns;

    /**
     * What is looked up.
     *
     * @param table  [rows, columns]
     * @param ids    S32, a row each, or null for row 0
     * @param factor of the rows
     */
    record Table(Parameter table, Tensor ids, float factor) {
    }

    /** Makes the norm that follows. */
    @FunctionalInterface
    interface Follower {
        NormRule rule(MemorySegment x, MemorySegment dx);
    }

    /** @param norm of the sum, or null */
    EmbeddingRule(Arena arena, Table[] tables, Follower norm, MemorySegment y, MemorySegment dy) {
        this.tables = tables;
        this.columns = tables[0].table.value().shape().dim(1);
        this.rows = y.byteSize() / Float.BYTES / columns;
        this.sum = norm == null ? y : Rule.floats(arena, rows * columns);
        this.dSum = norm == null ? dy : Rule.floats(arena, rows * columns);
        this.norm = norm == null ? null : norm.rule(sum, dSum);
    }

    @Override
    public void forward(boolean training) {
        sum.fill((byte) 0);
        for (int t = 0; t < tables.length; t++) {
            MemorySegment values = tables[t].table.value().segment();
            for (long r = 0; r < rows; r++) {
                long from = row(tables[t], r) * columns;
                for (long i = 0; i < columns; i++) {
                    Rule.add(sum, r * columns + i, tables[t].factor * Rule.at(values, from + i));
                }
            }
        }
        if (norm != null) {
            norm.forward(training);
        }
    }

    /** Checked at each use: indices are the caller's. */
    private static long row(Table table, long r) {
        int id = table.ids == null ? 0 : table.ids.getInt(r);
        if (id < 0 || id >= table.table.value().shape().dim(0)) {
            throw new IllegalArgumentException("index " + r + " of " + table.table.name() + " is " + id + ", expected 0 to "
                    + (table.table.value().shape().dim(0) - 1));
        }
        return id;
    }

    @Override
    public void backward() {
        if (norm != null) {
            dSum.fill((byte) 0);
            norm.backward();
        }
        for (int t = 0; t < tables.length; t++) {
            MemorySegment gradients = tables[t].table.gradient().segment();
            for (long r = 0; r < rows; r++) {
                long to = row(tables[t], r) * columns;
                for (long i = 0; i < columns; i++) {
                    Rule.add(gradients, to + i, tables[t].factor * Rule.at(dSum, r * columns + i));
                }
            }
        }
    }
}
