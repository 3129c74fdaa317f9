package dev.gatun.spark;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;

/**
 * An example job: the texts of a Parquet file to vectors, in slices that are written one after another. Killed and started again with the
 * same arguments it goes on after the last slice that was finished.
 *
 * <pre>spark-submit --class dev.gatun.spark.EmbedJob gatun-spark.jar INPUT OUTPUT MODEL [COLUMN] [SLICES]</pre>
 *
 * @param input  a Parquet file or folder
 * @param output a folder: {@code slice=0}, {@code slice=1}, ...; Spark reads them as one data set
 * @param column the texts; their vectors are in {@code vector}
 * @param slices how many: what is lost with a kill is one of them
 */
public record EmbedJob(String input, String output, TextVectors vectors, String column, int slices) {
    /** Runs the job in the session that {@code spark-submit} configured. */
    public static void main(String[] args) throws IOException {
        if (args.length < 3) {
            System.err.println("expected INPUT OUTPUT MODEL [COLUMN] [SLICES]");
            System.exit(2);
        }
        try (SparkSession spark = SparkSession.builder().appName("gatun").getOrCreate()) {
            int done = new EmbedJob(args[0], args[1], new TextVectors(args[2], 0), args.length > 3 ? args[3] : "text",
                    args.length > 4 ? Integer.parseInt(args[4]) : 20).run(spark);
            System.out.println(done + " slices written");
        }
    }

    /**
     * Writes the slices that are not there yet.
     *
     * @return how many
     * @throws IllegalStateException if the output was begun by a job with other arguments
     */
    public int run(SparkSession spark) throws IOException {
        Path folder = new Path(output);
        FileSystem files = folder.getFileSystem(spark.sessionState().newHadoopConf());
        requireSame(files, new Path(folder, "_job"));
        Dataset<Row> rows = spark.read().parquet(input);
        int written = 0;
        for (int slice = 0; slice < slices; slice++) {
            Path part = new Path(folder, "slice=" + slice);
            // Spark writes it when all rows of the slice are in place.
            if (!files.exists(new Path(part, "_SUCCESS"))) {
                Dataset<Row> mine = rows.where(functions.pmod(functions.xxhash64(rows.col(column)), functions.lit(slices)).equalTo(slice));
                vectors.add(mine, column, "vector").write().mode("overwrite").parquet(part.toString());
                written++;
            }
        }
        return written;
    }

    private void requireSame(FileSystem files, Path job) throws IOException {
        byte[] mine = toString().getBytes(StandardCharsets.UTF_8);
        if (files.exists(job)) {
            try (FSDataInputStream in = files.open(job)) {
                String other = new String(in.readAllBytes(), StandardCharsets.UTF_8);
                if (!other.equals(toString())) {
                    throw new IllegalStateException(output + " was begun by " + other + ", this is " + this + ": name another folder");
                }
            }
            return;
        }
        Path begun = job.suffix(".begun");
        try (FSDataOutputStream out = files.create(begun, true)) {
            out.write(mine);
        }
        files.rename(begun, job);
    }
}
