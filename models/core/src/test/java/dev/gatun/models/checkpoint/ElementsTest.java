package dev.gatun.models.checkpoint;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ElementsTest {
    private static final Path FILE = Path.of("model.safetensors");

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
    void theFirstThatIsNotFiniteIsFoundAnywhere(float bad) {
        try (Arena arena = Arena.ofConfined()) {
            for (int count : new int[] {1, 7, 4095, 4096, 4097, 12_289}) {
                MemorySegment floats = arena.allocate(count * 4L + 1, 64).asSlice(1);
                for (int i = 0; i < count; i++) {
                    floats.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i, (i % 3 - 1) * Float.MAX_VALUE);
                }
                assertEquals(-1, Elements.firstNotFinite(floats, count));
                for (int at : new int[] {count - 1, count / 2, 0}) {
                    floats.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, at, bad);
                    assertEquals(at, Elements.firstNotFinite(floats, count));
                }
                assertEquals(count > 1 ? 0 : -1, Elements.firstNotFinite(floats, count - 1));
                // Another pattern of NaN.
                floats.setAtIndex(ValueLayout.JAVA_INT_UNALIGNED, 0, 0xff800001);
                assertEquals(0, Elements.firstNotFinite(floats, count));
            }
            assertEquals(-1, Elements.firstNotFinite(MemorySegment.NULL, 0));
        }
    }

    @Test
    void everyFloatingTypeIsChecked() {
        try (Arena arena = Arena.ofConfined()) {
            for (DataType type : DataType.values()) {
                Tensor tensor = Tensor.allocate(arena, TensorDesc.of(type, 5));
                assertDoesNotThrow(() -> Elements.requireFinite(FILE, "w", tensor));
                tensor.segment().fill((byte) 0xff);
                if (type == DataType.F32 || type == DataType.F16 || type == DataType.BF16) {
                    tensor.segment().asSlice(0, type.byteSize()).fill((byte) 0);
                    String message = assertThrows(WeightException.class, () -> Elements.requireFinite(FILE, "w", tensor)).getMessage();
                    assertEquals("model.safetensors: tensor w: element 1 is NaN", message);
                } else {
                    assertDoesNotThrow(() -> Elements.requireFinite(FILE, "w", tensor));
                }
            }
            Tensor half = Tensor.allocate(arena, TensorDesc.of(DataType.F16, 2));
            half.segment().set(ValueLayout.JAVA_SHORT, 2, Float.floatToFloat16(Float.NEGATIVE_INFINITY));
            assertTrue(assertThrows(WeightException.class, () -> Elements.requireFinite(FILE, "w",
                    half)).getMessage().endsWith("element 1 is -Infinity"));
            half.segment().set(ValueLayout.JAVA_SHORT, 2, Float.floatToFloat16(65504));
            assertDoesNotThrow(() -> Elements.requireFinite(FILE, "w", half));
        }
    }
}
