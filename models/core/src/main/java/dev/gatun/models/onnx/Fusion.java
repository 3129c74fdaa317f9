package dev.gatun.models.onnx;

import dev.gatun.tensor.op.Activation;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Patterns of several nodes that are one native operation, whatever exporter wrote them. A pattern is found from its last node backwards,
 * replaces that node, and leaves the others to the removal of what nobody reads. Later nodes are tried first: the largest pattern wins.
 */
final class Fusion {
    private final Program program;
    private final Map<Integer, OnnxValue> constants;
    private final Set<Integer> fixed;
    private final List<Program.Step> steps;
    private final Map<Integer, Program.Step> producers = new HashMap<>();
    private final Map<Integer, List<Program.Step>> users = new HashMap<>();
    private final Set<Integer> kept;
    private final Memory memory;
    private final Packed packed;
    private int slots;
    private int leastRank;

    private Fusion(Program program, Memory memory, Packed packed) {
        this.program = program;
        this.constants = new HashMap<>(program.constants());
        this.fixed = ProgramPasses.constantSlots(program);
        this.steps = new ArrayList<>(program.steps());
        this.kept = ProgramPasses.captured(program);
        this.memory = memory;
        this.packed = packed;
        this.slots = program.slots();
        program.outputs().forEach(r -> kept.add(r.slot()));
        steps.forEach(this::index);
    }

    private void index(Program.Step step) {
        for (int slot : step.outputs()) {
            producers.put(slot, step);
        }
        step.inputs().stream().filter(r -> r.up() == 0 && r.slot() >= 0)
                .forEach(r -> users.computeIfAbsent(r.slot(), s -> new ArrayList<>()).add(step));
    }

    static Program run(Program program, Memory memory, Packed packed) {
        return run(program, memory, packed, List.of(Fusions::gelu, Fusions::silu, Fusions::layerNorm, Fusions::rmsNorm, Fusions::attend,
                ByteRules::product, Fusions::linear, Fusions::batchNorm, Fusions::conv));
    }

    static Program run(Program program, Memory memory, Packed packed, List<Matcher> matchers) {
        Program current = program;
        for (Matcher matcher : matchers) {
            Fusion fusion = new Fusion(current, memory, packed);
            current = fusion.apply(matcher);
        }
        return current;
    }

    /** Says what replaces a step, or null. */
    @FunctionalInterface
    interface Matcher {
        Program.Step match(Fusion f, Program.Step step);
    }

    private Program apply(Matcher matcher) {
        for (int i = steps.size() - 1; i >= 0; i--) {
            leastRank = 0;
            Program.Step other = matcher.match(this, steps.get(i));
            if (other != null) {
                steps.set(i, other);
                for (int slot : other.outputs()) {
                    producers.put(slot, other);
                }
            }
        }
        return ProgramPasses.live(ProgramPasses.rebuilt(program.withSlots(slots), steps, constants));
    }

    /** A step in the place of another. */
    Program.Step replaced(Program.Step last, String op, Kernel.One kernel, Map<String, Object> attributes, Program.Ref... inputs) {
        Proto.Node node = new Proto.Node(last.node().name(), "", op, "", last.node().inputs(), last.node().outputs(), Map.of());
        boolean one = leastRank == 1;
        return new Program.Step(node, c -> {
            OnnxValue y = kernel.run(c);
            return new OnnxValue[] {one && y instanceof OnnxTensor t && t.rank() == 0 ? t.view(1) : y};
        }, last.version(), List.of(inputs), new int[] {last.outputs()[0]}, attributes, new int[0]);
    }

    /** Whether a step is of an operator of the default domain. */
    static boolean is(Program.Step step, String op) {
        return step != null && step.node().op().equals(op) && step.node().domain().isEmpty();
    }

    /** What makes a value, if nobody else reads it. */
    Program.Step only(Program.Ref ref) {
        Program.Step step = any(ref);
        return step == null || kept.contains(ref.slot()) || users.getOrDefault(ref.slot(), List.of()).size() != 1 ? null : step;
    }

