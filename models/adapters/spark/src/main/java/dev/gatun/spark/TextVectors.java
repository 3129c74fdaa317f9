package dev.gatun.spark;

import java.util.Arrays;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * A column of texts to a column of vectors, {@code array<float>}. A null text has a null vector.
 *
 * <pre>{@code
 * Dataset<Row> vectors = new TextVectors("/models/all-MiniLM-L6-v2", 0).add(rows, "text", "vector");
 * }</pre>
 *
 * @param model   folder of the model, at the same place on every machine
 * @param threads cores that the one model of a JVM uses for all its tasks; 0: all that the executor may use
 */
public record TextVectors(String model, int threads) implements java.io.Serializable {
    /**
     * The rows with one column more.
     *
     * @throws IllegalArgumentException if {@code text} is no column of strings, or {@code vector} is a column already
     */
    public Dataset<Row> add(Dataset<Row> rows, String text, String vector) {
        StructType schema = rows.schema();
        if (!Arrays.asList(schema.fieldNames()).contains(text) || !schema.apply(text).dataType().equals(DataTypes.StringType)) {
            throw new IllegalArgumentException("no column of strings is called " + text + ": " + schema.simpleString());
        }
        if (Arrays.asList(schema.fieldNames()).contains(vector)) {
            throw new IllegalArgumentException("there is a column called " + vector + " already: " + schema.simpleString());
        }
        int column = schema.fieldIndex(text);
        StructType wider = schema.add(vector, DataTypes.createArrayType(DataTypes.FloatType, false), true);
        MapPartitionsFunction<Row, Row> embed = partition -> new VectorRows(partition, column, SharedModel.of(this));
        return rows.mapPartitions(embed, Encoders.row(wider));
    }
}
