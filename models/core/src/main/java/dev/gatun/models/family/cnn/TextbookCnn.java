package dev.gatun.models.family.cnn;

import dev.gatun.models.checkpoint.WeightScope;
import dev.gatun.models.vision.VisionModel;
import dev.gatun.models.vision.VisionNetwork;
import dev.gatun.models.vision.VisionSpec;
import dev.gatun.tensor.graph.Conv;
import dev.gatun.tensor.graph.GraphBuilder;
import dev.gatun.tensor.graph.Linear;
import dev.gatun.tensor.graph.Port;
import dev.gatun.tensor.op.Activation;
import dev.gatun.tensor.op.EltwiseOp;
import dev.gatun.tensor.op.FlattenOp;
import dev.gatun.tensor.op.PoolOp;
import dev.gatun.tensor.op.Window;

/**
 * Convolution 3 x 3, ReLU, max-pool 2, the same again, flatten (C, H, W), linear, ReLU, linear. Names as PyTorch's:
 * {@code conv1}, {@code conv2}, {@code fc1}, {@code fc2}. Features: after the ReLU of {@code fc1}.
 */
public final class TextbookCnn {
    private TextbookCnn() {
    }

    /**
     * Packs the weights; nothing of the source is needed afterwards.
     *
     * @throws dev.gatun.models.checkpoint.WeightException if a tensor is missing or has another shape
     */
    public static VisionModel load(WeightScope scope, TextbookCnnConfig config) {
        return VisionModel.load(describe(scope, config));
    }

    /**
     * Describes the network over the weights below a scope.
     *
     * @throws dev.gatun.models.checkpoint.WeightException if a tensor is missing or has another shape
     */
    public static VisionNetwork describe(WeightScope scope, TextbookCnnConfig config) {
        VisionSpec spec = config.spec();
        GraphBuilder trunk = new GraphBuilder(spec.name() + ".trunk");
        Port x = trunk.input(VisionNetwork.PICTURES, spec.pictures());
        x = block(trunk, "1", scope.child("conv1"), config.channels1(), config.inputChannels(), x);
        x = block(trunk, "2", scope.child("conv2"), config.channels2(), config.channels1(), x);
        trunk.output(VisionNetwork.ROWS, trunk.add("flatten", new FlattenOp(), x));
        GraphBuilder head = new GraphBuilder(spec.name() + ".head");
        Port rows = head.input(VisionNetwork.ROWS, spec.rows());
        Port features = head.add("relu3", new EltwiseOp(Activation.RELU),
                head.add("fc1", linear(scope.child("fc1"), config.hiddenSize(), config.flatSize()), rows));
        head.output(VisionNetwork.FEATURES, features);
        head.output(VisionNetwork.LOGITS, head.add("fc2", linear(scope.child("fc2"), config.numClasses(), config.hiddenSize()), features));
        return new VisionNetwork(spec, trunk.build(), head.build());
    }

    private static Port block(GraphBuilder graph, String number, WeightScope scope, long out, long in, Port x) {
        Conv conv = new Conv(scope.weight("weight", out, in, 3, 3), scope.weight("bias", out), Window.square(1, 1));
        Port y = graph.add("relu" + number, new EltwiseOp(Activation.RELU), graph.add("conv" + number, conv, x));
        return graph.add("pool" + number, PoolOp.max(2), y);
    }

    private static Linear linear(WeightScope scope, long out, long in) {
        return new Linear(scope.weight("weight", out, in), scope.weight("bias", out));
    }
}
