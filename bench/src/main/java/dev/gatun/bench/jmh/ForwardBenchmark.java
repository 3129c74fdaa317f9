package dev.gatun.bench.jmh;

import dev.gatun.bench.encoder.EncoderSuite;
import dev.gatun.bench.gemm.GemmSuite;
import dev.gatun.bench.harness.Contender;
import dev.gatun.bench.harness.Suite;
import dev.gatun.bench.harness.Workload;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** One forward on one thread: with {@code -prof gc}, how much of the heap it takes. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 2, jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", "--add-modules=jdk.incubator.vector"})
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class ForwardBenchmark {

    /** An encoder. */
    @State(Scope.Benchmark)
    public static class Encoder {
        /** Batch and length. */
        @Param({"1x16", "1x128"})
        public String workload;

        private Contender contender;

        /** Loads the model. */
        @Setup(Level.Trial)
        public void load() throws Exception {
            contender = create(new EncoderSuite(), workload);
        }

        /** Closes it. */
        @TearDown(Level.Trial)
        public void close() {
            contender.close();
        }
    }

    /** A product. */
    @State(Scope.Benchmark)
    public static class Product {
        /** M, N, K. */
        @Param({"256x256x256", "128x1536x384", "1024x1024x1024"})
        public String workload;

        private Contender contender;

        /** Packs the weights. */
        @Setup(Level.Trial)
        public void pack() throws Exception {
            contender = create(new GemmSuite(), workload);
        }

        /** Frees them. */
        @TearDown(Level.Trial)
        public void close() {
            contender.close();
        }
    }

    private static Contender create(Suite suite, String name) throws Exception {
        Workload workload = suite.workloads(false).stream().filter(w -> w.name().equals(name + ", threads 1")).findFirst().orElseThrow();
        return suite.create("gatun", workload);
    }

    /** all-MiniLM-L6-v2: tokens to a vector. */
    @Benchmark
    public void encoderForward(Encoder encoder) {
        encoder.contender.run();
    }

    /** A plan of one linear layer. */
    @Benchmark
    public void gemm(Product product) {
        product.contender.run();
    }
}
