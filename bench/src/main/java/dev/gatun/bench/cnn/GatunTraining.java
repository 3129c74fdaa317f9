package dev.gatun.bench.cnn;

import dev.gatun.models.train.Loss;
import dev.gatun.models.train.Optimizer;
import dev.gatun.models.train.Schedule;
import dev.gatun.models.train.Trainer;
import dev.gatun.tensor.DataType;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.graph.Conv;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.graph.Spec;
import dev.gatun.tensor.graph.Weight;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.EltwiseOp;
import dev.gatun.tensor.op.FlattenOp;
import dev.gatun.tensor.op.PoolOp;
import dev.gatun.tensor.op.Window;
import java.lang.foreign.Arena;
import java.util.Map;

/** Gatun's trainer. */
final class GatunTraining implements TrainingSuite.Training {
    private final Arena arena = Arena.ofShared();
    private final Trainer trainer;
    private final Tensor pictures;
    private final Tensor labels;

    GatunTraining(int batch, int threads) {
        Network network = Network.TEXTBOOK;
        Map<String, Tensor> weights = GeneratedWeights.of(network, arena);
        GraphBuilder g = new GraphBuilder("textbook");
        Port x = g.input("x", Spec.of(DataType.F32, "n", 3, network.size, network.size));
        for (int i = 1; i <= 2; i++) {
            String name = "conv" + i;
            x = g.add(name, new Conv(weight(weights, name + ".weight"), weight(weights, name + ".bias"), Window.square(1, 1)), x);
            x = g.add("pool" + i, PoolOp.max(2), g.add("relu" + i, new EltwiseOp(Activation.RELU), x));
        }
        x = g.add("fc1", new Linear(weight(weights, "fc1.weight"), weight(weights, "fc1.bias")), g.add("flatten", new FlattenOp(), x));
        x = g.add("relu3", new EltwiseOp(Activation.RELU), x);
        g.output("logits", g.add("fc2", new Linear(weight(weights, "fc2.weight"), weight(weights, "fc2.bias")), x));
        trainer = new Trainer(g.build(), new Trainer.Options(new Loss.CrossEntropy(),
                new Optimizer.Sgd(TrainingSuite.RATE, TrainingSuite.MOMENTUM), Schedule.CONSTANT, 0, threads));
        pictures = Tensor.ofFloats(arena, Checkpoints.pictures(network, batch), batch, 3, network.size, network.size);
        labels = Tensor.ofInts(arena, TrainingSuite.labels(batch), batch);
    }

    private static Weight weight(Map<String, Tensor> weights, String name) {
        return new Weight(name, weights.get(name));
    }

    @Override
    public float step() {
        return (float) trainer.step(pictures, labels);
    }

    @Override
    public void close() {
        trainer.close();
        arena.close();
    }
}
