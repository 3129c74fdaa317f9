package dev.gatun.bench.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.gatun.bench.harness.Contender;
import dev.gatun.models.onnx.OnnxModel;
import dev.gatun.models.onnx.OnnxType;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** An ONNX file in ONNX Runtime: one session, its defaults, direct buffers for the inputs, threads set. */
final class OnnxRuntimeFile implements Contender {
    private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
    private final OrtSession session;
    private final Map<String, OnnxTensor> inputs = new LinkedHashMap<>();

    OnnxRuntimeFile(Path file, int batch, int threads) throws OrtException {
        OrtSession.SessionOptions options = new OrtSession.SessionOptions();
        options.setIntraOpNumThreads(threads);
        session = environment.createSession(file.toString(), options);
        try (OnnxModel model = OnnxModel.load(file); Arena arena = Arena.ofConfined()) {
            for (Map.Entry<String, dev.gatun.models.onnx.OnnxTensor> input : GatunOnnx.inputs(model, arena, batch).entrySet()) {
                dev.gatun.models.onnx.OnnxTensor tensor = input.getValue();
                ByteBuffer bytes = ByteBuffer.allocateDirect((int) tensor.segment().byteSize()).order(ByteOrder.nativeOrder());
                bytes.duplicate().put(tensor.segment().asByteBuffer());
                inputs.put(input.getKey(), tensor.type() == OnnxType.FLOAT
                        ? OnnxTensor.createTensor(environment, bytes.asFloatBuffer(), tensor.shape().dims())
                        : OnnxTensor.createTensor(environment, bytes.asLongBuffer(), tensor.shape().dims()));
            }
        }
    }

    @Override
    public String version() {
        return "ONNX Runtime " + environment.getVersion();
    }

    @Override
    public void run() {
        try (OrtSession.Result result = session.run(inputs)) {
            if (result.size() == 0) {
                throw new IllegalStateException("no output");
            }
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public float[] output() {
        try (OrtSession.Result result = session.run(inputs)) {
            FloatBuffer first = ((OnnxTensor) result.get(0)).getFloatBuffer();
            float[] values = new float[first.remaining()];
            first.get(values);
            return values;
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        try {
            inputs.values().forEach(OnnxTensor::close);
            session.close();
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }
}
