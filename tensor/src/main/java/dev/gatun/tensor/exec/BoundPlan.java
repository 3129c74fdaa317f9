package dev.gatun.tensor.exec;

import dev.gatun.bindings.kernels.Kernels;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.kernel.Binding;
import dev.gatun.tensor.kernel.Step;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import jdk.jfr.FlightRecorder;

/**
 * A plan stamped on the memory of one context. Fill the inputs, {@link #execute}, read the outputs:
 * all are views of the context's memory, valid until it grows or closes.
 */
public final class BoundPlan {
    private final Plan plan;
    private final ExecutionContext context;
    private final Tensor[] tensors;
    private final Step[] steps;
    private final long epoch;

    BoundPlan(Plan plan, ExecutionContext context) {
        this.plan = plan;
        this.context = context;
        List<Plan.Node> nodes = plan.nodes();
        this.tensors = new Tensor[plan.valueCount()];
        for (int i = 0; i < tensors.length; i++) {
            TensorDesc desc = plan.desc(i);
            tensors[i] = plan.offset(i) < 0 ? null : Tensor.of(desc, context.activations().asSlice(plan.offset(i), desc.byteSize()));
        }
        plan.states().forEach((name, id) -> tensors[id] = Tensor.of(plan.desc(id), context.state(
                plan.holdsAddresses(id) ? "addresses of " + name : name, plan.desc(id).byteSize())));
        for (int i = 0; i < tensors.length; i++) {
            tensors[i] = tensors[i] != null ? tensors[i] : Tensor.of(plan.desc(i), tensors[(int) (-1 - plan.offset(i))].segment());
        }
        this.steps = new Step[nodes.size()];
        for (int i = 0; i < steps.length; i++) {
            steps[i] = bind(nodes.get(i));
        }
        this.epoch = context.epoch();
    }

    private Step bind(Plan.Node node) {
        List<Tensor> inputs = new ArrayList<>();
        for (int id : node.inputs()) {
            inputs.add(tensors[id]);
        }
        Step step = node.op().bind(new Binding(
                context.arena(), context.stream(), inputs,
                Arrays.stream(node.results()).mapToObj(id -> tensors[id]).toList(), context.scratchpad()));
        int threads = node.threads();
        return threads == plan.threads() ? step : () -> {
            Kernels.setThreads(threads);
            try {
                step.execute();
            } finally {
                Kernels.setThreads(plan.threads());
            }
        };
    }

    /** The input of this name. */
    public Tensor input(String name) {
        return tensors[plan.inputId(name)];
    }

    /** The state of this name: what the context keeps from one execution to the next, of every plan that has it. */
    public Tensor state(String name) {
        return tensors[plan.stateId(name)];
    }

    /** The output of this name: what the last execution left. */
    public Tensor output(String name) {
        return tensors[plan.outputId(name)];
    }

    /** The plan. */
    public Plan plan() {
        return plan;
    }

    /**
     * Executes every operation in order on the calling platform thread. Allocates nothing. An interrupted thread stops between two
     * operations; the outputs are good for nothing then.
     *
     * @throws CancellationException if the thread is interrupted, which it stays
     * @throws IllegalStateException if the context or the model is closed, another thread is executing here, or the process cannot start
     *                               the plan's threads
     */
    public void execute() {
        begin();
        try {
            // Loading a class of events starts the recorder, which takes as long as a tenth of a model's start.
            if (FlightRecorder.isInitialized() && (ForwardEvent.isOn() || OperationEvent.isOn())) {
                record();
                return;
            }
            for (Step step : steps) {
                requireWanted();
                step.execute();
            }
        } finally {
            end();
        }
    }

    private void requireWanted() {
        if (Thread.currentThread().isInterrupted()) {
            throw new CancellationException(plan + ": interrupted");
        }
    }

    /** The same, seen by a flight recording. */
    private void record() {
        ForwardEvent forward = new ForwardEvent();
        forward.begin();
        boolean each = OperationEvent.isOn();
        for (int i = 0; i < steps.length; i++) {
            requireWanted();
            OperationEvent event = each ? new OperationEvent() : null;
            if (each) {
                event.begin();
            }
            steps[i].execute();
            if (each) {
                event.end();
                plan.describe(i, event);
                event.commit();
            }
        }
        forward.plan = plan.name();
        forward.operations = steps.length;
        forward.threads = plan.threads();
        forward.commit();
    }

    /** Executes, and adds the nanoseconds of each operation to {@code nanos}; for profiles. */
    public void execute(long[] nanos) {
        if (nanos.length < steps.length) {
            throw new IllegalArgumentException(nanos.length + " places for the times of " + steps.length + " operations");
        }
        begin();
        try {
            for (int i = 0; i < steps.length; i++) {
                long start = System.nanoTime();
                steps[i].execute();
                nanos[i] += System.nanoTime() - start;
            }
        } finally {
            end();
        }
    }

    private void begin() {
        Kernels.setThreads(plan.threads());
        plan.enter();
        try {
            context.begin();
            if (epoch != context.epoch()) {
                context.end();
                throw new IllegalStateException(plan + ": the context has grown since this was bound: ask it again");
            }
        } catch (RuntimeException e) {
            plan.lifetime().exit();
            throw e;
        }
    }

    private void end() {
        context.end();
        plan.lifetime().exit();
    }
}
