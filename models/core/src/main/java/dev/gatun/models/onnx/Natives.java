package dev.gatun.models.onnx;

import dev.gatun.bindings.kernels.CountedArena;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.exec.BoundPlan;
import dev.gatun.tensor.exec.ExecutionContext;
import dev.gatun.tensor.exec.Lifetime;
import dev.gatun.tensor.exec.Plan;
import dev.gatun.tensor.exec.PlanBuilder;
import dev.gatun.tensor.exec.Value;
import dev.gatun.tensor.graph.Graph;
import dev.gatun.tensor.op.ReorderOp;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Heavy operators as compiled operations: a plan for each node and set of sizes, kept for the sizes of the graph's inputs that were run
 * last. Belongs to a session.
 */
final class Natives implements AutoCloseable {
    /** Sets of input sizes whose plans are kept. */
    private static final int SETS = 8;
    /** Sizes that depend on data can make ever new plans within a set. */
    private static final int PLANS = 4096;

    private final int threads;
    private final Packed packed;
    private final Map<Object, PlanSet> sets = new LinkedHashMap<>(16, 0.75f, true);
    /** The same, for those who ask for their bytes while another thread runs. */
    private final List<PlanSet> held = new CopyOnWriteArrayList<>();
    private PlanSet current;

    /**
     * For one session.
     *
     * @param packed the model's packed weights
     */
    Natives(int threads, Packed packed) {
        this.threads = threads;
        this.packed = packed;
    }

    /** Says what a plan computes. */
    @FunctionalInterface
    interface Description {
        Value add(PlanBuilder builder, Value[] operands);
    }

    private static final class PlanSet {
        private final CountedArena arena = new CountedArena("kernels of ONNX files");
        private final Lifetime lifetime = new Lifetime("the session");
        private final ExecutionContext context = new ExecutionContext();
        private final Map<Object, Plan> plans = new HashMap<>();
        /** Of regions, each with memory of its own: their results are read while others run. */
        private final List<ExecutionContext> contexts = new CopyOnWriteArrayList<>();
        private Program program;
        private Repeat repeat;
        private Shape[] sizes;

        /** Whether these are the sizes; false if some value is no tensor. */
        boolean isFor(OnnxValue[] operands) {
            for (int i = 0; i < operands.length && sizes != null; i++) {
                boolean same = operands[i] == null ? sizes[i] == null
                        : operands[i] instanceof OnnxTensor tensor && tensor.shape().equals(sizes[i]);
                if (!same) {
                    return false;
                }
            }
            return sizes != null;
        }

        void close() {
            lifetime.close();
            context.close();
            contexts.forEach(ExecutionContext::close);
            arena.close();
        }
    }

    /** A run with operands of some sizes begins. */
    void begin(OnnxValue[] operands) {
        if (current != null && current.plans.size() <= PLANS && current.isFor(operands)) {
            return;
        }
        List<Object> sizes = new ArrayList<>();
        for (OnnxValue operand : operands) {
            sizes.add(operand instanceof OnnxTensor tensor ? tensor.shape() : operand == null ? "default" : "no tensor");
        }
        current = sets.get(sizes);
        if (current != null && current.plans.size() > PLANS) {
            drop(sets.remove(sizes));
            current = null;
        }
        if (current == null) {
            current = new PlanSet();
            current.sizes = Arrays.stream(operands).anyMatch(v -> v != null && !(v instanceof OnnxTensor)) ? null
                    : Arrays.stream(operands).map(v -> v == null ? null : ((OnnxTensor) v).shape()).toArray(Shape[]::new);
            sets.put(sizes, current);
            held.add(current);
            if (sets.size() > SETS) {
                Iterator<PlanSet> oldest = sets.values().iterator();
                drop(oldest.next());
                oldest.remove();
            }
        }
    }

    private void drop(PlanSet set) {
        held.remove(set);
        set.close();
    }

    Packed packed() {
        return packed;
    }

    /** The program for the sizes of this run; null if they are new. */
    Program program() {
        return current.program;
    }

    void keep(Program program) {
        current.program = program;
        current.repeat = new Repeat(program);
    }

    /** How {@link #program} is run. */
    Repeat repeat() {
        return current.repeat;
    }

    /** What belongs to the sizes of this run. */
    CountedArena arena() {
        return current.arena;
    }

    /** A region as a plan with memory of its own, its constants in place. */
    BoundPlan compile(Region region, Graph graph) {
        Plan plan = packed.compile(graph, region.rows(), current.lifetime, current.arena, threads);
        ExecutionContext context = new ExecutionContext();
        current.contexts.add(context);
        BoundPlan bound = context.bind(plan);
        region.fixed().forEach((name, tensor) -> bound.input(name).segment().copyFrom(tensor.segment()));
        return bound;
    }

    /** Whether a model is being loaded: nothing is compiled for constants. */
    boolean ready() {
        return current != null;
    }

    /**
     * Runs a plan, compiling it the first time.
     *
     * @param key      what the plan depends on: node, sizes, parameters
     * @param operands row-major views, copied
     * @param dims     of the FLOAT result
     */
    OnnxTensor run(Call call, Object key, Tensor[] operands, Description description, long... dims) {
        return run(call, OnnxType.FLOAT, key, operands, description, dims);
    }

    /** The same with a result of another type. */
    OnnxTensor run(Call call, OnnxType type, Object key, Tensor[] operands, Description description, long... dims) {
        Plan plan = current.plans.get(key);
        if (plan == null) {
            plan = compile(call, operands, description);
            current.plans.put(key, plan);
        }
        BoundPlan bound = current.context.bind(plan);
        for (int i = 0; i < operands.length; i++) {
            bound.input(Integer.toString(i)).segment().copyFrom(operands[i].segment());
        }
        bound.execute();
        OnnxTensor result = call.make(type, dims);
        result.segment().copyFrom(bound.output("y").segment());
        return result;
    }

    private Plan compile(Call call, Tensor[] operands, Description description) {
        PlanBuilder builder = new PlanBuilder(call.step().node().label(), current.lifetime, current.arena, threads);
        Value[] values = new Value[operands.length];
        for (int i = 0; i < operands.length; i++) {
            values[i] = builder.input(Integer.toString(i), TensorDesc.of(operands[i].type(), operands[i].shape().dims()));
        }
        Value y = description.add(builder, values);
        builder.output("y", y.desc().isRowMajor() ? y : builder.add(new ReorderOp(y.desc().type(), MemoryFormat.ROW_MAJOR), y));
        return builder.build();
    }

    long byteSize() {
        return held.stream().mapToLong(s -> s.arena.byteSize() + s.context.nativeByteSize()
                + s.contexts.stream().mapToLong(ExecutionContext::nativeByteSize).sum()).sum();
    }

    @Override
    public void close() {
        held.clear();
        sets.values().forEach(PlanSet::close);
        sets.clear();
    }
}
