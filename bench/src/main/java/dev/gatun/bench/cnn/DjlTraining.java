package dev.gatun.bench.cnn;

import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Blocks;
import ai.djl.nn.Parameter;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.pooling.Pool;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import dev.gatun.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Map;

/** PyTorch by DJL's trainer: its blocks, loss and optimizer. */
final class DjlTraining implements TrainingSuite.Training {
    private static final List<String> LAYERS = List.of("conv1", "conv2", "fc1", "fc2");

    private final Model model;
    private final Trainer trainer;
    private final NDArray pictures;
    private final NDArray labels;

    DjlTraining(int batch, int threads) {
        System.setProperty("ai.djl.offline", "true");
        System.setProperty("ai.djl.pytorch.num_threads", Integer.toString(threads));
        System.setProperty("ai.djl.pytorch.num_interop_threads", "1");
        Network network = Network.TEXTBOOK;
        model = Model.newInstance("textbook", "PyTorch");
        model.setBlock(new SequentialBlock().add(conv(64)).add(Activation.reluBlock()).add(pool()).add(conv(128))
                .add(Activation.reluBlock()).add(pool()).add(Blocks.batchFlattenBlock()).add(Linear.builder().setUnits(1000).build())
                .add(Activation.reluBlock()).add(Linear.builder().setUnits(network.classes).build()));
        trainer = model.newTrainer(new DefaultTrainingConfig(Loss.softmaxCrossEntropyLoss()).optOptimizer(Optimizer.sgd()
                .setLearningRateTracker(Tracker.fixed(TrainingSuite.RATE)).optMomentum(TrainingSuite.MOMENTUM).build()));
        try (Arena arena = Arena.ofConfined()) {
            Map<String, Tensor> weights = GeneratedWeights.of(network, arena);
            List<Parameter> parameters = model.getBlock().getParameters().values();
            for (int i = 0; i < parameters.size(); i++) {
                float[] values = weights.get(LAYERS.get(i / 2) + (i % 2 == 0 ? ".weight" : ".bias")).toFloats();
                parameters.get(i).setInitializer((manager, shape, type) -> manager.create(values, shape));
            }
        }
        Shape shape = new Shape(batch, 3, network.size, network.size);
        trainer.initialize(shape);
        pictures = trainer.getManager().create(Checkpoints.pictures(network, batch), shape);
        labels = trainer.getManager().create(TrainingSuite.labels(batch));
    }

    private static Conv2d conv(int filters) {
        return Conv2d.builder().setKernelShape(new Shape(3, 3)).setFilters(filters).optPadding(new Shape(1, 1)).build();
    }

    private static ai.djl.nn.Block pool() {
        return Pool.maxPool2dBlock(new Shape(2, 2), new Shape(2, 2));
    }

    @Override
    public float step() {
        float loss;
        try (NDManager scope = trainer.getManager().newSubManager()) {
            pictures.attach(scope);
            labels.attach(scope);
            try (GradientCollector collector = trainer.newGradientCollector()) {
                NDArray value = trainer.getLoss().evaluate(new NDList(labels), trainer.forward(new NDList(pictures)));
                collector.backward(value);
                loss = value.getFloat();
            }
            trainer.step();
            pictures.attach(trainer.getManager());
            labels.attach(trainer.getManager());
        }
        return loss;
    }

    @Override
    public void close() {
        trainer.close();
        model.close();
    }
}
