package dev.gatun.bench.recurrent;

import dev.gatun.bench.harness.Contender;
import dev.gatun.bench.recurrent.RecurrentSuite.Layer;
import dev.gatun.models.runtime.Program;
import dev.gatun.models.runtime.Session;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Recurrent;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.graph.Target;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.RecurrentOp.States;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Map;

/** Gatun's layer: sequences end to end. */
final class GatunRecurrent implements Contender {
    private final Arena arena = Arena.ofShared();
    private final Program program;
    private final Session session;
    private final Map<String, Tensor> inputs;

    GatunRecurrent(Layer layer, int threads) {
        long gates = (long) layer.cell().gates() * layer.hidden();
        int[] sequences = new int[layer.batch() + 2];
        sequences[0] = layer.batch();
        for (int i = 0; i < layer.batch(); i++) {
            sequences[i + 2] = (i + 1) * layer.steps();
        }
        int rows = layer.batch() * layer.steps();
        GraphBuilder graph = new GraphBuilder("layer");
        Recurrent.Direction direction = new Recurrent.Direction(weight("weight_ih", layer.input(), gates, layer.hidden()),
                weight("weight_hh", layer.state(), gates, layer.hidden()), weight("bias_ih", layer.inputBias(), gates),
                weight("bias_hh", layer.stateBias(), gates), null, false);
        graph.output("y", graph.addAll("layer", new Recurrent(layer.cell(), List.of(direction), States.NONE),
                graph.input("x", Spec.of(DataType.F32, rows, layer.hidden())),
                graph.input("sequences", Spec.of(DataType.S32, sequences.length))).getFirst());
        this.program = Program.load(new Program.Part(graph.build(), Target.ofRows(rows)));
        this.session = program.newSession(threads);
        this.inputs = Map.of("x", Tensor.ofFloats(arena, layer.x(), rows, layer.hidden()), "sequences", Tensor.ofInts(arena, sequences,
                sequences.length));
    }

    private Weight weight(String name, float[] values, long... dims) {
        return new Weight(name, Tensor.ofFloats(arena, values, dims));
    }

    @Override
    public String version() {
        return "Gatun";
    }

    @Override
    public void run() {
        session.run(inputs);
    }

    @Override
    public float[] output() {
        return session.run(inputs).get("y").toFloats();
    }

    @Override
    public void close() {
        session.close();
        program.close();
        arena.close();
    }
}
