package dev.gatun.models.onnx;

import dev.gatun.bindings.kernels.CountedArena;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.exec.BoundPlan;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Port;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The first run of a program with some sizes of its inputs, which makes a program for these sizes. What depends on sizes alone is computed
 * once; what Gatun's operations compute, of values whose sizes do not depend on data, is gathered into regions, each a compiled plan; the
 * rest stays as it is.
 */
final class Specialist {
    /** Work of a region that is worth a plan: what takes longer than calling it. */
    static final long SMALLEST = 16_384;
    /** Steps that are worth another {@link #SMALLEST}. */
    private static final int MANY = 64;
    /** Steps of a region. */
    private static final int LONGEST = 4096;
    /** Larger results of sizes alone are computed in each run, and so are those that would make more than four times as much. */
    private static final long LARGEST = 1 << 24;
    /** The sizes of these depend on operands behind the first; of all others here on sizes of operands alone. */
    private static final Set<String> SIZED = Set.of("Reshape", "Expand", "Tile", "Slice", "Pad", "Resize", "Split", "Squeeze", "Unsqueeze",
            "TopK", "OneHot", "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL2", "Trilu", "CumSum");
    private static final Set<String> PLAIN = Set.of("Abs", "Add", "And", "Attention", "AveragePool", "BatchNormalization", "Cast",
            "CastLike", "Ceil", "Clip", "Concat", "Conv", "ConvInteger", "ConvTranspose", "Cos", "DepthToSpace", "DequantizeLinear", "Div",
            "DynamicQuantizeLinear", "Einsum", "Elu", "Equal", "Erf", "Exp", "Flatten", "Floor", "Gather", "GatherElements", "GatherND",
            "Gelu", "Gemm", "GlobalAveragePool", "GlobalMaxPool", "Greater", "GreaterOrEqual", "GridSample", "GRU", "HardSigmoid",
            "HardSwish", "Identity", "InstanceNormalization", "GroupNormalization", "IsNaN", "LayerNormalization", "LeakyRelu", "Less",
            "LessOrEqual", "Log", "LogSoftmax", "LRN", "LSTM", "MatMul", "MatMulInteger", "Max", "MaxPool", "Mean", "Min", "Mod", "Mul",
            "Neg", "Not", "Or", "Pow", "PRelu", "QAttention", "QGemm", "QLinearAdd", "QLinearAveragePool", "QLinearConcat",
            "QLinearConv", "QLinearGlobalAveragePool", "QLinearLeakyRelu", "QLinearMatMul", "QLinearMul", "QLinearSigmoid",
            "QLinearSoftmax", "QuantizeLinear", "Reciprocal", "Relu", "RMSNormalization",
            "RNN", "Round", "ScatterElements", "ScatterND", "Sigmoid", "Sign", "Sin", "Softmax", "Softplus", "SpaceToDepth", "Sqrt", "Sub",
            "Sum", "Tan", "Tanh", "Transpose", "Where", "Xor", "gatun.Activation", "gatun.Attend", ByteLayers.CONV, ByteLayers.LINEAR,
            "gatun.ByteProduct", "gatun.LayerNorm", "gatun.Linear", "gatun.RmsNorm");

    private final Program program;
    private final long smallest;
    private final Evaluator evaluator;
    private final Natives natives;
    private final CountedArena arena;
    private final OnnxValue[] values;
    private final Program.Frame frame;
    /** Slots whose values are the same in every run of these sizes. */
    private final Set<Integer> fixed;
    /** Slots of tensors whose sizes are the same in every run of these sizes. */
    private final Set<Integer> sized = new HashSet<>();
    private final Map<Integer, OnnxValue> constants;
    private final List<Program.Step> done = new ArrayList<>();
    private final Map<Integer, Integer> lastUse = new HashMap<>();
    /** What the region under way computes, by slot. */
    private final Map<Integer, Val> pending = new LinkedHashMap<>();
    private final List<Program.Step> waiting = new ArrayList<>();
    /** What those read. */
    private final Set<Integer> awaited = new HashSet<>();
    private final Padding padding;
    private Region region;
    /** Bytes of results of sizes alone. */
    private long kept;

