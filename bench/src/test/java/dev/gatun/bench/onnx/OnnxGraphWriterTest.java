package dev.gatun.bench.onnx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtSession;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OnnxGraphWriterTest {

    @Test
    void onnxRuntimeRunsWhatIsWritten(@TempDir Path folder) throws Exception {
        OnnxGraphWriter graph = new OnnxGraphWriter(17);
        String x = graph.input("x", OnnxGraphWriter.FLOAT, "rows", 2);
        String product = graph.node("MatMul", x, graph.floats(new float[] {1, 2, 3, 4, 5, 6}, 2, 3));
        String clipped = graph.node("LeakyRelu", List.of(product), Map.of("alpha", 0.5f));
        graph.named("y", "Transpose", List.of(clipped), Map.of("perm", new long[] {1, 0}));
        graph.output("y", OnnxGraphWriter.FLOAT, 3, "rows");
        Path file = folder.resolve("graph.onnx");
        graph.write(file);
        OrtEnvironment environment = OrtEnvironment.getEnvironment();
        try (OrtSession session = environment.createSession(file.toString());
             OnnxTensor input = OnnxTensor.createTensor(environment, new float[][] {{1, 0}, {-1, 0}});
             OrtSession.Result result = session.run(Map.of("x", input))) {
            float[][] y = (float[][]) result.get(0).getValue();
            assertEquals(3, y.length);
            assertArrayEquals(new float[] {1, -0.5f}, y[0]);
            assertArrayEquals(new float[] {3, -1.5f}, y[2]);
        }
    }
}
