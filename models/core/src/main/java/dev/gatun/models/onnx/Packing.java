package dev.gatun.models.onnx;

import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Port;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Walks a program of texts with made-up ones. What is computed of ids, masks and sizes alone is computed; rows of tables that they choose,
 * and all that is made of those, is described as one region. What fits no rule is refused. One thread.
 */
final class Packing implements AutoCloseable {
    /** What is added to scores that must not count. */
    static final float HIDDEN = -1e4f;

    private final Program program;
    private final Packed packed;
    private final Arena arena = Arena.ofConfined();
    private final Memory memory;
    private final Evaluator evaluator;
    private final OnnxValue[] values;
    private final Program.Frame frame;
    /** Which inputs a value depends on: a bit for each. */
    private final Map<Integer, Integer> origins = new HashMap<>();
    private final Map<Integer, Val> rows = new HashMap<>();
    private final Map<Integer, Lookup> lookups = new HashMap<>();
    private final Map<Integer, OnnxTensor> outside = new HashMap<>();
    private final Map<TextInput, OnnxTensor> inputs = new EnumMap<>(TextInput.class);
    private final Region region;

    /**
     * Rows of a table.
     *
     * @param origins of the index: a bit for each input
     */
    record Lookup(OnnxTensor table, OnnxTensor index, int origins) {
        boolean isOf(TextInput input) {
            return origins == 1 << input.ordinal();
        }

        boolean dependsOn(TextInput input) {
            return (origins & 1 << input.ordinal()) != 0;
        }
    }

    Packing(OnnxModel model, Program program, TextSample sample, Map<TextInput, OnnxInfo> infos) {
        this.program = program;
        this.packed = model.packed();
        this.memory = new Memory(1L << 30);
        this.evaluator = new Evaluator(model.name(), memory, new Natives(1, packed));
        this.values = new OnnxValue[program.slots()];
        this.frame = new Program.Frame(values, null);
        this.region = new Region("texts", packed, arena);
        program.constants().forEach((slot, value) -> values[slot] = value);
        List<String> names = List.copyOf(model.inputs().keySet());
        infos.forEach((input, info) -> {
            int slot = program.inputs().get(names.indexOf(info.name()));
            inputs.put(input, sample.tensor(arena, input, info.type()));
            values[slot] = inputs.get(input);
            origins.put(slot, 1 << input.ordinal());
        });
    }

    /** The rows that the output is, as a graph for the sample's sizes. */
    Graph run() {
        for (Program.Step step : program.steps()) {
            step(step);
        }
        List<Val> results = program.outputs().stream().map(output -> rows.get(output.slot())).toList();
        if (results.contains(null)) {
            throw new IllegalArgumentException("the output is no row of each token");
        }
        Map<String, Port> output = new LinkedHashMap<>();
        output.put("rows", results.size() == 1 ? region.port(results.getFirst()) : joined(results));
        return region.build(output);
    }

    /** The rows of which each result is a column, as a split of them gives them. */
    private Port joined(List<Val> results) {
        Port port = results.getFirst().port;
        int columns = results.size();
        for (int i = 0; i < columns; i++) {
            Val v = results.get(i);
            boolean fits = port != null && port.equals(v.port) && v.scale == 1 && v.offset == i && v.dims.length == 2
                    && v.strides[1] == columns && v.strides[0] == columns * v.dims[1]
                    && Call.product(region.dims(port), 0, region.dims(port).length) == columns * v.size();
            if (!fits) {
                throw new IllegalArgumentException("the outputs are not the columns of one row of each token");
            }
        }
        return region.port(Val.dense(port, region.dims(port)), results.getFirst().size(), columns);
    }

    private static IllegalArgumentException unfit(Program.Step step, String why) {
        return new IllegalArgumentException(step.node().label() + " " + why);
    }

    private void step(Program.Step step) {
        Set<Integer> reads = new HashSet<>();
        GraphCompiler.uses(step, 0, reads);
        boolean sizes = Fusion.is(step, "Shape") || Fusion.is(step, "Size");
        if (isLookup(step)) {
            lookup(step);
        } else if (sizes && rows.containsKey(step.inputs().getFirst().slot())) {
            int slot = step.inputs().getFirst().slot();
            values[slot] = new OnnxTensor(OnnxType.FLOAT, dev.gatun.tensor.Shape.of(rows.get(slot).dims),
                    java.lang.foreign.MemorySegment.NULL, null, null);
            compute(step, 0);
            values[slot] = null;
        } else if (reads.stream().noneMatch(slot -> rows.containsKey(slot))) {
            compute(step, sizes ? 0 : reads.stream().mapToInt(slot -> origins.getOrDefault(slot, 0)).reduce(0, (a, b) -> a | b));
        } else if (!hidden(step)) {
            describe(step);
        }
    }

    private void compute(Program.Step step, int from) {
        evaluator.execute(step.withDying(new int[0]), frame);
        for (int slot : step.outputs()) {
            origins.put(slot, from);
        }
    }

    private OnnxTensor tensor(Program.Step step, int i) {
        int slot = i < step.inputs().size() && step.inputs().get(i).up() == 0 ? step.inputs().get(i).slot() : -1;
        return slot >= 0 && values[slot] instanceof OnnxTensor t ? t : null;
    }