    Specialist(Program program, Evaluator evaluator, long smallest) {
        this.smallest = smallest;
        this.program = program;
        this.evaluator = evaluator;
        this.natives = evaluator.natives();
        this.arena = natives.arena();
        this.values = new OnnxValue[program.slots()];
        this.frame = new Program.Frame(values, null);
        this.fixed = ProgramPasses.constantSlots(program);
        this.constants = new HashMap<>(program.constants());
        this.padding = new Padding(program);
        this.region = newRegion();
    }

    /** What a first run gave, and the program for others like it. */
    record Result(OnnxValue[] outputs, Program program) {
    }

    private Region newRegion() {
        return new Region("region " + done.size(), natives.packed(), arena);
    }

    Result run(OnnxValue[] operands) {
        constants.forEach((slot, value) -> values[slot] = value);
        fixed.forEach(slot -> size(slot, values[slot]));
        for (int i = 0; i < operands.length; i++) {
            int slot = program.inputs().get(i);
            values[slot] = operands[i] == null ? values[slot] : operands[i];
            Memory.retain(values[slot]);
            size(slot, values[slot]);
        }
        for (int i = 0; i < program.steps().size(); i++) {
            int at = i;
            uses(program.steps().get(i)).forEach(slot -> lastUse.put(slot, at));
        }
        program.outputs().forEach(r -> lastUse.put(r.slot(), Integer.MAX_VALUE));
        for (int i = 0; i < program.steps().size(); i++) {
            step(i, program.steps().get(i));
        }
        flush(program.steps().size());
        OnnxValue[] outputs = program.outputs().stream().map(frame::get).toArray(OnnxValue[]::new);
        return new Result(outputs, ProgramPasses.live(ProgramPasses.rebuilt(program, done, constants)));
    }

    private static Set<Integer> uses(Program.Step step) {
        Set<Integer> slots = new HashSet<>();
        GraphCompiler.uses(step, 0, slots);
        slots.remove(-1);
        return slots;
    }

    private void size(int slot, OnnxValue value) {
        if (value instanceof OnnxTensor) {
            sized.add(slot);
        }
    }

    private void step(int at, Program.Step given) {
        Program.Step step = padding.into(given);
        Set<Integer> reads = uses(step);
        if (ProgramPasses.folds(step, fixed) || sizeOnly(step)) {
            compute(step);
            return;
        }
        if (isThere(step.inputs()) && padding.takes(step, this::fixed)) {
            lastUse.merge(step.inputs().getFirst().slot(), lastUse.getOrDefault(step.outputs()[0], -1), Math::max);
            return;
        }
        if (describe(step)) {
            if (waiting.size() == LONGEST) {
                flush(at + 1);
            }
            return;
        }
        if (reads.stream().anyMatch(pending::containsKey)) {
            flush(at);
        }
        execute(step);
        String op = step.node().op();
        size(step, op);
        reads.stream().filter(slot -> !awaited.contains(slot) && !region.inputs().containsKey(slot))
                .forEach(slot -> release(slot, at + 1));
    }

    private void size(Program.Step step, String op) {
        boolean first = SIZED.contains(op);
        boolean all = (first || PLAIN.contains(op)) && step.inputs().stream().allMatch(r -> r.slot() < 0 || sized.contains(r.slot()));
        for (int i = 1; all && first && i < step.inputs().size(); i++) {
            int slot = step.inputs().get(i).slot();
            all = slot < 0 || fixed.contains(slot);
        }
        for (int slot : step.outputs()) {
            if (slot >= 0 && all) {
                size(slot, values[slot]);
            }
        }
    }

    private void execute(Program.Step step) {
        evaluator.execute(step.withDying(new int[0]), frame);
        done.add(step);
    }

    /** Gives back what no step from {@code at} on reads. */
    private void release(int slot, int at) {
        if (lastUse.getOrDefault(slot, -1) < at && !constants.containsKey(slot) && values[slot] != null) {
            evaluator.memory().release(values[slot]);
            values[slot] = null;
        }
    }

