package dev.gatun.spark;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.models.task.embed.EmbeddingModel;
import dev.gatun.models.task.embed.Embeddings;
import dev.gatun.models.testing.Goldens;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A standalone cluster of two workers on this machine: 100,000 texts of a Parquet file, by a job that is killed and started again. */
class ClusterTest {
    private static final int TEXTS = 100_000;
    private static final int DIFFERENT = 1000;
    private static final int SLICES = 10;
    private static final String MODEL = Goldens.path("bert/tiny").toString();

    @TempDir
    Path folder;

    private final List<Process> processes = new ArrayList<>();

    @AfterEach
    void stop() throws InterruptedException {
        for (Process process : processes.reversed()) {
            process.destroyForcibly().waitFor();
        }
    }

    private Process java(String name, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx1g"));
        command.addAll(opens());
        command.addAll(List.of("-Dspark.ui.enabled=false", "-cp", System.getProperty("java.class.path")));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(folder.resolve(name + ".log")
                .toFile());
        // Executors take their classes from spark.executor.extraClassPath.
        builder.environment().put("SPARK_HOME", Files.createDirectories(folder.resolve("spark/jars")).getParent().toString());
        builder.environment().put("SPARK_SCALA_VERSION", "2.13");
        builder.environment().put("SPARK_LOCAL_IP", "127.0.0.1");
        Process process = builder.start();
        processes.add(process);
        return process;
    }

    private static List<String> opens() {
        return ManagementFactory.getRuntimeMXBean().getInputArguments().stream().filter(a -> a.startsWith("--")).toList();
    }

    private static void await(int port) throws Exception {
        for (int i = 0; i < 600; i++) {
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
                assertTrue(socket.isConnected());
                return;
            } catch (IOException e) {
                TimeUnit.MILLISECONDS.sleep(100);
            }
        }
        throw new AssertionError("the master does not listen");
    }

    private Process job(int port, Path input, Path output) throws IOException {
        return java("job", "-Dspark.master=spark://127.0.0.1:" + port, "-Dspark.driver.host=127.0.0.1", "-Dspark.executor.memory=1g",
                "-Dspark.executor.extraClassPath=" + System.getProperty("java.class.path"),
                "-Dspark.executor.extraJavaOptions=" + String.join(" ", opens()), "dev.gatun.spark.EmbedJob", input.toString(),
                output.toString(), MODEL, "text", Integer.toString(SLICES));
    }

    private static long finished(Path output) {
        return IntStream.range(0, SLICES).filter(i -> Files.exists(output.resolve("slice=" + i).resolve("_SUCCESS"))).count();
    }

    private String log() throws IOException {
        return Files.readString(folder.resolve("job.log"));
    }

    @Test
    void aKilledJobOfTwoWorkersIsResumed() throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        Path input = folder.resolve("texts.parquet");
        Path output = folder.resolve("vectors");
        try (SparkSession spark = TextVectorsTest.local().getOrCreate()) {
            spark.range(TEXTS).withColumn("text", functions.concat(functions.lit("the old house by the river "),
                    functions.col("id").mod(DIFFERENT).cast("string"))).repartition(4).write().parquet(input.toString());
        }
        java("master", "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", "" + port, "--webui-port", "0");
        await(port);
        for (String worker : new String[] {"one", "two"}) {
            java(worker, "org.apache.spark.deploy.worker.Worker", "spark://127.0.0.1:" + port, "--host", "127.0.0.1", "--cores", "1",
                    "--memory", "1g", "--webui-port", "0", "--work-dir", folder.resolve(worker).toString());
        }
        Process job = job(port, input, output);
        while (finished(output) < 2 && job.isAlive()) {
            TimeUnit.MILLISECONDS.sleep(50);
        }
        job.destroyForcibly().waitFor();
        long before = finished(output);
        assertTrue(before >= 2, this::tail);
        assertNotEquals(SLICES, before, "killed too late to show anything");
        assertEquals(0, job(port, input, output).waitFor(), this::tail);
        assertTrue(log().contains(SLICES - before + " slices written"), this::tail);
        for (String worker : new String[] {"one", "two"}) {
            try (Stream<Path> executors = Files.walk(folder.resolve(worker), 2)) {
                assertTrue(executors.anyMatch(path -> path.getFileName().toString().matches("\\d+")), worker + " had nothing to do");
            }
        }
        check(output);
    }

    private String tail() {
        try {
            List<String> lines = log().lines().toList();
            return String.join("\n", lines.subList(Math.max(0, lines.size() - 40), lines.size()));
        } catch (IOException e) {
            return e.toString();
        }
    }

    /** Every text once, each with the vector that a model of this JVM gives it. */
    private static void check(Path output) throws IOException {
        List<String> texts = IntStream.range(0, DIFFERENT).mapToObj(i -> "the old house by the river " + i).toList();
        try (SparkSession spark = TextVectorsTest.local().getOrCreate(); EmbeddingModel model = EmbeddingModel.load(Path.of(MODEL));
                Embeddings expected = model.embed(texts)) {
            boolean[] seen = new boolean[TEXTS];
            for (Row row : spark.read().parquet(output.toString()).select("id", "vector").collectAsList()) {
                int id = (int) row.getLong(0);
                assertTrue(!seen[id], "text " + id + " is there twice");
                seen[id] = true;
                List<Float> vector = row.getList(1);
                float[] found = new float[vector.size()];
                for (int i = 0; i < found.length; i++) {
                    found[i] = vector.get(i);
                }
                assertArrayEquals(expected.toFloats(id % DIFFERENT), found, 1e-5f);
            }
            assertEquals(TEXTS, IntStream.range(0, TEXTS).filter(i -> seen[i]).count());
        }
    }
}
