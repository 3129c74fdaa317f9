package dev.gatun.models.onnx;

import dev.gatun.tensor.exec.BoundPlan;
import dev.gatun.tensor.exec.Lifetime;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.graph.Target;
import dev.gatun.tensor.graph.pass.Passes;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Runs a model for one caller, with memory of its own. One thread at a time, a platform thread; a second at once is refused.
 * {@link #close} waits for a run under way, and may come before or after the model's.
 */
public final class OnnxSession implements AutoCloseable {
    private final OnnxModel model;
    private final Memory memory;
    private final Natives natives;
    private final long smallest;
    private final Lifetime lifetime = new Lifetime("the session");
    private final AtomicBoolean busy = new AtomicBoolean();
    private final Evaluator evaluator;
    private final OnnxInfo[] infos;
    private final List<String> names;
    private final OnnxValue[] operands;

    OnnxSession(OnnxModel model, OnnxOptions options, long smallest) {
        this.model = model;
        this.smallest = smallest;
        this.memory = new Memory(options.memoryLimit());
        this.natives = new Natives(options.threads(), model.packed());
        this.evaluator = new Evaluator(model.name(), memory, natives, () -> lifetime.isClosed() || model.lifetime().isClosed());
        this.infos = model.inputs().values().toArray(OnnxInfo[]::new);
        this.names = List.copyOf(model.outputs().keySet());
        this.operands = new OnnxValue[infos.length];
    }

    /**
     * Runs the graph. New sizes of the inputs are compiled when they are first seen; plans of the last eight sets of sizes are kept. A run
     * of sizes that were seen takes nothing from the heap but for what nodes outside of compiled regions make: some objects each.
     *
     * @param inputs by name; they are read only during the call
     * @return all outputs by name, in the file's order, not to be modified: views of this session's memory, valid until its next run
     * @throws IllegalArgumentException if an input is missing, unknown, or of another type or shape than the file says
     * @throws OnnxException            if a node cannot be computed; the message names the file and the node
     * @throws IllegalStateException    if the session or the model is closed, or another thread is running here
     */
    public Map<String, OnnxValue> run(Map<String, ? extends OnnxValue> inputs) {
        lifetime.enter();
        try {
            if (!busy.compareAndSet(false, true)) {
                throw new IllegalStateException("this session is in use by another thread: one session for each caller");
            }
            model.lifetime().enter();
            try {
                return execute(inputs);
            } finally {
                model.lifetime().exit();
                busy.set(false);
            }
        } finally {
            lifetime.exit();
        }
    }

    private Map<String, OnnxValue> execute(Map<String, ? extends OnnxValue> inputs) {
        check(inputs);
        memory.reset();
        natives.begin(operands);
        evaluator.begin();
        if (natives.program() != null) {
            return natives.repeat().run(evaluator, operands, names);
        }
        Specialist.Result first = new Specialist(model.program(), evaluator, smallest).run(operands);
        natives.keep(first.program());
        return Repeat.byName(names, first.outputs());
    }

    /** Puts what was checked where operands are, in the graph's order, owned by nobody; null where the file's default is meant. */
    private void check(Map<String, ? extends OnnxValue> inputs) {
        int known = 0;
        for (int i = 0; i < infos.length; i++) {
            OnnxInfo info = infos[i];
            OnnxValue value = inputs.get(info.name());
            if (value == null && !info.hasDefault()) {
                throw new IllegalArgumentException(model.name() + ": input " + info.name() + " is missing, expected " + info);
            }
            String wrong = value == null ? null : info.contradiction(value);
            if (wrong != null) {
                throw new IllegalArgumentException(model.name() + ": input " + info.name() + " " + wrong);
            }
            known += inputs.containsKey(info.name()) ? 1 : 0;
            operands[i] = value == null ? null : unowned(value);
        }
        if (known != inputs.size()) {
            String unknown = inputs.keySet().stream().filter(name -> !model.inputs().containsKey(name)).findFirst().orElse("");
            throw new IllegalArgumentException(model.name() + ": has no input " + unknown + ", only " + model.inputs().keySet());
        }
    }

    private static OnnxValue unowned(OnnxValue value) {
        return switch (value) {
            case OnnxTensor t -> t.block == null ? t : new OnnxTensor(t.type(), t.shape(), t.segment(), t.strings(), null);
            case OnnxValue.Sequence s -> new OnnxValue.Sequence(s.values().stream().map(OnnxSession::unowned).toList());
            case OnnxValue.Optional o -> new OnnxValue.Optional(o.value() == null ? null : unowned(o.value()));
        };
    }

    /** What the last run ran, in order: nodes by their operator, and the kernels of what Gatun's operations compute. Empty before it. */
    public List<String> describe() {
        List<String> lines = new ArrayList<>();
        Program last = natives.ready() ? natives.program() : null;
        for (Program.Step step : last == null ? List.<Program.Step>of() : last.steps()) {
            if (step.attributes().get("plan") instanceof BoundPlan plan) {
                lines.addAll(plan.plan().describe());
            } else {
                lines.add(step.node().label());
            }
        }
        return lines;
    }

    /**
     * The same, regions as the graphs that they were described as.
     *
     * @param after the pass after which they are shown; null: before all passes
     * @throws IllegalArgumentException if there is no such pass
     */
    public List<String> graphs(String after) {
        List<String> texts = new ArrayList<>();
        for (Program.Step step : natives.ready() && natives.program() != null ? natives.program().steps() : List.<Program.Step>of()) {
            if (step.attributes().get("graph") instanceof Graph graph) {
                try (Arena temporary = Arena.ofShared()) {
                    Target target = Packed.target((long) step.attributes().get("rows"));
                    texts.add((after == null ? graph : Passes.runUntil(graph, target, temporary, after)).toString());
                }
            } else {
                texts.add(step.node().label() + System.lineSeparator());
            }
        }
        return texts;
    }

    /** Bytes of native memory: results, plans and what they compute in. */
    public long nativeByteSize() {
        return lifetime.isClosed() ? 0 : memory.byteSize() + natives.byteSize();
    }

    /** Frees the session's memory. Closing twice is harmless. */
    @Override
    public void close() {
        if (lifetime.close()) {
            natives.close();
            memory.close();
        }
    }
}
