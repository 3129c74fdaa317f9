package dev.gatun.models.train;

import dev.gatun.bindings.kernels.TrainKernels;
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
        private void run(Tensor of, MemorySegment rows, long count, boolean backward) {
            TrainKernels.tableRows(of.segment(), ids == null ? null : ids.segment(), factor, rows, count, of.shape().dim(1), backward);
        }
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
            for (long r = 0; r < rows && tables[t].ids != null; r++) {
                require(tables[t], r);
            }
            tables[t].run(tables[t].table.value(), sum, rows, false);
        }
        if (norm != null) {
            norm.forward(training);
        }
    }

    private static void require(Table table, long r) {
        int id = table.ids.getInt(r);
        if (id < 0 || id >= table.table.value().shape().dim(0)) {
            throw new IllegalArgumentException("index " + r + " of " + table.table.name() + " is " + id + ", expected 0 to "
                    + (table.table.value().shape().dim(0) - 1));
        }
    }

    @Override
    public void backward() {
        if (norm != null) {
            dSum.fill((byte) 0);
            norm.backward();
        }
        for (int t = 0; t < tables.length; t++) {
            tables[t].run(tables[t].table.gradient(), dSum, rows, true);
        }
    }
}