    private boolean isLookup(Program.Step step) {
        OnnxTensor table = Fusion.is(step, "Gather") && step.attributes().getOrDefault("axis", 0L).equals(0L) ? tensor(step, 0) : null;
        OnnxTensor index = tensor(step, 1);
        return table != null && table.type() == OnnxType.FLOAT && table.rank() == 2 && packed.isConstant(table) && index != null
                && index.rank() > 0 && !packed.isConstant(index) && !isOfPairs(index, origins.getOrDefault(step.inputs().get(1).slot(), 0));
    }

    /** Whether an index says something of two tokens each, as how far apart they are: then rows are no token's. */
    private boolean isOfPairs(OnnxTensor index, int from) {
        long length = inputs.get(TextInput.IDS).dim(1);
        return from == 0 && index.rank() >= 2 && index.dim(-1) == length && index.dim(-2) == length;
    }

    /** The sum of two masks. */
    OnnxTensor sum(OnnxTensor a, OnnxTensor b) {
        long[] dims = Walk.broadcast(a.dims(), b.dims());
        OnnxTensor sum = memory.make(OnnxType.FLOAT, dims);
        long[][] strides = {Walk.dense(dims), Walk.strides(a.dims(), dims), Walk.strides(b.dims(), dims)};
        Walk.rows(dims, strides, new long[3], (at, step, count) -> {
            for (long i = 0; i < count; i++) {
                sum.put(at[0] + i * step[0], a.real(at[1] + i * step[1]) + b.real(at[2] + i * step[2]));
            }
        });
        return sum;
    }

    private void lookup(Program.Step step) {
        OnnxTensor table = tensor(step, 0);
        OnnxTensor index = tensor(step, 1);
        long[] dims = java.util.Arrays.copyOf(index.dims(), index.rank() + 1);
        dims[index.rank()] = table.dim(1);
        int slot = step.outputs()[0];
        lookups.put(slot, new Lookup(table, index, origins.getOrDefault(step.inputs().get(1).slot(), 0)));
        rows.put(slot, region.input(slot, dims));
    }

    /** Where(mask, number, scores) is a mask that is added. */
    private boolean hidden(Program.Step step) {
        if (!Fusion.is(step, "Where")) {
            return false;
        }
        OnnxTensor condition = tensor(step, 0);
        for (int i = 1; condition != null && condition.type() == OnnxType.BOOL && i < 3; i++) {
            OnnxTensor number = tensor(step, i);
            Val scores = rows.get(step.inputs().get(3 - i).slot());
            if (number == null || scores == null || number.size() != 1 || number.type() != OnnxType.FLOAT || !(number.real(0) <= HIDDEN)) {
                continue;
            }
            OnnxTensor mask = memory.make(OnnxType.FLOAT, condition.dims());
            for (long k = 0; k < mask.size(); k++) {
                mask.put(k, condition.whole(k) != 0 == (i == 1) ? number.real(0) : 0);
            }
            int slot = -2 - outside.size();
            outside.put(slot, mask);
            Val added = region.input(slot, mask.dims());
            Val masked = AttentionRule.masked(region, scores, added);
            if (masked != null) {
                rows.put(step.outputs()[0], masked);
                return true;
            }
        }
        return false;
    }

    private void describe(Program.Step step) {
        Site.Rule rule = Rules.find(step);
        if (rule == null) {
            throw unfit(step, "is not computed row by row");
        }
        OnnxValue[] operands = new OnnxValue[step.inputs().size()];
        for (int i = 0; i < operands.length; i++) {
            int slot = step.inputs().get(i).slot();
            operands[i] = slot >= 0 && origins.getOrDefault(slot, 0) == 0 ? values[slot] : null;
        }
        Val[] results = rule.describe(new Site(region, Call.described(step, operands, region), i -> operand(step, i)));
        if (results == null || results.length < step.outputs().length) {
            throw unfit(step, "is not computed row by row");
        }
        for (int i = 0; i < step.outputs().length; i++) {
            if (step.outputs()[i] >= 0) {
                rows.put(step.outputs()[i], results[i]);
            }
        }
    }

    private Val operand(Program.Step step, int i) {
        int slot = step.inputs().get(i).slot();
        Val known = rows.get(slot);
        OnnxTensor t = known == null ? tensor(step, i) : null;
        if (known != null) {
            return known;
        }
        if (t == null || t.type() != OnnxType.FLOAT || t.size() == 0) {
            throw unfit(step, "has an operand " + i + " that is no number of a row");
        }
        int from = origins.getOrDefault(slot, 0);
        if (packed.isConstant(t) || t.size() == 1 && from == 0) {
            return Val.dense(region.constant(t.rank() == 0 ? t.view(1) : t), t.dims());
        }
        outside.put(slot, t);
        return region.input(slot, t.dims());
    }

    Region region() {
        return region;
    }

    Map<TextInput, OnnxTensor> inputs() {
        return inputs;
    }

    /** Rows of tables, by the slot of the region's input. */
    Map<Integer, Lookup> lookups() {
        return lookups;
    }

    /** What else a region reads that is no constant, by slot: masks. */
    Map<Integer, OnnxTensor> outside() {
        return outside;
    }

    @Override
    public void close() {
        memory.close();
        arena.close();
    }

    /** A program of some outputs, without what those do not need. */
    static Program only(Program program, List<Integer> outputs) {
        return ProgramPasses.live(new Program(program.slots(), program.inputs(), new ArrayList<>(outputs.stream().map(
                program.outputs()::get).toList()), program.steps(), program.constants()));
    }
}
