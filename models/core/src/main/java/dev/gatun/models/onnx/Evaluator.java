package dev.gatun.models.onnx;

import java.util.Arrays;
import java.util.function.BooleanSupplier;

/** Walks a program, node by node. One thread. */
final class Evaluator {
    private static final int MAX_DEPTH = 64;

    private final String file;
    private final Memory memory;
    private final Natives natives;
    private final BooleanSupplier closing;
    private int depth;

    Evaluator(String file, Memory memory, Natives natives) {
        this(file, memory, natives, () -> false);
    }

    /** @param closing whether somebody waits for the end of the run to close what it uses */
    Evaluator(String file, Memory memory, Natives natives, BooleanSupplier closing) {
        this.closing = closing;
        this.file = file;
        this.memory = memory;
        this.natives = natives;
    }

    Memory memory() {
        return memory;
    }

    Natives natives() {
        return natives;
    }

    /** @param inputs null for one whose constant default is meant */
    OnnxValue[] run(Program program, OnnxValue[] inputs, Program.Frame parent) {
        if (inputs.length != program.inputs().size()) {
            throw new IllegalArgumentException("a subgraph takes " + program.inputs().size() + " inputs, given are " + inputs.length);
        }
        if (++depth > MAX_DEPTH) {
            throw new IllegalArgumentException("subgraphs run more than " + MAX_DEPTH + " deep");
        }
        OnnxValue[] values = new OnnxValue[program.slots()];
        Program.Frame frame = new Program.Frame(values, parent);
        program.constants().forEach((slot, value) -> values[slot] = value);
        for (int i = 0; i < inputs.length; i++) {
            if (inputs[i] != null) {
                values[program.inputs().get(i)] = inputs[i];
                // The caller's, whatever the subgraph does with views of it.
                Memory.retain(inputs[i]);
            }
        }
        for (Program.Step step : program.steps()) {
            execute(step, frame);
        }
        OnnxValue[] results = new OnnxValue[program.outputs().size()];
        for (int i = 0; i < results.length; i++) {
            results[i] = frame.get(program.outputs().get(i));
        }
        if (parent != null) {
            leave(program, values, inputs);
        }
        depth--;
        return results;
    }

    /** What a subgraph made becomes its caller's: named by nobody until that names it. */
    private static void leave(Program program, OnnxValue[] values, OnnxValue[] inputs) {
        java.util.Set<Integer> mine = new java.util.HashSet<>(program.inputs());
        mine.addAll(program.constants().keySet());
        program.outputs().stream().filter(r -> r.up() == 0 && r.slot() >= 0 && mine.add(r.slot()) && values[r.slot()] != null)
                .forEach(r -> Memory.forget(values[r.slot()]));
        Arrays.stream(inputs).filter(v -> v != null).forEach(Memory::forget);
    }

    /** A turn of a loop begins, which may be one of endlessly many. */
    void turn() {
        if (Thread.currentThread().isInterrupted()) {
            throw new IllegalStateException("the thread was interrupted");
        }
        if (closing.getAsBoolean()) {
            throw new IllegalStateException("the session or the model was closed during the run");
        }
    }

    /** A run begins, whatever became of the one before. */
    void begin() {
        depth = 0;
    }

    /** Runs a graph that is no part of another, with values of its frame that are there already. */
    void again(Program program, Program.Frame frame, OnnxValue[] results) {
        for (int i = 0; i < program.steps().size(); i++) {
            execute(program.steps().get(i), frame);
        }
        for (int i = 0; i < results.length; i++) {
            results[i] = frame.get(program.outputs().get(i));
        }
    }

    void execute(Program.Step step, Program.Frame frame) {
        OnnxValue[] operands = step.kernel() instanceof Kernel.Still ? null : operands(step, frame);
        OnnxValue[] results;
        try {
            results = step.kernel() instanceof Kernel.Still still ? still.again(frame, step.inputs())
                    : step.kernel().run(new Call(step, operands, frame, this));
        } catch (OnnxException e) {
            throw e;
        } catch (RuntimeException | OutOfMemoryError | StackOverflowError e) {
            String message = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
            throw new OnnxException(file, step.node().label() + ": " + message + operandsText(message, operands == null
                    ? operands(step, frame) : operands), e);
        }
        if (results.length < step.outputs().length) {
            for (int i = results.length; i < step.outputs().length; i++) {
                if (step.outputs()[i] >= 0) {
                    throw new OnnxException(file, step.node().label() + ": output " + i + " is asked for, the operator has "
                            + results.length);
                }
            }
        }
        for (int i = 0; i < Math.min(results.length, step.outputs().length); i++) {
            if (step.outputs()[i] >= 0) {
                frame.values()[step.outputs()[i]] = results[i];
                if (results[i] != null) {
                    Memory.retain(results[i]);
                }
            }
        }
        for (int slot : step.dying()) {
            OnnxValue value = frame.values()[slot];
            if (value != null) {
                memory.release(value);
                frame.values()[slot] = null;
            }
        }
    }

    private static OnnxValue[] operands(Program.Step step, Program.Frame frame) {
        OnnxValue[] operands = new OnnxValue[step.inputs().size()];
        for (int i = 0; i < operands.length; i++) {
            operands[i] = frame.get(step.inputs().get(i));
        }
        return operands;
    }

    private static String operandsText(String message, OnnxValue[] operands) {
        return message.contains("operands [") ? "" : "; operands " + Arrays.toString(operands);
    }
}
