package dev.gatun.bench.onnx;

import ai.onnxruntime.OrtException;
import dev.gatun.bench.harness.OnnxRuntimeContender;
import dev.gatun.models.onnx.OnnxModel;
import dev.gatun.models.onnx.OnnxTensor;
import dev.gatun.models.onnx.OnnxType;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Map;

/** An ONNX file in ONNX Runtime, with the inputs that Gatun has. */
final class OnnxRuntimeFile extends OnnxRuntimeContender {
    OnnxRuntimeFile(Path file, int batch, int threads) throws OrtException {
        super(file, threads);
        try (OnnxModel model = OnnxModel.load(file); Arena arena = Arena.ofConfined()) {
            for (Map.Entry<String, OnnxTensor> input : GatunOnnx.inputs(model, arena, batch).entrySet()) {
                OnnxTensor tensor = input.getValue();
                if (tensor.type() == OnnxType.FLOAT) {
                    floats(input.getKey(), tensor.shape().dims()).put(0, tensor.segment().toArray(ValueLayout.JAVA_FLOAT));
                } else {
                    longs(input.getKey(), tensor.shape().dims()).put(0, tensor.segment().toArray(ValueLayout.JAVA_LONG));
                }
            }
        }
    }

    @Override
    public float[] output() {
        return firstOutput();
    }
}