    /** Whether the first operand has elements. */
    private boolean isThere(List<Program.Ref> inputs) {
        int slot = inputs.isEmpty() || inputs.getFirst().up() != 0 ? -1 : inputs.getFirst().slot();
        return slot >= 0 && (pending.containsKey(slot) || values[slot] instanceof OnnxTensor t && t.size() > 0);
    }

    private OnnxTensor fixed(Program.Ref ref) {
        return ref.up() == 0 && fixed.contains(ref.slot()) && values[ref.slot()] instanceof OnnxTensor t ? t : null;
    }

    private boolean sizeOnly(Program.Step step) {
        String op = step.node().op();
        return step.node().domain().isEmpty() && (op.equals("Shape") || op.equals("Size")) && sized.contains(step.inputs().getFirst()
                .slot());
    }

    /** What depends on sizes alone: kept, or computed in each run if it is large. */
    private void compute(Program.Step step) {
        int slot = step.inputs().isEmpty() ? -1 : step.inputs().getFirst().slot();
        OnnxValue before = slot < 0 ? null : values[slot];
        if (sizeOnly(step) && pending.containsKey(slot)) {
            values[slot] = new OnnxTensor(OnnxType.FLOAT, dev.gatun.tensor.Shape.of(pending.get(slot).dims),
                    java.lang.foreign.MemorySegment.NULL, null, null);
        }
        evaluator.execute(step.withDying(new int[0]), frame);
        if (slot >= 0) {
            values[slot] = before;
        }
        long size = Arrays.stream(step.outputs()).filter(s -> s >= 0).mapToLong(s -> values[s] instanceof OnnxTensor t
                ? t.segment().byteSize() : Long.MAX_VALUE).max().orElse(0);
        boolean small = size <= LARGEST && kept + size <= 4 * LARGEST;
        kept += small ? size : 0;
        if (!small) {
            done.add(step);
        }
        for (int s : step.outputs()) {
            if (s >= 0) {
                size(s, values[s]);
            }
            if (s >= 0 && small) {
                OnnxTensor t = (OnnxTensor) values[s];
                OnnxTensor kept = OnnxTensor.allocate(arena, t.type(), t.dims()).withStrings(t.strings());
                kept.segment().copyFrom(t.segment());
                evaluator.memory().release(t);
                values[s] = kept;
                constants.put(s, kept);
                fixed.add(s);
            }
        }
    }

    /** Adds a step to the region under way, if it can be part of it. */
    private boolean describe(Program.Step step) {
        Site.Rule rule = Rules.find(step);
        OnnxValue[] operands = new OnnxValue[step.inputs().size()];
        for (int i = 0; rule != null && i < operands.length; i++) {
            int slot = step.inputs().get(i).slot();
            if (slot < 0) {
                continue;
            }
            if (fixed.contains(slot)) {
                operands[i] = values[slot];
            } else if (!pending.containsKey(slot) && !(sized.contains(slot) && values[slot] instanceof OnnxTensor t
                    && described(t.type()) != null && t.size() > 0 && t.rank() > 0)) {
                return false;
            }
        }
        if (rule == null || step.inputs().isEmpty() || step.inputs().getFirst().slot() < 0) {
            return false;
        }
        Val[] results = results(step, rule, operands);
        if (results == null) {
            return false;
        }
        for (int i = 0; i < step.outputs().length; i++) {
            int slot = step.outputs()[i];
            if (slot >= 0) {
                pending.put(slot, results[i]);
                sized.add(slot);
            }
        }
        waiting.add(step);
        awaited.addAll(uses(step));
        return true;
    }

    /** The type that a region has it in; null if it has not. */
    private static DataType described(OnnxType type) {
        return type == OnnxType.FLOAT ? DataType.F32 : type == OnnxType.UINT8 ? DataType.U8 : type == OnnxType.INT8 ? DataType.S8 : null;
    }