    /** What makes a value. */
    Program.Step any(Program.Ref ref) {
        return ref.up() == 0 && ref.slot() >= 0 ? producers.get(ref.slot()) : null;
    }

    Program.Step any(Program.Ref ref, String op) {
        Program.Step step = any(ref);
        return is(step, op) ? step : null;
    }

    Program.Step only(Program.Ref ref, String op) {
        Program.Step step = only(ref);
        return is(step, op) ? step : null;
    }

    /** A constant tensor, or null. */
    OnnxTensor constant(Program.Ref ref) {
        return ref.up() == 0 && fixed.contains(ref.slot()) && constants.get(ref.slot()) instanceof OnnxTensor t ? t : null;
    }

    /** A real constant of one element that leaves other operands their dimensions, but [] which may become [1]; null if it is none. */
    OnnxTensor number(Program.Ref ref) {
        OnnxTensor t = constant(ref);
        if (t == null || t.size() != 1 || t.rank() > 1 || !t.type().isReal()) {
            return null;
        }
        leastRank = Math.max(leastRank, t.rank());
        return t;
    }

    /** Whether a value is a {@link #number} as near to this one as its type, and the digits that exporters write, allow. */
    boolean isNumber(Program.Ref ref, double number) {
        OnnxTensor t = number(ref);
        double tolerance = t == null ? 0 : t.type() == OnnxType.FLOAT || t.type() == OnnxType.DOUBLE ? 1e-5
                : t.type() == OnnxType.FLOAT16 ? 1e-3 : 8e-3;
        return t != null && Math.abs(t.real(0) - number) <= tolerance * Math.abs(number);
    }

    /** The operand of a step of two that is not at {@code i}. */
    static Program.Ref other(Program.Step step, int i) {
        return step.inputs().get(1 - i);
    }

    /** Which of a step's two operands is constant; -1 for none or both. */
    int constantSide(Program.Step step) {
        if (step.inputs().size() != 2) {
            return -1;
        }
        boolean first = constant(step.inputs().get(0)) != null;
        boolean second = constant(step.inputs().get(1)) != null;
        return first == second ? -1 : first ? 0 : 1;
    }

    /** A constant of the model's own, in a slot that nothing used yet. */
    Program.Ref newConstant(OnnxTensor tensor) {
        OnnxTensor value = new OnnxTensor(tensor.type(), tensor.shape(), tensor.segment(), null, null);
        constants.put(slots, value);
        fixed.add(slots);
        packed.constant(value);
        return new Program.Ref(0, slots++);
    }

    /** A convolution in the place of another step, with the first one's attributes; NONE for no bias or residual. */
    Program.Step conv(Program.Step last, Program.Step conv, Program.Ref x, Program.Ref weight, Program.Ref bias, Program.Ref residual,
            Activation activation) {
        Map<String, Object> attributes = new HashMap<>(conv.attributes());
        attributes.put("activation", activation);
        Program.Step step = replaced(last, "Conv", c -> ConvOps.conv(c, c.in(0), c.in(1), c.opt(2), activation, c.opt(3)),
                attributes, x, weight, bias, residual);
        return residual.slot() < 0 && activation == Activation.NONE ? step.with(List.of(x, weight, bias)) : step;
    }

    Memory memory() {
        return memory;
    }

    static Activation activation(Program.Step step) {
        if (step == null || step.inputs().size() < 1) {
            return Activation.NONE;
        }
        return switch (step.node().op()) {
            case "Relu" -> Activation.RELU;
            case "Tanh" -> Activation.TANH;
            case "Sigmoid" -> Activation.SIGMOID;
            case "HardSwish" -> Activation.HARDSWISH;
            case "gatun.Activation" -> (Activation) step.attributes().get("activation");
            case "Gelu" -> "tanh".equals(step.attributes().get("approximate")) ? Activation.GELU_TANH : Activation.GELU_ERF;
            default -> Activation.NONE;
        };
    }
}
