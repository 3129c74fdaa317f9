package dev.gatun.models.checkpoint;

import dev.gatun.tensor.Tensor;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Tensors of one file by their names; the arena owns what is read. */
abstract class FileTensors implements WeightSource {
    final Path file;
    final Arena arena;
    final Map<String, Entry> entries = new LinkedHashMap<>();
    /** Those that were asked for: layers that share one share what is packed of it. */
    private final Map<String, Tensor> read = new ConcurrentHashMap<>();

    FileTensors(Path file, Arena arena) {
        this.file = file;
        this.arena = arena;
    }

    @Override
    public Arena arena() {
        return arena;
    }

    @Override
    public Set<String> names() {
        return entries.keySet();
    }

    @Override
    public Entry entry(String name) {
        Entry entry = entries.get(name);
        if (entry == null) {
            throw new WeightException(file, "has no tensor " + Clip.text(name));
        }
        return entry;
    }

    @Override
    public Tensor tensor(String name) {
        return read.computeIfAbsent(name, n -> Elements.tensor(file, n, entry(n), arena));
    }

    @Override
    public Tensor floats(String name) {
        return Elements.floats(file, name, entry(name), arena);
    }

    @Override
    public Path file(String name) {
        return file;
    }
}
