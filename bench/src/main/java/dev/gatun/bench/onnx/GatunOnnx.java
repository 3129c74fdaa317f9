package dev.gatun.bench.onnx;

import dev.gatun.bench.harness.Contender;
import dev.gatun.models.onnx.OnnxInfo;
import dev.gatun.models.onnx.OnnxModel;
import dev.gatun.models.onnx.OnnxSession;
import dev.gatun.models.onnx.OnnxTensor;
import dev.gatun.models.onnx.OnnxType;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** An ONNX file, imported. */
final class GatunOnnx implements Contender {
    /** Size of open dimensions but the first. */
    static final int LENGTH = 128;

    private final Arena arena = Arena.ofShared();
    private final OnnxModel model;
    private final OnnxSession session;
    private final Map<String, OnnxTensor> inputs;

    GatunOnnx(Path file, int batch, int threads) {
        model = OnnxModel.load(file);
        session = model.newSession(threads);
        inputs = inputs(model, arena, batch);
    }

    /** The same for every contender: floats of a wave; ids that repeat; ones for masks, zeros for types. */
    static Map<String, OnnxTensor> inputs(OnnxModel model, Arena arena, int batch) {
        Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
        for (OnnxInfo info : model.inputs().values()) {
            long[] dims = new long[info.dims().size()];
            for (int i = 0; i < dims.length; i++) {
                dims[i] = info.dims().get(i) instanceof Long size && size > 0 ? size : i == 0 ? batch : LENGTH;
            }
            OnnxTensor tensor = OnnxTensor.allocate(arena, info.type(), dims);
            for (long i = 0; i < tensor.shape().elementCount(); i++) {
                if (info.type() == OnnxType.FLOAT) {
                    tensor.segment().setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) Math.sin(i * 0.37));
                } else {
                    long id = info.name().contains("mask") ? 1 : info.name().contains("type") ? 0 : 3 + i * 31 % 97;
                    tensor.segment().setAtIndex(ValueLayout.JAVA_LONG, i, id);
                }
            }
            inputs.put(info.name(), tensor);
        }
        return inputs;
    }

    @Override
    public String version() {
        return "Gatun";
    }

    @Override
    public void run() {
        session.run(inputs);
    }

    @Override
    public float[] output() {
        return ((OnnxTensor) session.run(inputs).values().iterator().next()).toFloats();
    }

    @Override
    public void close() {
        session.close();
        model.close();
        arena.close();
    }
}
