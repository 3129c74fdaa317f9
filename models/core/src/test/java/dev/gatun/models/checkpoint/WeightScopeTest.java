package dev.gatun.models.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WeightScopeTest {
    private final Arena arena = Arena.ofConfined();

    @TempDir
    Path folder;

    @AfterEach
    void close() {
        arena.close();
    }

    private Path shard(String name, String tensor) throws IOException {
        Path file = folder.resolve(name);
        SafetensorsWriter.write(file, Map.of(tensor, Tensor.ofFloats(arena, new float[] {1, 2}, 1, 2)), Map.of());
        return file;
    }

    private Path index(String weightMap) throws IOException {
        return Files.writeString(folder.resolve("model.safetensors.index.json"), "{\"weight_map\":" + weightMap + "}");
    }

    @Test
    void errorsNameFileTensorAndShapes() throws IOException {
        Path file = shard("model.safetensors", "bert.layer.0.dense.weight");
        SafetensorsFile source = SafetensorsFile.open(file, arena);
        WeightScope scope = WeightScope.locate(source, "layer.0.dense.weight", "model", "bert").child("layer").child(0);
        assertEquals(2f, scope.child("dense").tensor("weight", 1, 2).getFloat(1));
        String shape = assertThrows(WeightException.class, () -> scope.child("dense").tensor("weight", 2, 1)).getMessage();
        assertEquals(file + ": tensor bert.layer.0.dense.weight: expected [2, 1], found [1, 2]", shape);
        String missing = assertThrows(WeightException.class, () -> scope.child("dens").tensor("weight", 1, 2)).getMessage();
        assertTrue(missing.startsWith(file + ": has no tensor bert.layer.0.dens.weight")
                && missing.contains("bert.layer.0.dense.weight"), missing);
    }

    @Test
    void shardsAreReadTogether() throws IOException {
        shard("one.safetensors", "a");
        shard("two.safetensors", "b");
        ShardedSafetensors source = ShardedSafetensors.open(
                index("{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\"}"), arena);
        assertEquals(2, source.names().size());
        assertEquals(2f, source.floats("b").getFloat(1));
        assertEquals(folder.resolve("two.safetensors"), source.file("b"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"a\":\"../one.safetensors\"}", "{\"a\":\"/etc/passwd\"}", "{\"a\":\"..\"}", "{\"a\":\".\"}",
        "{\"a\":\"/\"}", "{\"a\":\"\"}", "{\"a\":\"x/../one.safetensors\"}", "{\"a\":\"\\u0000\"}", "{\"a\":7}",
        "{\"a\":\"missing.safetensors\"}", "{\"other\":\"one.safetensors\"}", "[]", "{"})
    void damagedIndexesAreRefused(String weightMap) throws IOException {
        shard("one.safetensors", "a");
        Path index = index(weightMap);
        WeightException e = assertThrows(WeightException.class, () -> ShardedSafetensors.open(index, arena));
        assertTrue(e.getMessage().startsWith(folder.toString()), e.getMessage());
    }

    private WeightSource source(Map<String, Tensor> tensors) throws IOException {
        Path file = folder.resolve("model.safetensors");
        SafetensorsWriter.write(file, tensors, Map.of());
        return SafetensorsFile.open(file, arena);
    }

    private Tensor of(DataType type, long... dims) {
        return Tensor.allocate(arena, TensorDesc.of(type, dims));
    }

    @Test
    void weightsKeepTheTypeOfTheirFile() throws IOException {
        Map<String, Tensor> tensors = new java.util.LinkedHashMap<>();
        for (DataType type : DataType.values()) {
            tensors.put("w." + type, of(type, 3, 1));
        }
        tensors.get("w.F16").segment().set(java.lang.foreign.ValueLayout.JAVA_SHORT, 2, Float.floatToFloat16(-0.5f));
        tensors.get("w.BF16").segment().set(java.lang.foreign.ValueLayout.JAVA_SHORT, 2, (short) (Float.floatToIntBits(-3f) >> 16));
        WeightSource source = source(tensors);
        WeightScope scope = WeightScope.of(source).child("w");
        for (DataType type : DataType.values()) {
            assertEquals(type, source.tensor("w." + type).type());
            if (type != DataType.S32) {
                assertEquals(type, scope.weight(type.name(), 3, 1).tensor().type());
                assertEquals("w." + type, scope.weight(type.name(), 3, 1).name());
            }
        }
        assertEquals(-0.5f, scope.weight("F16", 3, 1).floats(arena).getFloat(1));
        assertEquals(-3f, scope.weight("BF16", 3, 1).floats(arena).getFloat(1));
        assertEquals(-3f, source.floats("w.BF16").getFloat(1));
        String message = assertThrows(WeightException.class, () -> scope.weight("S32", 3, 1)).getMessage();
        assertTrue(message.contains("tensor w.S32: element type I32"), message);
        assertTrue(assertThrows(WeightException.class, () -> scope.weight("F16", 1,
                3)).getMessage().contains("expected [1, 3], found [3, 1]"));
        assertTrue(assertThrows(WeightException.class, () -> source.floats("w.S8")).getMessage().contains("element type I8"));
    }

    @Test
    void whatOnlyPythonHasIsNarrowedOrGivenRaw() throws IOException {
        String header = "{\"d\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]},"
                + "\"i\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[8,16]},"
                + "\"b\":{\"dtype\":\"BOOL\",\"shape\":[1],\"data_offsets\":[16,17]}}";
        byte[] file = java.nio.ByteBuffer.allocate(8 + header.length()
                + 17).order(java.nio.ByteOrder.LITTLE_ENDIAN).putLong(header.length())
                .put(header.getBytes(java.nio.charset.StandardCharsets.US_ASCII)).putDouble(2.5).putLong(9).put((byte) 1).array();
        WeightSource source = SafetensorsFile.open(Files.write(folder.resolve("model.safetensors"), file), arena);
        assertEquals(2.5f, WeightScope.of(source).weight("d", 1).tensor().getFloat(0));
        assertTrue(assertThrows(WeightException.class, () -> source.tensor("i")).getMessage().contains("element type I64"));
        assertTrue(assertThrows(WeightException.class, () -> source.tensor("b")).getMessage().contains("element type BOOL"));
        assertEquals(9, source.entry("i").bytes().get(java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED, 0));
    }

    @Test
    void optionalWeightsMayBeAbsentButNotOfAnotherShape() throws IOException {
        WeightScope scope = WeightScope.of(source(Map.of("x.bias", of(DataType.F32, 4)))).child("x");
        assertEquals(4, scope.optional("bias", 4).shape().elementCount());
        assertNull(scope.optional("weight", 4, 4));
        assertThrows(WeightException.class, () -> scope.optional("bias", 5));
    }

    @Test
    void gammaAndBetaOfNormsAreWeightAndBias() throws IOException {
        Map<String, Tensor> tensors = new java.util.LinkedHashMap<>();
        for (String name : new String[] {"e.LayerNorm.gamma", "e.LayerNorm.beta", "ln_1.gamma", "bn1.beta", "block.gamma",
                "both.LayerNorm.gamma"}) {
            tensors.put("bert." + name, of(DataType.F32, 2));
        }
        tensors.put("bert.both.LayerNorm.weight", of(DataType.F32, 3));
        WeightSource source = source(tensors);
        WeightScope scope = WeightScope.locate(source, "e.LayerNorm.weight");
        assertEquals("bert", scope.toString());
        assertEquals("bert.e.LayerNorm.gamma", scope.child("e").child("LayerNorm").weight("weight", 2).name());
        assertEquals(2, scope.child("e").child("LayerNorm").tensor("bias", 2).shape().dim(0));
        assertTrue(scope.child("ln_1").has("weight") && scope.child("bn1").has("bias"));
        // A layer scale is no norm, and a tensor's own name comes first.
        assertFalse(scope.child("block").has("weight"));
        assertEquals(3, scope.child("both").child("LayerNorm").shape("weight").dim(0));
        assertEquals("bert", WeightScope.locate(source, "e.LayerNorm.bias", "model", "bert").toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "bert.", "roberta.", "model.", "module.", "0.auto_model.", "transformer.", "encoder.", "0.auto_model.bert.",
        "module.model.", "base_model.model.roberta."})
    void knownPrefixesAreFound(String prefix) throws IOException {
        WeightScope scope = WeightScope.locate(source(Map.of(prefix + "embeddings.weight", of(DataType.F32, 2))), "embeddings.weight");
        assertEquals(prefix + "embeddings.weight", scope.child("embeddings").weight("weight", 2).name());
    }

    @Test
    void unknownPrefixesAreNot() throws IOException {
        WeightScope scope = WeightScope.locate(source(Map.of("some.other.embeddings.weight", of(DataType.F32, 2))), "embeddings.weight");
        assertEquals("(top)", scope.toString());
        String message = assertThrows(WeightException.class, () -> scope.child("embeddings").weight("weight", 2)).getMessage();
        assertTrue(message.contains("nearest names: some.other.embeddings.weight"), message);
    }
}
