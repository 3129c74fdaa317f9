package dev.gatun.models.onnx;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** If, Loop, Scan. */
final class ControlOps {
    private ControlOps() {
    }

    /** The kernel of this family, or null. */
    static Kernel find(String op) {
        return switch (op) {
            case "If" -> Operators.many(c -> {
                OnnxTensor condition = c.in(0);
                c.require(condition.size() == 1, "the condition must be one element");
                return c.run(c.graph(condition.whole(0) != 0 ? "then_branch" : "else_branch"));
            });
            case "Loop" -> Operators.many(ControlOps::loop);
            case "Scan" -> Operators.many(ControlOps::scan);
            default -> null;
        };
    }

    private static OnnxValue[] loop(Call c) {
        Program body = c.graph("body");
        long trips = c.has(0) ? c.in(0).whole(0) : Long.MAX_VALUE;
        boolean go = !c.has(1) || c.in(1).whole(0) != 0;
        int states = c.inputCount() - 2;
        int scans = body.outputs().size() - 1 - states;
        c.require(states >= 0 && scans >= 0 && body.inputs().size() == states + 2, "the body does not fit the operands");
        OnnxValue[] state = new OnnxValue[states];
        for (int i = 0; i < states; i++) {
            state[i] = c.value(i + 2);
        }
        List<List<OnnxTensor>> collected = new ArrayList<>();
        for (int i = 0; i < scans; i++) {
            collected.add(new ArrayList<>());
        }
        for (long trip = 0; go && trip < trips; trip++) {
            OnnxValue[] inputs = new OnnxValue[states + 2];
            inputs[0] = c.ofLongs(new long[] {trip}).view();
            OnnxTensor condition = c.scalar(OnnxType.BOOL, 1);
            inputs[1] = condition;
            System.arraycopy(state, 0, inputs, 2, states);
            OnnxValue[] results = c.turn(body, inputs);
            go = ((OnnxTensor) results[0]).whole(0) != 0;
            OnnxValue[] next = Arrays.copyOfRange(results, 1, 1 + states);
            for (int i = 0; i < scans; i++) {
                keep(collected.get(i), results[1 + states + i]);
            }
            forget(c, inputs, results);
            forget(c, Arrays.copyOf(results, 1), Arrays.copyOfRange(results, 1, results.length));
            state = next;
        }
        OnnxValue[] out = Arrays.copyOf(state, states + scans);
        for (int i = 0; i < scans; i++) {
            out[states + i] = collected.get(i).isEmpty() ? empty(c) : stack(c, collected.get(i), 0, false);
        }
        free(c, state, collected);
        return out;
    }

    /** What is collected must outlive the turn that made it. */
    private static void keep(List<OnnxTensor> collected, OnnxValue value) {
        collected.add((OnnxTensor) value);
        Memory.retain(value);
    }

    /** What was collected is in the results now; the state may share its memory. */
    private static void free(Call c, OnnxValue[] state, List<List<OnnxTensor>> collected) {
        Arrays.stream(state).forEach(Memory::retain);
        collected.forEach(parts -> parts.forEach(c.memory()::release));
        Arrays.stream(state).forEach(Memory::forget);
    }

    /** Values of the last turn that nobody sees any more. */
    private static void forget(Call c, OnnxValue[] values, OnnxValue[] results) {
        for (OnnxValue old : values) {
            if (old instanceof OnnxTensor tensor && tensor.block != null && Arrays.stream(results)
                    .noneMatch(r -> !(r instanceof OnnxTensor t) || t.block == tensor.block)) {
                c.memory().drop(tensor);
            }
        }
    }

    private static OnnxTensor empty(Call c) {
        return c.make(OnnxType.FLOAT, 0);
    }

    static OnnxTensor stack(Call c, List<OnnxTensor> parts, int axis, boolean reverse) {
        OnnxTensor[] all = parts.stream().map(p -> p.view(ShapeOps.unsqueezed(p.dims(), new long[] {axis}))).toArray(OnnxTensor[]::new);
        if (reverse) {
            java.util.Collections.reverse(Arrays.asList(all));
        }
        return MoveOps.concat(c, axis < 0 ? axis + all[0].rank() : axis, all);
    }

