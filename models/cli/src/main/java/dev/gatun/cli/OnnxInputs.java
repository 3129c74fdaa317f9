package dev.gatun.cli;

import dev.gatun.models.onnx.OnnxInfo;
import dev.gatun.models.onnx.OnnxModel;
import dev.gatun.models.onnx.OnnxTensor;
import dev.gatun.models.onnx.OnnxType;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;

/** Random inputs for an ONNX model: floats in -1 to 1, integers 0 and 1, of sizes that are named. */
final class OnnxInputs {
    private OnnxInputs() {
    }

    /**
     * Inputs that have no default, off-heap.
     *
     * @param sizes of dimensions that the file leaves open, by name, or by INPUT:DIMENSION where they have none
     * @param batch size of an open first dimension that is not named there
     * @param other size of other open dimensions
     */
    static Map<String, OnnxTensor> random(OnnxModel model, Arena arena, Map<String, Long> sizes, long batch, long other) {
        Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
        SplittableRandom random = new SplittableRandom(1);
        for (OnnxInfo info : model.inputs().values()) {
            if (info.hasDefault()) {
                continue;
            }
            if (!info.kind().equals("tensor") || info.type() == null || info.dims() == null || info.type() == OnnxType.STRING) {
                throw new IllegalArgumentException(model.name() + ": input " + info.name() + " is " + info + ": give it with --input");
            }
            long[] dims = new long[info.dims().size()];
            for (int i = 0; i < dims.length; i++) {
                Long named = sizes.getOrDefault(info.name() + ":" + i, sizes.get(String.valueOf(info.dims().get(i))));
                dims[i] = info.dims().get(i) instanceof Long size && size > 0 ? size : named != null ? named : i == 0 ? batch : other;
            }
            OnnxTensor tensor = OnnxTensor.allocate(arena, info.type(), dims);
            long count = tensor.shape().elementCount();
            for (long i = 0; i < count; i++) {
                switch (info.type()) {
                    case FLOAT -> tensor.segment().setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) (2 * random.nextDouble() - 1));
                    case DOUBLE -> tensor.segment().setAtIndex(ValueLayout.JAVA_DOUBLE, i, 2 * random.nextDouble() - 1);
                    case FLOAT16 -> tensor.segment().setAtIndex(ValueLayout.JAVA_SHORT, i,
                            Float.floatToFloat16((float) (2 * random.nextDouble() - 1)));
                    case INT64, UINT64 -> tensor.segment().setAtIndex(ValueLayout.JAVA_LONG, i, random.nextInt(2));
                    case INT32, UINT32 -> tensor.segment().setAtIndex(ValueLayout.JAVA_INT, i, random.nextInt(2));
                    case INT8, UINT8, BOOL -> tensor.segment().set(ValueLayout.JAVA_BYTE, i, (byte) random.nextInt(2));
                    default -> throw new IllegalArgumentException(model.name() + ": input " + info.name() + " is " + info
                            + ": give it with --input");
                }
            }
            inputs.put(info.name(), tensor);
        }
        return inputs;
    }
}
