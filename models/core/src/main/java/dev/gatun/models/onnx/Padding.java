package dev.gatun.models.onnx;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/** Zeros around pictures that only convolutions and averages read become part of their own padding. */
final class Padding {
    private final Map<Integer, List<Program.Step>> readers = new HashMap<>();
    private final Map<Integer, Known> known = new HashMap<>();

    /** What is padded, before and after each spatial dimension. */
    private record Known(Program.Ref x, long[] pads) {
    }

    Padding(Program program) {
        for (Program.Step step : program.steps()) {
            Set<Integer> slots = new HashSet<>();
            GraphCompiler.uses(step, 0, slots);
            slots.forEach(slot -> readers.computeIfAbsent(slot, s -> new ArrayList<>()).add(step));
        }
        program.outputs().forEach(r -> readers.remove(r.slot()));
    }

    /**
     * Whether a step is such padding: it need not be computed.
     *
     * @param fixed what is the same in every run of these sizes; null of others
     */
    boolean takes(Program.Step step, Function<Program.Ref, OnnxTensor> fixed) {
        try {
            return isPart(step, fixed);
        } catch (IllegalArgumentException e) {
            // What does not fit says so when it is run.
            return false;
        }
    }

    private boolean isPart(Program.Step step, Function<Program.Ref, OnnxTensor> fixed) {
        int count = step.inputs().size();
        if (!Fusion.is(step, "Pad") || step.inputs().getFirst().up() != 0 || !readers.containsKey(step.outputs()[0])) {
            return false;
        }
        OnnxTensor[] operands = new OnnxTensor[count];
        for (int i = 1; i < count; i++) {
            operands[i] = fixed.apply(step.inputs().get(i));
            if (operands[i] == null && step.inputs().get(i).slot() >= 0) {
                return false;
            }
        }
        Call call = Call.described(step, operands, null);
        OnnxTensor fill = call.opt(2);
        boolean zeros = fill == null || fill.type().isReal() && fill.size() == 1 && fill.real(0) == 0;
        if (!zeros || !call.s("mode", "constant").equals("constant") || call.f("value", 0) != 0) {
            return false;
        }
        int slot = step.outputs()[0];
        List<Program.Step> windows = readers.get(slot);
        int rank = rank(windows.getFirst(), fixed);
        long[] all = call.ints("pads", 1);
        if (rank < 3 || all == null || all.length != (call.has(3) ? call.in(3).size() : rank) * 2) {
            return false;
        }
        long[][] pads = MoveOps.pads(call, rank);
        boolean spatial = Arrays.stream(all).allMatch(p -> p >= 0)
                && Arrays.stream(pads).allMatch(side -> side[0] == 0 && side[1] == 0);
        long[] around = new long[2 * (rank - 2)];
        System.arraycopy(pads[0], 2, around, 0, rank - 2);
        System.arraycopy(pads[1], 2, around, rank - 2, rank - 2);
        if (!spatial || !windows.stream().allMatch(w -> fits(w, slot, around, fixed))) {
            return false;
        }
        known.put(slot, new Known(step.inputs().getFirst(), around));
        return true;
    }

    /** Of what a window moves over; 0 of other steps. */
    private static int rank(Program.Step window, Function<Program.Ref, OnnxTensor> fixed) {
        OnnxTensor weight = Fusion.is(window, "Conv") && window.inputs().size() > 1 ? fixed.apply(window.inputs().get(1)) : null;
        return weight != null ? weight.rank() : Fusion.is(window, "AveragePool")
                && window.attributes().get("kernel_shape") instanceof long[] k ? k.length + 2 : 0;
    }

    private static boolean fits(Program.Step window, int slot, long[] around, Function<Program.Ref, OnnxTensor> fixed) {
        int n = around.length / 2;
        boolean conv = Fusion.is(window, "Conv");
        Call call = Call.described(window, new OnnxValue[0], null);
        long[] own = Spatial.all(call.ints("pads"), 2 * n, 0);
        long[] dilations = Spatial.all(call.ints("dilations"), n, 1);
        String auto = call.s("auto_pad", "NOTSET");
        if (!conv && !Fusion.is(window, "AveragePool") || window.inputs().stream().filter(r -> r.slot() == slot).count() != 1
                || window.inputs().getFirst().slot() != slot || own.length != 2 * n || dilations.length != n
                || !auto.equals("NOTSET") && !auto.equals("VALID")) {
            return false;
        }
        if (rank(window, fixed) != n + 2) {
            return false;
        }
        long[] kernel = conv ? Arrays.copyOfRange(fixed.apply(window.inputs().get(1)).dims(), 2, n + 2) : call.ints("kernel_shape");
        if (!conv && (call.flag("ceil_mode") || Arrays.stream(own).anyMatch(p -> p != 0)
                || Arrays.stream(dilations).anyMatch(d -> d != 1))) {
            return false;
        }
        for (int i = 0; i < 2 * n; i++) {
            // A window that sees zeros alone is nothing that kernels are made for.
            long most = conv ? dilations[i % n] * (kernel[i % n] - 1) : kernel[i % n] / 2;
            long sum = around[i] + (auto.equals("VALID") ? 0 : own[i]);
            if (around[i] > 0 && (around[i] > most || sum > most)) {
                return false;
            }
        }
        return true;
    }

    /** The step itself, or one over what was padded. */
    Program.Step into(Program.Step step) {
        Known padded = step.inputs().isEmpty() || step.inputs().getFirst().up() != 0 ? null : known.get(step.inputs().getFirst().slot());
        if (padded == null) {
            return step;
        }
        Map<String, Object> attributes = new HashMap<>(step.attributes());
        boolean valid = "VALID".equals(attributes.remove("auto_pad"));
        long[] pads = padded.pads().clone();
        if (!valid && attributes.get("pads") instanceof long[] own) {
            Arrays.setAll(pads, i -> own[i] + padded.pads()[i]);
        }
        attributes.put("pads", pads);
        if (Fusion.is(step, "AveragePool")) {
            attributes.put("count_include_pad", 1L);
        }
        List<Program.Ref> inputs = new ArrayList<>(step.inputs());
        inputs.set(0, padded.x());
        return new Program.Step(step.node(), step.kernel(), step.version(), inputs, step.outputs(), attributes, step.dying());
    }
}
