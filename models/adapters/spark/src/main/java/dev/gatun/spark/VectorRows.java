package dev.gatun.spark;

import dev.gatun.models.task.embed.EmbeddingModel;
import dev.gatun.models.task.embed.Embeddings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Objects;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;

/** Rows with their vectors, embedded some at a time, so that a partition of any size needs the memory of a batch. */
final class VectorRows implements Iterator<Row> {
    private static final int BATCH = 256;

    private final Iterator<Row> rows;
    private final int column;
    private final EmbeddingModel model;
    private Iterator<Row> ready = Collections.emptyIterator();

    VectorRows(Iterator<Row> rows, int column, EmbeddingModel model) {
        this.rows = rows;
        this.column = column;
        this.model = model;
    }

    @Override
    public boolean hasNext() {
        return ready.hasNext() || rows.hasNext();
    }

    @Override
    public Row next() {
        if (!ready.hasNext()) {
            if (!rows.hasNext()) {
                throw new NoSuchElementException();
            }
            ready = batch().iterator();
        }
        return ready.next();
    }

    private List<Row> batch() {
        List<Row> batch = new ArrayList<>();
        while (batch.size() < BATCH && rows.hasNext()) {
            batch.add(rows.next());
        }
        List<String> texts = batch.stream().map(row -> row.getString(column)).filter(Objects::nonNull).toList();
        List<Row> wider = new ArrayList<>();
        try (Embeddings vectors = model.embed(texts)) {
            int vector = 0;
            for (Row row : batch) {
                Object[] cells = new Object[row.size() + 1];
                for (int i = 0; i < row.size(); i++) {
                    cells[i] = row.get(i);
                }
                cells[row.size()] = row.isNullAt(column) ? null : boxed(vectors.toFloats(vector++));
                wider.add(RowFactory.create(cells));
            }
        }
        return wider;
    }

    private static Float[] boxed(float[] values) {
        Float[] boxed = new Float[values.length];
        Arrays.setAll(boxed, i -> values[i]);
        return boxed;
    }
}
