package dev.gatun.models.checkpoint;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;

/** Element types of weight files, brought to F32. */
final class Widening {
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Widening() {
    }

    static Tensor toFloats(Path file, String name, WeightSource.Entry entry, Arena arena) {
        TensorDesc desc = TensorDesc.of(DataType.F32, entry.shape().dims());
        boolean aligned = entry.bytes().address() % Float.BYTES == 0;
        if (entry.type().equals("F32") && aligned) {
            return Tensor.of(desc, entry.bytes());
        }
        Tensor tensor = Tensor.allocate(arena, desc);
        MemorySegment src = entry.bytes();
        long count = entry.shape().elementCount();
        for (long i = 0; i < count; i++) {
            tensor.setFloat(i, switch (entry.type()) {
                case "F32" -> Float.intBitsToFloat(src.get(INT, i * 4));
                case "F16" -> Float.float16ToFloat(src.get(SHORT, i * 2));
                case "BF16" -> Float.intBitsToFloat(src.get(SHORT, i * 2) << 16);
                case "F64" -> (float) src.get(DOUBLE, i * 8);
                default -> throw new WeightException(file, "tensor " + name + ": element type " + entry.type()
                        + ", expected F32, F16, BF16 or F64");
            });
        }
        return tensor;
    }
}
