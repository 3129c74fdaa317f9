package dev.gatun.bench.harness;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * ONNX Runtime as its documentation advises: one session, all graph optimizations, intra-op threads set, direct buffers for inputs and,
 * where their shapes are known, for outputs, all made once.
 */
public abstract class OnnxRuntimeContender implements Contender {
    private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
    private final OrtSession session;
    private final Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
    private final Map<String, OnnxTensor> outputs = new LinkedHashMap<>();

    /** A session over a file. */
    protected OnnxRuntimeContender(Path model, int threads) throws OrtException {
        OrtSession.SessionOptions options = new OrtSession.SessionOptions();
        options.setIntraOpNumThreads(threads);
        options.setInterOpNumThreads(1);
        options.setExecutionMode(OrtSession.SessionOptions.ExecutionMode.SEQUENTIAL);
        options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
        session = environment.createSession(model.toString(), options);
    }

    /** Whether the file has such an input. */
    protected final boolean has(String input) {
        return session.getInputNames().contains(input);
    }

    /** Memory of an F32 input, to be filled. */
    protected final FloatBuffer floats(String input, long... shape) throws OrtException {
        FloatBuffer buffer = direct(shape, Float.BYTES).asFloatBuffer();
        inputs.put(input, OnnxTensor.createTensor(environment, buffer, shape));
        return buffer;
    }

    /** Memory of an S64 input, to be filled. */
    protected final LongBuffer longs(String input, long... shape) throws OrtException {
        LongBuffer buffer = direct(shape, Long.BYTES).asLongBuffer();
        inputs.put(input, OnnxTensor.createTensor(environment, buffer, shape));
        return buffer;
    }

    /** Memory into which each run writes an F32 output. */
    protected final FloatBuffer results(String output, long... shape) throws OrtException {
        FloatBuffer buffer = direct(shape, Float.BYTES).asFloatBuffer();
        outputs.put(output, OnnxTensor.createTensor(environment, buffer, shape));
        return buffer;
    }

    private static ByteBuffer direct(long[] shape, int elementBytes) {
        long bytes = elementBytes;
        for (long size : shape) {
            bytes = Math.multiplyExact(bytes, size);
        }
        return ByteBuffer.allocateDirect(Math.toIntExact(bytes)).order(ByteOrder.nativeOrder());
    }

    /** The first output of a run, F32, copied. */
    protected final float[] firstOutput() {
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
    public String version() {
        return "ONNX Runtime " + environment.getVersion();
    }

    @Override
    public void run() {
        try (OrtSession.Result result = outputs.isEmpty() ? session.run(inputs) : session.run(inputs, outputs)) {
            if (result.size() == 0) {
                throw new IllegalStateException("no output");
            }
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        try {
            inputs.values().forEach(OnnxTensor::close);
            outputs.values().forEach(OnnxTensor::close);
            session.close();
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }
}
