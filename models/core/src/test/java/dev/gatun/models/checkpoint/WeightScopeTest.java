package dev.gatun.models.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.tensor.Tensor;
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
}
