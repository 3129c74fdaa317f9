package dev.gatun.spark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.gatun.models.testing.MiniLm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Spark in local mode with two tasks at a time, against what ONNX Runtime answers. */
class TextVectorsTest {
    private static final StructType SCHEMA = new StructType().add("id", DataTypes.IntegerType).add("text", DataTypes.StringType);
    private static final TextVectors VECTORS = new TextVectors(MiniLm.folder().toAbsolutePath().normalize().toString(), 0);
    private static SparkSession spark;

    @TempDir
    Path folder;

    static SparkSession.Builder local() {
        return SparkSession.builder().master("local[2]").config("spark.ui.enabled", "false").config("spark.driver.host", "localhost")
                .config("spark.driver.bindAddress", "127.0.0.1");
    }

    @BeforeAll
    static void start() {
        spark = local().getOrCreate();
    }

    @AfterAll
    static void stop() {
        spark.stop();
    }

    private static Dataset<Row> rows(int count, int partitions) {
        List<String> texts = MiniLm.texts();
        List<Row> rows = IntStream.range(0, count)
                .mapToObj(i -> RowFactory.create(i, i == 5 ? null : texts.get(i % texts.size()))).toList();
        return spark.createDataFrame(rows, SCHEMA).repartition(partitions);
    }

    private static void assertVectors(List<Row> found, int count) {
        float[][] expected = MiniLm.vectors();
        List<Integer> ids = new ArrayList<>();
        for (Row row : found) {
            int id = row.getInt(row.fieldIndex("id"));
            ids.add(id);
            List<Float> vector = row.isNullAt(row.fieldIndex("vector")) ? null : row.getList(row.fieldIndex("vector"));
            assertEquals(id == 5, vector == null);
            for (int i = 0; vector != null && i < vector.size(); i++) {
                assertEquals(expected[id % expected.length][i], vector.get(i), 2e-5f, "row " + id);
            }
        }
        Collections.sort(ids);
        assertEquals(IntStream.range(0, count).boxed().toList(), ids);
    }

    @Test
    void tasksShareOneModelAndRowsKeepTheirVectors() {
        assertVectors(VECTORS.add(rows(300, 4), "text", "vector").collectAsList(), 300);
        assertVectors(VECTORS.add(rows(7, 9), "text", "vector").collectAsList(), 7);
        assertEquals(0, VECTORS.add(rows(0, 1), "text", "vector").count());
        assertEquals(1, SharedModel.count());
    }

    @Test
    void columnsThatDoNotFitAreRefused() {
        Dataset<Row> rows = rows(7, 1);
        assertThrows(IllegalArgumentException.class, () -> VECTORS.add(rows, "id", "vector"));
        assertThrows(IllegalArgumentException.class, () -> VECTORS.add(rows, "words", "vector"));
        assertThrows(IllegalArgumentException.class, () -> VECTORS.add(rows, "text", "id"));
    }

    /** The job in a JVM of its own, killed while it works, then started again. */
    @Test
    void aJobThatWasKilledGoesOnWhereItStopped() throws IOException, InterruptedException {
        int count = 600;
        String input = folder.resolve("texts.parquet").toString();
        Path output = folder.resolve("vectors");
        rows(count, 2).write().parquet(input);
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        java.lang.management.ManagementFactory.getRuntimeMXBean().getInputArguments().stream().filter(a -> a.startsWith("--"))
                .forEach(command::add);
        command.addAll(List.of("-Xmx1g", "-Dspark.master=local[2]", "-Dspark.ui.enabled=false", "-Dspark.driver.host=localhost",
                "-cp", System.getProperty("java.class.path"), "dev.gatun.spark.EmbedJob", input, output.toString(), VECTORS.model(), "text",
                "8"));
        Process job = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(folder.resolve("log").toFile()).start();
        try {
            while (finished(output).isEmpty() && job.isAlive()) {
                TimeUnit.MILLISECONDS.sleep(20);
            }
        } finally {
            job.destroyForcibly().waitFor();
        }
        Map<String, FileTime> before = finished(output);
        assertNotEquals(0, before.size(), () -> log());
        assertNotEquals(8, before.size(), "killed too late to show anything");

        EmbedJob again = new EmbedJob(input, output.toString(), new TextVectors(VECTORS.model(), 0), "text", 8);
        assertEquals(8 - before.size(), again.run(spark));
        assertEquals(0, again.run(spark));
        before.forEach((slice, time) -> assertEquals(time, finished(output).get(slice), slice + " was written again"));
        assertVectors(spark.read().parquet(output.toString()).collectAsList(), count);
        EmbedJob other = new EmbedJob(input, output.toString(), VECTORS, "text", 9);
        assertThrows(IllegalStateException.class, () -> other.run(spark));
    }

    private String log() {
        try {
            return Files.readString(folder.resolve("log"));
        } catch (IOException e) {
            return e.toString();
        }
    }

    private static Map<String, FileTime> finished(Path output) {
        Map<String, FileTime> found = new HashMap<>();
        for (int i = 0; i < 8; i++) {
            Path success = output.resolve("slice=" + i).resolve("_SUCCESS");
            try {
                found.put("slice=" + i, Files.getLastModifiedTime(success));
            } catch (IOException e) {
                // Not written yet.
            }
        }
        return found;
    }
}
