package dev.gatun.models.checkpoint;

import java.lang.foreign.Arena;
import java.nio.file.Path;

/** The constants of an ONNX file, by the names that its graph gives them. */
final class OnnxTensors extends FileTensors {
    private OnnxTensors(Path file, Arena arena) {
        super(file, arena);
    }

    static OnnxTensors open(Path file, Arena arena) {
        OnnxTensors tensors = new OnnxTensors(file, arena);
        OnnxFile.open(file, arena).tensors().forEach(tensors.entries::put);
        return tensors;
    }
}
