package dev.gatun.models.onnx;

import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Runs of one program after another, over one frame: where all its kernels are still ones, a run takes nothing from the heap. */
final class Repeat {
    private final Program program;
    private final OnnxValue[] constants;
    private final OnnxValue[] values;
    private final Program.Frame frame;
    private final OnnxValue[] results;
    private final OnnxValue[] named;
    private Map<String, OnnxValue> outputs;

    Repeat(Program program) {
        this.program = program;
        this.constants = new OnnxValue[program.slots()];
        program.constants().forEach((slot, value) -> constants[slot] = value);
        this.values = new OnnxValue[program.slots()];
        this.frame = new Program.Frame(values, null);
        this.results = new OnnxValue[program.outputs().size()];
        this.named = new OnnxValue[results.length];
    }

    /**
     * Runs it.
     *
     * @param operands null where a default is meant
     * @param names    of the outputs
     * @return by name; the same map as before if all results are the same objects
     */
    Map<String, OnnxValue> run(Evaluator evaluator, OnnxValue[] operands, List<String> names) {
        System.arraycopy(constants, 0, values, 0, values.length);
        for (int i = 0; i < operands.length; i++) {
            if (operands[i] != null) {
                values[program.inputs().get(i)] = operands[i];
                Memory.retain(operands[i]);
            }
        }
        evaluator.again(program, frame, results);
        boolean same = outputs != null;
        for (int i = 0; same && i < results.length; i++) {
            same = results[i] == named[i];
        }
        if (!same) {
            System.arraycopy(results, 0, named, 0, results.length);
            outputs = byName(names, results);
        }
        Arrays.fill(values, null);
        return outputs;
    }

    static Map<String, OnnxValue> byName(List<String> names, OnnxValue[] results) {
        Map<String, OnnxValue> outputs = new LinkedHashMap<>();
        int i = 0;
        for (String name : names) {
            outputs.put(name, results[i++]);
        }
        return Collections.unmodifiableMap(outputs);
    }
}