    private Val[] results(Program.Step step, Site.Rule rule, OnnxValue[] operands) {
        Site site = new Site(region, Call.described(step, operands, region), i -> {
            int slot = step.inputs().get(i).slot();
            Val known = pending.get(slot);
            OnnxTensor t = known != null ? null : (OnnxTensor) values[slot];
            if (known != null) {
                return known;
            }
            if (described(t.type()) == null || t.size() == 0) {
                throw new IllegalArgumentException("operand " + i + " is " + t);
            }
            return fixed.contains(slot) ? Val.dense(region.constant(t.rank() == 0 ? t.view(1) : t), t.dims()) : region.input(slot,
                    described(t.type()), t.dims());
        });
        Val[] results;
        try {
            results = rule.describe(site);
        } catch (IllegalArgumentException e) {
            // What does not fit says so when it is run.
            return null;
        }
        return results == null || results.length < step.outputs().length || Arrays.stream(results).anyMatch(v -> v == null)
                ? null : results;
    }

    /** Compiles and runs what was described, before step {@code at}. */
    private void flush(int at) {
        Map<Integer, Val> wanted = new LinkedHashMap<>(pending);
        wanted.keySet().removeIf(slot -> lastUse.getOrDefault(slot, -1) < at);
        Map<Integer, Program.Step> lastReader = new HashMap<>();
        waiting.forEach(step -> uses(step).forEach(slot -> lastReader.put(slot, step)));
        if (region.work() < smallest * Math.max(1, waiting.size() / MANY)) {
            for (Program.Step step : waiting) {
                execute(step);
                uses(step).stream().filter(slot -> lastReader.get(slot) == step).forEach(slot -> release(slot, at));
            }
        } else if (!wanted.isEmpty()) {
            execute(compiled(wanted));
            lastReader.keySet().forEach(slot -> release(slot, at));
        }
        region.inputs().keySet().forEach(slot -> release(slot, at));
        pending.clear();
        waiting.clear();
        awaited.clear();
        region = newRegion();
    }

    private Program.Step compiled(Map<Integer, Val> wanted) {
        Map<String, Port> outputs = new LinkedHashMap<>();
        wanted.forEach((slot, v) -> outputs.put(Region.inputName(slot), region.port(v)));
        Graph graph = region.build(outputs);
        BoundPlan plan = natives.compile(region, graph);
        int[] inputs = region.inputs().keySet().stream().mapToInt(i -> i).toArray();
        Tensor[] places = Arrays.stream(inputs).mapToObj(slot -> plan.input(Region.inputName(slot))).toArray(Tensor[]::new);
        OnnxValue[] results = new OnnxValue[wanted.size()];
        int i = 0;
        for (Map.Entry<Integer, Val> each : wanted.entrySet()) {
            String name = Region.inputName(each.getKey());
            DataType type = region.type(outputs.get(name));
            OnnxType shown = type == DataType.U8 ? OnnxType.UINT8 : type == DataType.S8 ? OnnxType.INT8 : OnnxType.FLOAT;
            results[i++] = OnnxTensor.of(shown, plan.output(name).segment(), each.getValue().dims);
        }
        Proto.Node node = new Proto.Node("", "", "gatun.Region", "", List.of(), List.of(), Map.of());
        List<Program.Ref> operands = Arrays.stream(inputs).mapToObj(slot -> new Program.Ref(0, slot)).toList();
        return new Program.Step(node, new Compiled(plan, places, results), 1, operands,
                wanted.keySet().stream().mapToInt(s -> s).toArray(), Map.of("plan", plan, "graph", graph, "rows", region.rows()),
                new int[0]);
    }

    /** A region's plan: operands are copied into their places, results are shown where they are. */
    private record Compiled(BoundPlan plan, Tensor[] places, OnnxValue[] results) implements Kernel.Still {
        @Override
        public OnnxValue[] run(Call call) {
            for (int i = 0; i < places.length; i++) {
                places[i].segment().copyFrom(call.in(i).segment());
            }
            plan.execute();
            return results;
        }

        @Override
        public OnnxValue[] again(Program.Frame frame, List<Program.Ref> operands) {
            for (int i = 0; i < places.length; i++) {
                places[i].segment().copyFrom(((OnnxTensor) frame.get(operands.get(i))).segment());
            }
            plan.execute();
            return results;
        }
    }
}
