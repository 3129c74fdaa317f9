package dev.gatun.models.train;

import dev.gatun.models.checkpoint.SafetensorsFile;
import dev.gatun.models.checkpoint.SafetensorsWriter;
import dev.gatun.models.checkpoint.WeightException;
import dev.gatun.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A training in a safetensors file: parameters, the optimizer's states as {@code optimizer.PARAMETER.STATE}, steps and notes. */
final class TrainerFile {
    private static final String STEP = "step";

    private TrainerFile() {
    }

    static void save(Path file, List<Parameter> parameters, List<String> states, long step, Map<String, String> notes) throws IOException {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        for (Parameter p : parameters) {
            tensors.put(p.name(), p.value());
            for (int i = 0; i < p.state().length; i++) {
                tensors.put(stateName(p, states.get(i)), Tensor.of(p.value().desc(), p.state()[i]));
            }
        }
        Map<String, String> metadata = new LinkedHashMap<>(notes);
        metadata.put(STEP, Long.toString(step));
        SafetensorsWriter.write(file, tensors, metadata);
    }

    private static String stateName(Parameter parameter, String state) {
        return "optimizer." + parameter.name() + "." + state;
    }

    /**
     * Reads everything before it changes anything.
     *
     * @return steps
     */
    static long restore(Path file, List<Parameter> parameters, List<String> states, Map<String, String> notes) {
        try (Arena temporary = Arena.ofConfined()) {
            SafetensorsFile source = SafetensorsFile.open(file, temporary);
            requireSame(file, source.metadata(), notes, "go on with the same, or remove the file and begin again");
            Map<MemorySegment, MemorySegment> copies = new LinkedHashMap<>();
            for (Parameter p : parameters) {
                copies.put(p.value().segment(), checked(source, file, p.name(), p));
                for (int i = 0; i < p.state().length; i++) {
                    copies.put(p.state()[i], checked(source, file, stateName(p, states.get(i)), p));
                }
            }
            String steps = source.metadata().get(STEP);
            if (steps == null || !steps.matches("\\d{1,18}") || source.names().size() != copies.size()) {
                throw new WeightException(file, "has step " + steps + " and " + source.names().size()
                        + " tensors, expected a number of steps and " + copies.size() + " tensors: is it another optimizer's?");
            }
            copies.forEach(MemorySegment::copyFrom);
            return Long.parseLong(steps);
        }
    }

    /** @throws WeightException if one of these notes is another in a file, or is not there */
    static void requireSame(Path file, Map<String, String> found, Map<String, String> notes, String advice) {
        notes.forEach((name, expected) -> {
            if (!expected.equals(found.get(name))) {
                throw new WeightException(file, "is of a training with " + name + " " + found.get(name) + ", expected " + expected + ": "
                        + advice);
            }
        });
    }

    private static MemorySegment checked(SafetensorsFile source, Path file, String name, Parameter parameter) {
        if (!source.names().contains(name) || !source.entry(name).shape().equals(parameter.value().shape())) {
            throw new WeightException(file, "has no tensor " + name + " of shape " + parameter.value().shape());
        }
        return source.floats(name).segment();
    }
}
