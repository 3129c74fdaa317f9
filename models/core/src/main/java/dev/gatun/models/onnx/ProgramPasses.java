package dev.gatun.models.onnx;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** What is done once to a program: constants folded, what is computed twice computed once, what nobody reads left out. */
final class ProgramPasses {
    /** Larger results are computed in each run rather than kept. */
    private static final long LARGEST = 1L << 26;
    /** Bytes of constants that are compared. */
    private static final long SMALL = 256;

    private ProgramPasses() {
    }

    /**
     * The program after all passes.
     *
     * @param evaluator over memory that lives as long as the model
     */
    static Program run(Program program, Evaluator evaluator) {
        Packed packed = evaluator.natives().packed();
        Program once = common(fold(program, evaluator, true));
        Program bytes = Fusion.run(live(once), evaluator.memory(), packed, List.of(ByteLayers::match));
        return Fusion.run(live(fold(bytes, evaluator, false)), evaluator.memory(), packed);
    }

    /** Slots that hold the same in every run; an input's default does not. */
    static Set<Integer> constantSlots(Program program) {
        Set<Integer> slots = new HashSet<>(program.constants().keySet());
        program.inputs().forEach(slots::remove);
        return slots;
    }

    static boolean folds(Program.Step step, Set<Integer> constant) {
        String op = step.node().op();
        boolean plain = step.attributes().values().stream().noneMatch(Program.class::isInstance);
        return plain && !op.startsWith("Random") && !op.equals("Dropout")
                && step.inputs().stream().allMatch(r -> r.slot() < 0 || r.up() == 0 && constant.contains(r.slot()));
    }

    /** @param bytes whether weights that are bytes stay so */
    private static Program fold(Program program, Evaluator evaluator, boolean bytes) {
        Set<Integer> constant = constantSlots(program);
        Map<Integer, OnnxValue> constants = new HashMap<>(program.constants());
        List<Program.Step> left = new ArrayList<>();
        OnnxValue[] values = new OnnxValue[program.slots()];
        constant.forEach(slot -> values[slot] = constants.get(slot));
        for (Program.Step step : program.steps()) {
            if (!folds(step, constant) || bytes && ByteLayers.keeps(step, values)) {
                left.add(step);
                continue;
            }
            evaluator.execute(step.withDying(new int[0]), new Program.Frame(values, null));
            boolean small = Arrays.stream(step.outputs()).allMatch(s -> s < 0 || byteSize(values[s]) <= LARGEST);
            for (int slot : step.outputs()) {
                if (slot >= 0 && small) {
                    constant.add(slot);
                    values[slot] = unowned(values[slot]);
                    constants.put(slot, values[slot]);
                    evaluator.natives().packed().constant(values[slot]);
                } else if (slot >= 0) {
                    evaluator.memory().release(values[slot]);
                }
            }
            if (!small) {
                left.add(step);
            }
        }
        return rebuilt(program, left, constants);
    }

    private static long byteSize(OnnxValue value) {
        return value instanceof OnnxTensor tensor ? tensor.segment().byteSize() : value == null ? 0 : Long.MAX_VALUE;
    }

    private static OnnxValue unowned(OnnxValue value) {
        return value instanceof OnnxTensor t ? new OnnxTensor(t.type(), t.shape(), t.segment(), t.strings(), null) : value;
    }

    static Program rebuilt(Program program, List<Program.Step> steps, Map<Integer, OnnxValue> constants) {
        return new Program(program.slots(), program.inputs(), program.outputs(),
                GraphCompiler.mortal(steps, program.outputs(), program.inputs(), constants), constants);
    }

    /** Slots that subgraphs read. */
    static Set<Integer> captured(Program program) {
        Set<Integer> slots = new HashSet<>();
        for (Program.Step step : program.steps()) {
            Set<Integer> all = new HashSet<>();
            GraphCompiler.uses(step, 0, all);
            step.inputs().forEach(r -> all.remove(r.slot()));
            slots.addAll(all);
        }
        return slots;
    }

    /** Two nodes of the same operator, operands and attributes are one; attributes that hold tensors or graphs are not compared. */
    private static Program common(Program program) {
        Set<Integer> captured = captured(program);
        program.outputs().forEach(r -> captured.add(r.slot()));
        Map<String, int[]> seen = new HashMap<>();
        Map<Integer, Integer> same = equalConstants(program);
        List<Program.Step> steps = new ArrayList<>();
        for (Program.Step step : program.steps()) {
            Program.Step renamed = renamed(step, same);
            String key = key(renamed);
            int[] first = key == null || Arrays.stream(step.outputs()).anyMatch(captured::contains) ? null
                    : seen.putIfAbsent(key, step.outputs());
            if (first == null || first.length != step.outputs().length) {
                steps.add(renamed);
                continue;
            }
            for (int i = 0; i < first.length; i++) {
                same.put(step.outputs()[i], first[i]);
            }
        }
        return rebuilt(program, steps, program.constants());
    }

    /** Small constants that are the same as another: every layer of an export brings its own. */
    private static Map<Integer, Integer> equalConstants(Program program) {
        Map<List<Object>, Integer> seen = new HashMap<>();
        Map<Integer, Integer> same = new HashMap<>();
        for (int slot : new TreeSet<>(constantSlots(program))) {
            if (program.constants().get(slot) instanceof OnnxTensor t && t.strings() == null && t.segment().byteSize() <= SMALL) {
                int first = seen.computeIfAbsent(List.of(t.type(), t.shape(), t.segment().asByteBuffer()), k -> slot);
                if (first != slot) {
                    same.put(slot, first);
                }
            }
        }
        return same;
    }

    private static Program.Step renamed(Program.Step step, Map<Integer, Integer> same) {
        List<Program.Ref> inputs = step.inputs().stream().map(r -> r.up() == 0 && same.containsKey(r.slot())
                ? new Program.Ref(0, same.get(r.slot())) : r).toList();
        return inputs.equals(step.inputs()) ? step : step.with(inputs);
    }

    private static String key(Program.Step step) {
        StringBuilder text = new StringBuilder(step.node().key()).append(step.version()).append(step.inputs());
        for (int slot : step.outputs()) {
            text.append(slot < 0 ? '-' : '+');
        }
        for (Map.Entry<String, Object> entry : new TreeMap<>(step.attributes()).entrySet()) {
            String value = switch (entry.getValue()) {
                case Long v -> v.toString();
                case Float v -> v.toString();
                case String v -> v;
                case long[] v -> Arrays.toString(v);
                case float[] v -> Arrays.toString(v);
                default -> null;
            };
            if (value == null) {
                return null;
            }
            text.append(entry.getKey()).append('=').append(value).append(';');
        }
        return step.node().op().startsWith("Random") || step.node().op().equals("Bernoulli") ? null : text.toString();
    }

    static Program live(Program program) {
        Set<Integer> needed = new HashSet<>();
        program.outputs().stream().filter(r -> r.up() == 0).forEach(r -> needed.add(r.slot()));
        List<Program.Step> left = new ArrayList<>();
        for (int i = program.steps().size() - 1; i >= 0; i--) {
            Program.Step step = program.steps().get(i);
            if (Arrays.stream(step.outputs()).anyMatch(needed::contains)) {
                GraphCompiler.uses(step, 0, needed);
                left.addFirst(step);
            }
        }
        Map<Integer, OnnxValue> constants = new HashMap<>(program.constants());
        constants.keySet().retainAll(needed);
        return rebuilt(program, left, constants);
    }
}
