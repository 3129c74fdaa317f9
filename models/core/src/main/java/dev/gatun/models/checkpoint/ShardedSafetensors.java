package dev.gatun.models.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import dev.gatun.tensor.Tensor;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** A checkpoint in several safetensors files, listed by {@code model.safetensors.index.json}. */
public final class ShardedSafetensors implements WeightSource {
    /** A file beside the index: no folders, and nothing that a system reads as one. */
    private static final Pattern PLAIN_NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._ -]{0,254}");

    private final Path index;
    private final Arena arena;
    private final Map<String, SafetensorsFile> files = new LinkedHashMap<>();

    private ShardedSafetensors(Path index, Arena arena) {
        this.index = index;
        this.arena = arena;
    }

    /**
     * Opens the files of an index.
     *
     * @param arena owns what is read
     * @throws WeightException if the index or a file is damaged, or names a file outside its folder
     */
    public static ShardedSafetensors open(Path index, Arena arena) {
        JsonNode map = JsonFiles.object(index).path("weight_map");
        if (!map.isObject()) {
            throw new WeightException(index, "has no weight_map");
        }
        ShardedSafetensors result = new ShardedSafetensors(index, arena);
        Map<String, SafetensorsFile> opened = new HashMap<>();
        map.properties().forEach(property -> {
            String shard = property.getValue().asText();
            if (!PLAIN_NAME.matcher(shard).matches()) {
                throw new WeightException(index, "tensor " + Clip.text(property.getKey()) + ": file '" + Clip.text(shard)
                        + "' is not the name of a file in the model's folder");
            }
            SafetensorsFile file = opened.computeIfAbsent(shard, s -> SafetensorsFile.open(index.resolveSibling(s), arena));
            file.entry(property.getKey());
            result.files.put(property.getKey(), file);
        });
        return result;
    }

    @Override
    public Arena arena() {
        return arena;
    }

    @Override
    public Set<String> names() {
        return files.keySet();
    }

    private SafetensorsFile require(String name) {
        SafetensorsFile file = files.get(name);
        if (file == null) {
            throw new WeightException(index, "has no tensor " + Clip.text(name));
        }
        return file;
    }

    @Override
    public Entry entry(String name) {
        return require(name).entry(name);
    }

    @Override
    public Tensor tensor(String name) {
        return require(name).tensor(name);
    }

    @Override
    public Tensor floats(String name) {
        return require(name).floats(name);
    }

    @Override
    public Path file(String name) {
        return files.containsKey(name) ? files.get(name).file(name) : index;
    }
}
