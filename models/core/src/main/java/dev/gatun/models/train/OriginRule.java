package dev.gatun.models.train;

import dev.gatun.bindings.kernels.NativeBuffer;
import dev.gatun.bindings.kernels.TrainKernels;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** A weight whose columns are rows of a table, which is what learns: it is made before all layers, and has its gradient behind them. */
final class OriginRule implements Rule {
    private final Parameter table;
    private final Parameter weight;
    private final MemorySegment rows;
    private final MemorySegment byRows;
    private final long columns;
    private final long n;

    OriginRule(Arena arena, Parameter table, Parameter weight, List<Integer> rows) {
        this.table = table;
        this.weight = weight;
        this.columns = rows.size();
        this.n = weight.value().shape().dim(0);
        this.rows = NativeBuffer.allocate(arena, columns * Integer.BYTES).segment();
        for (int i = 0; i < columns; i++) {
            this.rows.setAtIndex(ValueLayout.JAVA_INT, i, rows.get(i));
        }
        this.byRows = Rule.floats(arena, columns * n);
    }

    @Override
    public void forward(boolean training) {
        byRows.fill((byte) 0);
        TrainKernels.tableRows(table.value().segment(), rows, 1, byRows, columns, n, false);
        TrainKernels.transpose(byRows, columns, n, weight.value().segment());
        weight.gradient().segment().fill((byte) 0);
    }

    @Override
    public void backward() {
        TrainKernels.transpose(weight.gradient().segment(), n, columns, byRows);
        TrainKernels.tableRows(table.gradient().segment(), rows, 1, byRows, columns, n, true);
    }
}