    private static OnnxValue[] scan(Call c) {
        Program body = c.graph("body");
        boolean old = c.version() < 9;
        int first = old ? 1 : 0;
        int scanned = (int) c.i("num_scan_inputs", 1);
        int states = c.inputCount() - first - scanned;
        c.require(states >= 0 && body.inputs().size() == states + scanned, "the body does not fit the operands");
        if (!old) {
            OnnxValue[] operands = new OnnxValue[c.inputCount()];
            Arrays.setAll(operands, c::value);
            return scan(c, body, operands, states, c.ints("scan_input_axes"), c.ints("scan_output_axes"), c.ints("scan_input_directions"));
        }
        return batchedScan(c, body, states, scanned);
    }

    /** Opset 8: every operand has a batch in front; all sequences are as long as the dimension. */
    private static OnnxValue[] batchedScan(Call c, Program body, int states, int scanned) {
        c.require(!c.has(0), "sequences of different lengths are not computed");
        List<List<OnnxTensor>> results = new ArrayList<>();
        long batch = c.in(1).dim(0);
        for (long b = 0; b < batch; b++) {
            OnnxValue[] operands = new OnnxValue[states + scanned];
            for (int i = 0; i < operands.length; i++) {
                OnnxTensor row = c.in(1 + i).rows(b, 1);
                operands[i] = row.view(Arrays.copyOfRange(row.dims(), 1, row.rank()));
            }
            OnnxValue[] out = scan(c, body, operands, states, null, null, c.ints("directions"));
            for (int i = 0; i < out.length; i++) {
                if (b == 0) {
                    results.add(new ArrayList<>());
                }
                results.get(i).add((OnnxTensor) out[i]);
            }
        }
        return results.stream().map(parts -> stack(c, parts, 0, false)).toArray(OnnxValue[]::new);
    }

    private static OnnxValue[] scan(Call c, Program body, OnnxValue[] operands, int states, long[] inputAxes, long[] outputAxes,
            long[] directions) {
        int scanned = operands.length - states;
        OnnxValue[] state = Arrays.copyOf(operands, states);
        int outputs = body.outputs().size() - states;
        long length = -1;
        int[] axes = new int[scanned];
        for (int i = 0; i < scanned; i++) {
            OnnxTensor x = (OnnxTensor) operands[states + i];
            axes[i] = Call.axis(inputAxes == null ? 0 : inputAxes[i], x.rank());
            c.require(length < 0 || length == x.dim(axes[i]), "scanned operands have different lengths");
            length = x.dim(axes[i]);
        }
        List<List<OnnxTensor>> collected = new ArrayList<>();
        for (int i = 0; i < outputs; i++) {
            collected.add(new ArrayList<>());
        }
        for (long t = 0; t < length; t++) {
            OnnxValue[] inputs = Arrays.copyOf(state, operands.length);
            for (int i = 0; i < scanned; i++) {
                OnnxTensor x = (OnnxTensor) operands[states + i];
                long at = directions != null && directions[i] == 1 ? length - 1 - t : t;
                boolean[] gone = new boolean[x.rank()];
                gone[axes[i]] = true;
                inputs[states + i] = GatherOps.gather(c, x, axes[i], new long[] {at}, 1).view(ReduceOps.pick(x.dims(), gone, false));
            }
            OnnxValue[] results = c.turn(body, inputs);
            state = Arrays.copyOf(results, states);
            for (int i = 0; i < outputs; i++) {
                keep(collected.get(i), results[states + i]);
            }
            forget(c, inputs, results);
        }
        long[] outputDirections = c.ints("scan_output_directions");
        OnnxValue[] out = Arrays.copyOf(state, states + outputs);
        for (int i = 0; i < outputs; i++) {
            boolean reverse = outputDirections != null && outputDirections[i] == 1;
            int axis = outputAxes == null ? 0 : (int) outputAxes[i];
            out[states + i] = collected.get(i).isEmpty() ? empty(c) : stack(c, collected.get(i), axis, reverse);
        }
        free(c, state, collected);
        return out;
    }
}
